# Stands in for crossbario/autobahn-testsuite: the same release, on the last Debian that has Python 2.7.
FROM debian:bullseye-slim AS build
RUN apt-get update -qq \
    && apt-get install -qq -y --no-install-recommends gcc libc6-dev python2.7-dev virtualenv >/dev/null
COPY --from=requirements suite.txt /
RUN virtualenv -q -p python2.7 /opt/suite \
    && /opt/suite/bin/pip --cert /etc/ssl/certs/ca-certificates.crt install -q --no-deps --require-hashes -r /suite.txt

FROM debian:bullseye-slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python2.7 >/dev/null && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/suite /opt/suite
RUN ln -s /opt/suite/bin/wstest /usr/local/bin/wstest
CMD ["wstest", "--help"]
