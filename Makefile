# What one can do with redress. `make` alone lists it.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

# The first Python on the PATH that is new enough; `make PYTHON=…` to choose another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; done)

BIN := .venv/bin
INSTALLED := .venv/installed
PACKAGES := domain store projections replay api

.PHONY: help run test torture check bench rebuild verify docs clean

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-9s %s\n' "$$name" "$$text"; done

run: $(INSTALLED) ## serve on http://127.0.0.1:8000, with a sample company if there is no data yet
	$(BIN)/redress serve --demo

test: $(INSTALLED) ## all tests, with the bars for coverage; a part without them: make test ARGS="tests/domain"
ifdef ARGS
	$(BIN)/python -m pytest -n logical $(ARGS)
else
	$(BIN)/python -m pytest -n logical --cov --cov-report=
	$(BIN)/coverage report --include='domain/*' --fail-under=100
	@for package in $(filter-out domain,$(PACKAGES)); do \
		echo "$(BIN)/coverage report --include='$$package/*' --fail-under=90"; \
		$(BIN)/coverage report --include="$$package/*" --fail-under=90 || failed=1; \
	done; [ -z "$$failed" ]
endif

torture: $(INSTALLED) ## kill, stall and cut what can be, for some minutes; again: REDRESS_SEED=… make torture
	REDRESS_TORTURE=1 $(BIN)/python -m pytest -n 0 $(or $(ARGS),tests/torture)

check: $(INSTALLED) ## style, types and import rules, without running anything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(INSTALLED) ## measure; one benchmark: make bench BENCH=append
	$(BIN)/python -m bench $(BENCH)

rebuild: $(INSTALLED) ## compute all read models anew from the log, while the service keeps working
	$(BIN)/redress rebuild

verify: $(INSTALLED) ## check the log, and that the read models equal it
	$(BIN)/redress verify

docs: $(INSTALLED) ## write the generated pages of docs/reference anew
	$(BIN)/python -m docs.generate

clean: ## remove what was built and cached; data is kept
	rm -rf .venv build *.egg-info .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Written last, so that an interrupted installation is repeated; and again only when the lock changes.
$(INSTALLED): requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
