# Stands in for crossbario/autobahn-testsuite: the same release, on the last Debian that has Python 2.7.
FROM debian:bullseye-slim AS build
RUN apt-get update -qq \
    && apt-get install -qq -y --no-install-recommends gcc libc6-dev python2.7-dev virtualenv >/dev/null
COPY --from=requirements suite.txt /
# Debian's pip is in pieces and cannot build for 2.7, so pip itself comes first.
RUN virtualenv -q -p python2.7 /opt/suite \
    && echo "pip==20.3.4 --hash=sha256:217ae5161a0e08c0fb873858806e3478c9775caffce5168b50ec885e358c199d" >/pip.txt \
    && export PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_QUIET=1 \
    && /opt/suite/bin/pip install --ignore-installed --require-hashes -r /pip.txt \
    && /opt/suite/bin/pip install --no-deps --require-hashes -r /suite.txt

FROM debian:bullseye-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python2.7 >/dev/null && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/suite /opt/suite
RUN ln -s /opt/suite/bin/wstest /usr/local/bin/wstest
CMD ["wstest", "--help"]
