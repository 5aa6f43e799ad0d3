# Stands in for node:24-trixie-slim: Debian's own Node and npm.
FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends nodejs npm >/dev/null && rm -rf /var/lib/apt/lists/*
CMD ["node"]
