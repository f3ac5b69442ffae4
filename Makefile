# One-word recipes; `make help` lists them. Everything is installed into .venv, nothing elsewhere.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	&& echo $$p && break; done)
BIN := .venv/bin
PIP_FLAGS := --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test nightly twins check docs bench format clean

help: ## List the recipes
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: .venv/run.stamp ## A whole month end against simulated vendors, in a folder that it names
	@$(BIN)/syncd demo

test: .venv/dev.stamp ## All tests, on SQLite and on a real PostgreSQL
	$(BIN)/pytest -q -n 2 --dist loadgroup

nightly: .venv/dev.stamp ## 10,000 seeds of lost answers and crashes; SEED=7 replays one
	SEED=$(SEED) SEEDS=$(or $(SEEDS),10000) $(BIN)/pytest -q -n $(if $(SEED),0,2) \
		tests/integration/invoicing/test_exactly_once.py

twins: .venv/dev.stamp ## A million random invoices of each package, predicted and simulated
	$(BIN)/python -m bench.twins

check: .venv/dev.stamp ## Format, lint, types, walls, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q tests/architecture

docs: .venv/dev.stamp ## Write the reference pages of docs/ from the code
	$(BIN)/python -m tests.architecture.reference_pages

bench: .venv/dev.stamp ## Pulls and posting measured again; bench/README.md names the others
	$(BIN)/python -m bench.pull
	$(BIN)/python -m bench.post

format: .venv/dev.stamp ## Rewrite the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove the environment and what the tools left
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis demo-run

.venv/pip.stamp:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv .venv || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 2; }
	@touch $@

.venv/run.stamp: .venv/pip.stamp pyproject.toml constraints.txt
	@test -f .venv/dev.stamp || echo "Installing syncd into .venv (once) ..."
	@test -f .venv/dev.stamp || $(BIN)/pip install $(PIP_FLAGS) --editable .
	@touch $@

.venv/dev.stamp: .venv/pip.stamp pyproject.toml constraints.txt
	$(BIN)/pip install $(PIP_FLAGS) --editable '.[dev]'
	@touch $@
