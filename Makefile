# `make` lists what there is; see CONTRIBUTING.md.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench soak setup unit format lock clean
export PYTHON
# Who keeps no compiled Python would compile the package again in every process that starts: here it is kept.
unexport PYTHONDONTWRITEBYTECODE

PYTEST := .venv/bin/pytest
# A file of tests for each core and two more, as tests of processes also wait for them; never so many that memory runs
# out. Files that share what they made go to one process (tests/conftest.py); the slow ones, early in the order, begin
# first.
PARALLEL := -n $(shell echo $$(($$(nproc) + 2))) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: setup ## Run the loop on a year of real flights (ARGS="--until 2013-03-31 --exit")
	@.venv/bin/homeostat demo $(ARGS)

test: setup ## Lint, types, import contracts and every test (ARGS goes to pytest)
	@scripts/system-packages.sh chromium
	@said=$$(mktemp); scripts/lint.sh >"$$said" 2>&1 & lint=$$!; \
	$(PYTEST) $(PARALLEL) $(ARGS); tests=$$?; \
	wait $$lint; style=$$?; cat "$$said"; rm -f "$$said"; exit $$((tests | style))

lint: setup ## Style, format, types and import contracts
	@scripts/lint.sh

bench: setup ## Measure, on this machine, what the documentation states
	@scripts/system-packages.sh wrk
	@.venv/bin/python benchmarks/run.py $(ARGS)

soak: setup ## Kill processes at random moments, round after round (ROUNDS=20)
	@HOMEOSTAT_SOAK=$(or $(ROUNDS),20) $(PYTEST) tests/service/twins/test_soak.py tests/service/test_log_killed.py $(ARGS)

setup: ## Build .venv from the lock; nothing when it is already right
	@scripts/system-packages.sh libgomp1
	@scripts/setup.sh

unit: setup ## The fast tests only
	@$(PYTEST) -m "not (service or browser or demo or slow)" $(PARALLEL) $(ARGS)

format: setup ## Apply the house's format
	@.venv/bin/ruff check --quiet --fix . ; .venv/bin/ruff format --quiet .

lock: setup ## Resolve pyproject.toml into requirements.lock (ARGS=--upgrade)
	@scripts/lock.sh $(ARGS)

clean: ## Remove the environment and all caches; the loop's state (.homeostat) stays
	@rm -rf .venv .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
