# Everything from a fresh machine with Python 3.11 and pip: `make demo` shows the main job, `make test` passes the tests.
# Tests run in two processes of one thread each: more threads than cores would only fight. A process that has nothing left takes
# tests of the other. Bytecode is kept also where PYTHONDONTWRITEBYTECODE is set: otherwise each process that the tests start
# compiles everything again.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN = $(VENV)/bin
TESTS = PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

.PHONY: demo test test-wide test-all test-gpu lint format bench release lesson docs clean

demo: $(VENV)/installed
	$(BIN)/python scripts/demo.py demo

test: $(VENV)/installed-dev
	$(TESTS)

# The same checks on more networks, methods and sizes, whole programs, and the code blocks of the docs
test-wide: $(VENV)/installed-dev
	$(TESTS) -m "wide and not slow and not gpu"

test-all: $(VENV)/installed-dev
	$(TESTS) -m "not gpu"

test-gpu: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m gpu

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/installed-dev
	$(BIN)/python scripts/bench_forward.py
	$(BIN)/python scripts/bench_scenes.py
	$(BIN)/python scripts/bench_occlusion.py
	$(BIN)/python scripts/bench_perturbation.py
	$(BIN)/python scripts/bench_exact.py
	$(BIN)/python scripts/bench_methods.py
	$(BIN)/python scripts/bench_runs.py
	$(BIN)/python scripts/bench_testing.py
	$(BIN)/python scripts/bench_startup.py

# Builds wheel and sdist into dist/, checks them, and tries the wheel in a fresh environment from an empty folder
release: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[release]"
	rm -rf dist
	$(BIN)/python scripts/release.py dist

# Makes slides and notebooks of the lesson anew; the notebooks are run
lesson: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[lesson]"
	$(BIN)/python scripts/lesson.py

clean:
	rm -rf $(VENV) demo .mypy_cache .pytest_cache .ruff_cache

# constraints.txt pins torch: where a CPU build of that version is at hand, pip takes it, elsewhere the usual one
$(VENV)/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

# The site, with warnings as errors; also checks spelling, style and the length of sentences
docs: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	$(BIN)/codespell README.md CHANGELOG.md CONTRIBUTING.md docs lesson attributionlab --skip '*.svg,*.png,*.ipynb,*.json,*.html' --ignore-words-list 'nd,fo,ba,ot,tracin,whis'
	$(BIN)/python scripts/readability.py --check
	$(BIN)/python scripts/prose.py
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build --strict --quiet
	@echo "open site/index.html"
