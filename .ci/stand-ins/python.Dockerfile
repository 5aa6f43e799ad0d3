# Stands in for python:3.13-slim-trixie: Debian's own 3.13, under the name the official image uses.
FROM debian:trixie-slim
RUN apt-get update -qq \
    && apt-get install -qq -y --no-install-recommends python3 python3-dev libpython3.13 python3-pip python3-venv >/dev/null \
    && rm -rf /var/lib/apt/lists/* /usr/lib/python3*/EXTERNALLY-MANAGED \
    && ln -s /usr/bin/python3 /usr/local/bin/python \
    && ln -s /usr/bin/python3 /usr/local/bin/python3
CMD ["python3"]
