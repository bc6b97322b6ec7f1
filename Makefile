# Everything a person types here. `make run` and `make test` need nothing but python3 (3.11 or newer, with venv) and make:
# Node, Postgres, Valkey and all tools come as Python packages, the browser from the system's packages or from npm.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV_VERSION := 0.13.9
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	command -v $(name) >/dev/null && $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))

# The Node that comes as a Python package.
IN_WEB = $(BIN)/python web/build_hook.py --link-node $(VENV)/node; cd web; export PATH="$(CURDIR)/$(VENV)/node:$$PATH"

.PHONY: help install run test test-python test-web check fmt types imports bench browser clean lock

help:
	@echo "make run      install and start Baygrid with two demo venues; BAYGRID_PORT is honoured (default 8000)"
	@echo "make test     install and run all tests, with real servers and a real browser"
	@echo "make check    formatting, lint, types and import contracts, Python and web"
	@echo "make bench    print what the hot paths cost on this machine"
	@echo "make install  everything up to a working $(BIN)/baygrid and the built web app"
	@echo "make fmt | types | imports | lock | clean"

# ---- installing -------------------------------------------------------------------------------------------------------

# What the web app is built from, folders too, as those tell of files that went: a newer one means running the build hook
# again, which looks at contents.
WEB_INPUTS := $(shell find web -mindepth 1 \( -name node_modules -o -name dist -o -name __pycache__ -o -name '*.py' \) -prune -o -print)

install: $(VENV)/.stamp-project

$(VENV)/.stamp-venv:
	@if [ -z "$(PYTHON)" ]; then echo "Baygrid needs Python 3.11 or newer as python3. Install it, or say: make PYTHON=/path/to/python3" >&2; exit 1; fi
	if ! $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then
		echo "$$($(PYTHON) --version) has no working venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1
	fi
	[ -x $(BIN)/python ] && $(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	touch $@

$(VENV)/.stamp-runtime: $(VENV)/.stamp-venv requirements.txt requirements-build.txt
	@echo "Installing the packages that Baygrid runs on"
	$(PIP) install --require-hashes -r requirements.txt -r requirements-build.txt
	touch $@

$(VENV)/.stamp-project: $(VENV)/.stamp-runtime pyproject.toml web/build_hook.py $(WEB_INPUTS)
	@echo "Installing Baygrid and building its web app"
	$(PIP) install --no-build-isolation --no-deps --editable .
	touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp-runtime requirements-dev.txt
	@echo "Installing the packages that tests and checks run on"
	$(PIP) install --require-hashes -r requirements-dev.txt
	touch $@

# ---- using ------------------------------------------------------------------------------------------------------------

run: install
	@exec $(BIN)/baygrid demo

# ---- testing and checking ---------------------------------------------------------------------------------------------

test: test-web test-python

test-python: install $(VENV)/.stamp-dev browser
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --cov --cov-report term $(PYTEST_ARGUMENTS)

test-web: install
	@$(IN_WEB)
	npm run --silent test

# Installs a Chromium unless there is one; says what to do where it cannot.
browser: $(VENV)/.stamp-dev
	@$(BIN)/python -m tests.e2e.chromium --install

check: install $(VENV)/.stamp-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(IN_WEB)
	npm run --silent types
	npm run --silent lint

fmt: install $(VENV)/.stamp-dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(IN_WEB)
	npm run --silent format

types: $(VENV)/.stamp-dev
	$(BIN)/mypy

imports: $(VENV)/.stamp-dev
	$(BIN)/lint-imports --no-cache

bench: install $(VENV)/.stamp-dev
	$(BIN)/python -m bench $(BENCH_ARGUMENTS)

# ---- keeping ----------------------------------------------------------------------------------------------------------

# Resolved for every platform and Python at once, with the hashes of all files; no index is named in what is written. Extras
# are kept: an older pip looks for "coverage[toml]" beside "coverage", and takes a newer release that no hash is known of.
lock: $(VENV)/.stamp-venv
	@[ -x .lock-venv/bin/uv ] || { $(PYTHON) -m venv .lock-venv; .lock-venv/bin/python -m pip --quiet install uv==$(UV_VERSION); }
	lock() { .lock-venv/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UV_ARGUMENTS) "$$@"; }
	lock pyproject.toml --output-file requirements.txt
	lock --group build --constraint requirements.txt --output-file requirements-build.txt
	lock pyproject.toml --extra bench --group dev --constraint requirements.txt --constraint requirements-build.txt --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) .lock-venv .chromium .chromium.new web/node_modules web/dist dist build .coverage* .hypothesis \
		.import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Kept: .baygrid (the demo's data). Remove it by hand to begin with no data."
