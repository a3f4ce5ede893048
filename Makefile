# `make demo`: from nothing to a validated board. `make test`: everything that CI runs.
# Both need Python 3.10 to 3.13 with venv, and make; the rest is installed into .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
JOBS   ?= 2

# What the C side is built and run with; `make test` installs what is missing.
TOOLS   := cc c++ arm-none-eabi-gcc riscv64-unknown-elf-gcc qemu-system-arm qemu-system-riscv32 stm32flash \
           st-flash openocd xtensa-lx106-elf-gcc
DEBIAN  := gcc g++ libc6-dev gcc-arm-none-eabi libnewlib-arm-none-eabi gcc-riscv64-unknown-elf \
           qemu-system-arm qemu-system-misc stm32flash stlink-tools openocd gcc-xtensa-lx106

.PHONY: demo test lint toolchains test-slow test-browser test-real-data newcomer bench docs pages clean

demo: $(VENV)/installed-demo
	$(BIN)/keras-tiny demo --out build/demo

test: toolchains $(VENV)/installed-test lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not slow and not benchmark and not real_data and not hardware and not network and not browser"

toolchains:
	@for tool in $(TOOLS); do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	if [ -n "$$missing" ]; then \
	  echo "Installing what is missing:$$missing" >&2; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DEBIAN); \
	fi

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-slow: $(VENV)/installed-test
	$(BIN)/python -m pytest -m "slow and not hardware and not network"

# Reports in headless Chromium, at a telephone's width and a desk's.
test-browser: $(VENV)/installed-test
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	$(BIN)/python -m pytest tests/keras_tiny/report -m browser

# From nothing to a report: an empty environment, a built wheel, the README's commands, the demo. Downloads TensorFlow.
newcomer: $(VENV)/installed-test
	$(BIN)/python -m pytest tests/e2e/test_from_nothing.py -m network -s

# make test-real-data DATA=folder/with/the/archives
test-real-data: $(VENV)/installed-test
	$(BIN)/python -m pytest -m real_data --real-data "$(DATA)"

bench: $(VENV)/installed-test
	$(BIN)/python -m pytest -m benchmark -s

# The site, in build/site; a link that leads nowhere is an error.
docs: $(VENV)/installed-test
	$(BIN)/python -m mkdocs build --strict

# The pages that are made from code and measured tables, written anew.
pages: $(VENV)/installed-test
	$(BIN)/python -m tests.docs.pages

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python's venv module is missing; installing it." >&2; \
	  apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); }

$(VENV)/installed-demo: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[train,virtual]'
	touch $@

$(VENV)/installed-test: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[train,virtual,flash,dev,docs]'
	touch $@ $(VENV)/installed-demo

clean:
	rm -rf $(VENV) build dist
