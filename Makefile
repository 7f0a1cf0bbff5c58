# The contributor's interface; `make` alone lists it. Nothing installed by hand is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FOLDER ?= $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
DEMO := .demo/index

# No model hub is needed for anything here; without this, libraries may try to reach one.
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= true

.PHONY: help install demo test test-all test-clients test-browser check bench bench-server wheel clean

help:
	@echo 'make install   make .venv and install Shortlist there'
	@echo 'make demo      index a real folder and ask three questions (FOLDER=... for another)'
	@echo 'make test      the quick tests'
	@echo 'make test-all  the long tests too (judged collections, kill -9 loops)'
	@echo 'make test-clients  clients of Cohere, Voyage, Jina, TEI and OpenAI against a running server'
	@echo 'make test-browser  the page in Chromium, which must be installed'
	@echo 'make check     ruff, pyright, import-linter, and whether the README shows the committed results'
	@echo 'make bench     quality on the judged collections in SHORTLIST_DATA, shown in the README'
	@echo 'make bench-server  shortlist serve against its OpenAPI, 1,000 hostile requests, and under load'
	@echo 'make wheel     build the wheel'

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Shortlist needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'installing into $(VENV) (a minute or two the first time)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable .
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable '.[dev]'
	@touch $@

install: $(VENV)/.installed
	@echo 'ready: $(BIN)/shortlist --help'

demo: $(VENV)/.installed
	@$(BIN)/python -m benchmarks.demo '$(FOLDER)' $(DEMO)

test: $(VENV)/.developing
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile

test-all: $(VENV)/.developing
	$(BIN)/python -m pytest -q -m 'not gpu and not clients' --timeout 3600

# The clients need neither Shortlist nor torch, and not all of them go together.
.venv-clients/%/.installed: tests/clients/%.txt
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

test-clients: $(VENV)/.installed .venv-clients/clients/.installed .venv-clients/langchain/.installed
	.venv-clients/clients/bin/python -m pytest -q -W ignore -m clients --timeout 600 tests/clients
	.venv-clients/langchain/bin/python -m pytest -q -W ignore -m clients --timeout 600 tests/clients

test-browser: $(VENV)/.developing
	$(BIN)/python -m pytest -q -m browser

check: $(VENV)/.developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python -m benchmarks report --check

bench: $(VENV)/.developing
	$(BIN)/python -m benchmarks quality
	$(BIN)/python -m benchmarks report

bench-server: $(VENV)/.developing
	$(BIN)/python -m benchmarks schema
	$(BIN)/python -m benchmarks hostile
	$(BIN)/python -m benchmarks load

wheel: $(VENV)/.developing
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) .venv-clients .demo dist build .pytest_cache .ruff_cache .hypothesis
