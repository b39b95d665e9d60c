# Everything runs from a virtual environment in .venv that these targets make themselves.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.stamp
DEV    := $(VENV)/.stamp-dev
BENCH  := $(VENV)/.stamp-bench
PORT   ?= 8501
SEED   ?= 7
MINUTES ?= 10

.PHONY: help demo run test lint format types imports unit e2e browser bench crash damage soak property fuzz docs clean

help: ## list the targets
	@grep -E '^[a-z0-9]+:.*##' Makefile | sed -E 's/:.*## /\t/'

$(PY):
	$(PYTHON) -m venv $(VENV)

$(STAMP): requirements.txt | $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $(STAMP)

$(DEV): requirements.txt requirements-dev.txt | $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $(DEV) $(STAMP)

$(BENCH): requirements-bench.txt $(DEV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $(BENCH)

demo: $(STAMP) ## the desk on stand-in upstreams, filled by real pulls
	$(PY) -m app demo --port $(PORT) --seed $(SEED)

run: $(STAMP) ## the desk on the real upstreams
	$(PY) -m app serve

test: lint types imports unit ## every check that CI runs, but for the browser

lint: $(DEV)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(DEV) ## put the code into shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: $(DEV)
	$(PY) -m mypy --strict core

imports: $(DEV)
	$(VENV)/bin/python -c "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"

unit: $(DEV) ## all tests but the browser stories
	$(PY) -m pytest -m "not e2e"

e2e: $(DEV) ## the browser stories, in headless Chromium
	$(PY) -m pytest -m e2e

bench: $(BENCH) ## the benchmarks; each prints ratios and writes JSON to benchmarks/results
	@for script in benchmarks/*.py; do \
	  case $$script in */__init__.py|*/crash.py|*/damage.py|*/soak.py) ;; \
	  *) grep -q '__main__' "$$script" && echo "== $$script" && $(PY) -m benchmarks.$$(basename "$$script" .py) ;; esac; done

crash: $(DEV) ## kill the desk 200 times and count what was lost
	$(PY) benchmarks/crash.py --rounds 200

damage: $(DEV) ## flip bits in and cut pieces off the files of a desk; all must be told and mended
	$(PY) benchmarks/damage.py --each 20

soak: $(DEV) ## a simulated month of schedules with faults, MINUTES=10
	$(PY) benchmarks/soak.py --minutes $(MINUTES)

property: $(DEV) ## the property tests with 10,000 cases each
	HYPOTHESIS_PROFILE=long $(PY) -m pytest tests/property

fuzz: $(DEV) ## ask every operation of the API 2,000 times at random
	FUZZ_EXAMPLES=2000 $(PY) -m pytest tests/integration/test_openapi.py

docs: $(DEV) ## write the generated documents anew
	$(PY) -m app.documents

clean: ## remove the virtual environment and caches; the data stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
