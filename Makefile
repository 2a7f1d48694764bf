# `make demo` and `make test` set up .venv first, on a fresh clone too.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help demo test lint docs audit fuzz clean

help:
	@echo "make demo    set up, train a VAE on drawn digits, draw everything"
	@echo "make test    set up, lint, check types, run the tests"
	@echo "make lint    lint and format check, types; of the page too, where npm can be had"
	@echo "make docs    build/site: the pages of docs/ and the API reference; without a network once set up"
	@echo "make audit   known weaknesses of the pinned packages, where the index can be reached"
	@echo "make fuzz    damage inputs for MINUTES=1 and keep what breaks in build/fuzz"
	@echo "make clean   remove .venv and caches; runs stay"

demo: .venv/.all
	$(BIN)/vaekit demo

test: lint audit
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python tests/page_tools.py

docs: .venv/.docs
	$(BIN)/python tests/reference_page.py build/docs
	$(BIN)/zensical build --strict

audit: .venv/.test
	$(BIN)/python tests/audit.py

MINUTES ?= 1
fuzz: .venv/.test
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/run.py --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

clean:
	rm -rf .venv .pytest_cache .ruff_cache tests/explorer/page/node_modules

# torch first and alone: its version is the pinned one whatever else asks for it.
.venv/.all: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else "vaekit needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(PIP) torch
	$(PIP) -e '.[all]'
	@touch $@

.venv/.docs: .venv/.all
	$(PIP) -e '.[docs]'
	@touch $@

.venv/.test: .venv/.all
	$(PIP) -e '.[test]'
	@touch $@
