# Stands in for nginx:1-trixie: Debian's own nginx.
FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends nginx-light >/dev/null && rm -rf /var/lib/apt/lists/*
CMD ["nginx", "-g", "daemon off;"]
