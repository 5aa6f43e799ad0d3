# Echo Wall. `make` alone lists what there is to make.

ECHOWALL_BIND ?= 127.0.0.1
ECHOWALL_PORT ?= 8080
export ECHOWALL_BIND ECHOWALL_PORT
# The tools start often: without compiled modules, each start would compile them again.
unexport PYTHONDONTWRITEBYTECODE

# DOCKER=no starts the lab without Docker even if an engine answers.
DOCKER ?= $(shell docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1 && echo yes || echo no)
ECHOWALL := .venv/bin/echowall
# TLS=yes serves the lab by HTTPS and WSS, with a CA of its own; CERT=FILE KEY=FILE with a certificate of yours.
CERT ?=
KEY ?=
HSTS ?=
TLS ?= $(if $(CERT)$(KEY),yes,no)
ifneq ($(filter-out yes no,$(TLS)),)
$(error TLS=$(TLS) is neither; write TLS=yes, or leave it out)
endif
WITH_TLS = $(if $(filter yes,$(TLS)),--tls) $(if $(CERT),--cert "$(CERT)") $(if $(KEY),--key "$(KEY)") \
  $(if $(HSTS),--hsts "$(HSTS)")
ADDRESS = $(if $(filter yes,$(TLS)),https,http)://127.0.0.1:$(ECHOWALL_PORT)
# Start and check only these stacks, or those of an era: STACKS="tornado modern"
STACKS ?=
# Put other cases of the Autobahn Testsuite: CASES=quick, CASES=full, CASES="7.*"
CASES ?= ci
# Measure another scenario than the short set: SCENARIO=rate, SCENARIO=connect (docs/bench.md lists them)
SCENARIO ?=
# How long `make soak` takes.
MINUTES ?= 30
# Put fewer cases of the fuzz: FUZZ=500
FUZZ ?=
# Check or test so many stacks at a time: JOBS=8 is quicker where the machine has nothing else to do.
JOBS ?=
# Test by so many instances of a stack that is known to fail many cases of the Autobahn Testsuite.
INSTANCES ?=
# Run only some of the browser's tests: E2E=e2e/page/test_chat.py
E2E ?= e2e

.PHONY: help up down logs e2e browsers load sockets check bare conformance attack bench soak test unit lint types format new lock outdated audit
.DEFAULT_GOAL := help

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/ready ## start the lab, in containers if a Docker Engine answers, else as processes
ifeq ($(DOCKER),yes)
	@echo "A Docker Engine answers: starting the lab in containers (DOCKER=no starts it without Docker)."
	@$(ECHOWALL) up --docker $(WITH_TLS) $(STACKS)
else
	@echo "Starting the lab without Docker, as processes of this machine."
	@$(ECHOWALL) up $(WITH_TLS) $(STACKS)
endif

down: .venv/ready ## stop it
	@$(ECHOWALL) down

logs: .venv/ready ## follow the logs of everything
	@$(ECHOWALL) logs

e2e: .venv/dev up ## drive the page in a real browser against every service
	@$(ECHOWALL) need chromium-headless-shell
	.venv/bin/pytest -c e2e/pytest.ini $(E2E) --base-url $(ADDRESS)

browsers: .venv/dev up ## drive the echo of every service in Debian's Firefox and WebKitGTK, where they are installed
	.venv/bin/pytest -c e2e/pytest.ini --numprocesses 0 e2e/browsers --base-url $(ADDRESS)

load: .venv/dev up ## open 200 sockets on each stack, send 50 MB of talk, and restart replicas
	.venv/bin/pytest -c e2e/pytest.ini --numprocesses 0 e2e/load --base-url $(ADDRESS)

# SOCKETS=1000 holds fewer. In containers all sockets come from this machine, and say by X-Forwarded-For who they are.
SOCKETS ?= 10000
sockets: export ECHOWALL_TRUSTED_PROXIES := 127.0.0.0/8,172.16.0.0/12,192.168.0.0/16
sockets: .venv/ready up ## hold 10,000 idle sockets on each stack, and drop them all at once
	@$(ECHOWALL) sockets --sockets $(SOCKETS) $(STACKS)

check: .venv/ready up ## compare what each stack does on the wire with what is known of it
	@$(ECHOWALL) check $(if $(JOBS),--jobs "$(JOBS)") $(STACKS)

bare: .venv/ready up ## ask each stack that mends something the same, with its mends off
	@$(ECHOWALL) check --bare $(STACKS)

conformance: .venv/ready up ## put the Autobahn Testsuite to each stack, and compare that with what is known
	@$(ECHOWALL) conformance --cases "$(CASES)" $(if $(JOBS),--jobs "$(JOBS)") \
	  $(if $(INSTANCES),--instances "$(INSTANCES)") $(STACKS)

attack: .venv/dev up ## attack the lab: fuzz, slow clients, full memory, smuggling, foreign names, what contains it
	@$(ECHOWALL) attack $(if $(FUZZ),--cases "$(FUZZ)") $(STACKS)

bench: .venv/ready up ## measure what a message costs each stack, and how long it takes
	@$(ECHOWALL) bench $(if $(SCENARIO),--scenario "$(SCENARIO)",--rate 1000 --seconds 2) $(STACKS)

soak: .venv/ready up ## have 200 sockets talk for MINUTES=30, and see whether anything grows
	@$(ECHOWALL) soak --minutes "$(MINUTES)" $(STACKS)

test: lint types unit e2e ## run everything: lint, types, unit tests, and the browser

# Most of the tests wait most of the time, so that eight processes are not too many for two cores.
# `make unit FAULTS=all FUZZ=20000` takes minutes more: every check against every faulty server, and more mutated answers.
unit: .venv/dev ## run the tests of the tool, and those of the page's modules
	@$(ECHOWALL) need nginx redis-server
	.venv/bin/pytest --numprocesses 8
	@$(ECHOWALL) libraries
	npm --prefix frontend test

lint: .venv/dev ## check style, every service's folder, and that generated parts are up to date
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	@$(ECHOWALL) libraries
	npm --prefix frontend run lint
	@$(ECHOWALL) lint

types: .venv/dev ## check the types of the Python and of the page
	.venv/bin/mypy
	@$(ECHOWALL) libraries
	npm --prefix frontend run check

format: .venv/dev ## correct the style, and write the generated parts anew
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	@$(ECHOWALL) compose
	@$(ECHOWALL) libraries
	npm --prefix frontend run format
	@$(ECHOWALL) documents

new: .venv/ready ## add a stack: NAME=litestar, and if needed TITLE=Litestar, ERA=article, PACKAGE=litestar
	@$(ECHOWALL) new $(if $(TITLE),--title "$(TITLE)") $(if $(ERA),--era $(ERA)) $(addprefix --package ,$(PACKAGE)) -- "$(NAME)"

lock: .venv/ready ## lock all requirements anew, or those of NAME=tornado
	@$(ECHOWALL) lock $(NAME)

outdated: .venv/ready ## list the pins that are behind their latest releases
	@$(ECHOWALL) outdated $(NAME)

audit: .venv/ready ## look for known vulnerabilities in what is locked
	@.ci/audit

ifneq ($(shell cat .venv/ready 2>/dev/null),$(CURDIR)) # there is no .venv, or the checkout was moved
.PHONY: .venv/ready
endif
.venv/ready: requirements.txt pyproject.toml bootstrap
	@./bootstrap

.venv/dev: .venv/ready requirements-dev.txt
	@echo "Installing what the tests need into .venv"
	@.venv/bin/uv --system-certs pip install --quiet --python .venv/bin/python --require-hashes -r requirements-dev.txt
	@touch $@
