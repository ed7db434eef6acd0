# Everything is done through .venv, which `make setup` makes and keeps equal to requirements/dev.txt.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Programs that are compiled anew for every start start half as fast: what the tests and the demo start, too.
unexport PYTHONDONTWRITEBYTECODE
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
DEMO_DATA := $(CURDIR)/.demo
PYTEST_ARGS ?=
# One more than there are processors: tests wait for servers to start and to die.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))
CODE := src tests scripts $(wildcard bench)

.PHONY: help setup demo test lint format docs bench lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv hold what the lock says (does nothing when it does)
	@scripts/setup.sh

demo: setup ## load the sample case into .demo/ and show what Clew does with it
	@CLEW_DATA_DIR="$${CLEW_DATA_DIR:-$(DEMO_DATA)}" $(BIN)/clew demo
	@echo; echo "To go on with this record:  export CLEW_DATA_DIR=$${CLEW_DATA_DIR:-$(DEMO_DATA)} PATH=$(CURDIR)/$(BIN):\$$PATH"

test: setup lint ## lint, then run the tests but for the slow ones and those on other engines (PYTEST_ARGS="-k phone" to choose, "-m slow" or "-m engines" for those)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile -m "not slow and not engines" $(PYTEST_ARGS)

lint: setup ## style, types, layers, licences, and whether what is generated is up to date
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m scripts.reference --check
	$(BIN)/python -m scripts.client --check
	$(BIN)/python -m pytest --quiet tests/architecture/test_licences.py

format: setup ## format the code and apply the fixes ruff is sure of
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

docs: setup ## write docs/reference/ and the generated client anew from the code
	$(BIN)/python -m scripts.reference
	$(BIN)/python -m scripts.client

bench: setup ## measure (a quarter of an hour; wants an idle machine)
	$(BIN)/python -m bench

lock: setup ## resolve pyproject.toml again into requirements/ (UPGRADE=1 takes newer releases)
	scripts/lock.sh

clean: ## stop the demo's server and remove all that these targets made
	@if [[ -d "$(DEMO_DATA)" && -x $(BIN)/clew ]]; then CLEW_DATA_DIR="$(DEMO_DATA)" $(BIN)/clew db stop; fi
	rm -rf "$(DEMO_DATA)" .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find src tests scripts $(wildcard bench) -name __pycache__ -type d -prune -exec rm -rf {} +
