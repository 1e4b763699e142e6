# Every habit of this project has a name here; `make` alone lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
READY := $(VENV)/.ready
MEMBERS := $(filter-out -e,$(shell cat workspace.txt))

##@ Use

.PHONY: run
run: setup ## Start the whole system; Ctrl-C stops it (RENDEZVOUS_PORT, RENDEZVOUS_HOME, DATABASE_URL, NATS_URL)
	@exec $(BIN)/python -m rendezvous up

.PHONY: doctor
doctor: setup ## Check every part of the system that runs
	@$(BIN)/python -m rendezvous doctor

##@ Work

.PHONY: setup
setup: $(READY) ## Make the environment from the lock (skipped while nothing changed)
	@:

$(READY): requirements.lock workspace.txt pyproject.toml $(MEMBERS:%=%/pyproject.toml) scripts/setup
	@echo "Preparing the environment in $(VENV)."
	@scripts/setup
	@touch $@

.PHONY: test
test: setup ## Run every test: unit, integration, contract and end to end
	@$(PYTEST)

.PHONY: test-unit
test-unit: setup ## Run every test but those that start the whole system
	@$(PYTEST) --ignore=tests/e2e

.PHONY: test-e2e
test-e2e: setup ## Run the tests that start the whole system
	@$(PYTEST) tests/e2e

.PHONY: lint
lint: setup ## Check formatting, style, types and the direction of imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(MAKE) types arch k8s-check containers-check

.PHONY: types
types: setup ## Check types, strictly
	@$(BIN)/pyright

.PHONY: arch
arch: setup ## Check that imports point the right way
	@$(BIN)/lint-imports --no-logo

.PHONY: format
format: setup ## Format, and mend what can be mended
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

.PHONY: bench
bench: setup ## Measure bookings a second, beside the limits of the machine
	@$(BIN)/python -m bench.booking

.PHONY: docs
docs: setup ## Generate JSON Schemas, AsyncAPI and OpenAPI from the code
	@$(BIN)/python -m scripts.generate_docs

.PHONY: k8s-check
k8s-check: setup ## Render the Kubernetes manifests and check them, offline
	@$(BIN)/python scripts/check_k8s.py

.PHONY: containers-check
containers-check: setup ## Check the Dockerfiles, their locks and docker-compose.yml, offline
	@$(BIN)/python scripts/check_containers.py

.PHONY: lock
lock: setup ## Resolve dependencies anew into requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes \
	  --no-annotate --no-header --quiet \
	  $(foreach member,$(MEMBERS),--no-emit-package $(notdir $(member))) -o requirements.lock
	@scripts/lock-images

.PHONY: clean
clean: ## Remove the environment and the caches; data under var/ stay
	@rm -rf $(VENV) .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## List these words
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
