# demo, test, check, bench: each sets up what it needs in .venv and runs on a fresh machine with Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin
DEMO := demo/maxsight.library
.PHONY: demo test lint check bench clean

# python -m venv needs Debian's python3-venv where Python comes from the system.
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "maxsight needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv || { echo "On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: .venv/installed
	$(BIN)/maxsight index examples/documents --library $(DEMO)
	$(BIN)/python examples/ask_three_questions.py $(DEMO) demo

test: .venv/installed
	$(BIN)/python -m pytest

lint: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

bench: .venv/installed
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf .venv demo build dist
