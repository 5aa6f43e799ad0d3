# Stands in for redis:8-trixie: Debian's own Redis.
FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends redis-server redis-tools >/dev/null && rm -rf /var/lib/apt/lists/* && \
    mkdir /data && chown redis:redis /data
WORKDIR /data
CMD ["redis-server"]
