# `make demo`: from nothing to a validated board. `make test`: everything that CI runs.
# Both need Python 3.10 to 3.13 with venv, and make; the rest is installed into .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
JOBS   ?= 2

.PHONY: demo test lint test-slow test-real-data bench clean

demo: $(VENV)/installed-demo
	$(BIN)/keras-tiny demo --out build/demo

test: $(VENV)/installed-test lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not slow and not benchmark and not real_data and not hardware"

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-slow: $(VENV)/installed-test
	$(BIN)/python -m pytest -m "slow and not hardware"

# make test-real-data DATA=folder/with/the/archives
test-real-data: $(VENV)/installed-test
	$(BIN)/python -m pytest -m real_data --real-data "$(DATA)"

bench: $(VENV)/installed-test
	$(BIN)/python -m pytest -m benchmark -s

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python's venv module is missing; installing it." >&2; \
	  apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }

$(VENV)/installed-demo: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[train,virtual]'
	touch $@

$(VENV)/installed-test: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[train,virtual,flash,dev]'
	touch $@ $(VENV)/installed-demo

clean:
	rm -rf $(VENV) build dist
