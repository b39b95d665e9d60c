# Everything runs from a virtual environment in .venv that these targets make themselves.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.stamp
DEV    := $(VENV)/.stamp-dev
BENCH  := $(VENV)/.stamp-bench
TOOLS  := .venv-tools
TOOL   := $(TOOLS)/.stamp
INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes
PORT   ?= 8501
SEED   ?= 7
MINUTES ?= 10
KILLS ?= 200
COMPANIES ?= 19000
COUNT  ?= 300
WORKERS ?= 2
UPGRADE ?=
STORE  ?= $(or $(TMPDIR),/tmp)/openbell-market
# a third of a command's start is compiling; the tests start hundreds
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo run test check lint format types imports deps rules unit thorough coverage e2e gate \
  bench market whole-market test-lake crash cluster damage soak property hostile fuzz walks questions mutants matrix docs pictures lock hooks wheel dist sbom clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' Makefile | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 12

$(PY):
	$(PYTHON) -m venv $(VENV)

$(STAMP): requirements.txt | $(PY)
	$(PY) $(INSTALL) -r requirements.txt
	@touch $(STAMP)

$(DEV): requirements-dev.txt | $(PY)
	$(PY) $(INSTALL) -r requirements-dev.txt
	@touch $(STAMP) $(DEV)

$(BENCH): requirements-bench.txt | $(PY)
	$(PY) $(INSTALL) -r requirements-bench.txt
	@touch $(STAMP) $(DEV) $(BENCH)

$(TOOL): requirements-tools.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python $(INSTALL) -r requirements-tools.txt
	@touch $(TOOL)

demo: $(STAMP) ## the desk on stand-in upstreams, filled by real pulls (PORT=8501 SEED=7)
	$(PY) -m app demo --port $(PORT) --seed $(SEED)

run: $(STAMP) ## the desk on the real upstreams
	$(PY) -m app serve

test: $(DEV) ## every check beside every quick test; CI runs thorough and e2e after it
	@$(MAKE) --no-print-directory --jobs 2 unit check

check: lint types imports deps rules ## the checks that run no test

lint: $(DEV) ## linter and format
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(DEV) ## put the code into shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: $(DEV) ## types, strict over the desk and the workshop, plain over tests and benchmarks
	$(PY) -m mypy

imports: $(DEV) ## which room may import which
	$(PY) -c "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"

deps: $(DEV) ## what is imported is required, what is required is imported, the locks fit
	$(PY) -m tools.locks
	$(PY) -m deptry app components core pages --config tools/deptry-desk.toml
	$(PY) -m deptry . --config tools/deptry-all.toml

rules: $(DEV) ## the project's own checks
	$(PY) -m tools.house_rules

# each worker has a core: threads of its own within it only wait for each other
unit: $(DEV) ## all quick tests, which try few cases of what holds for any
	POLARS_MAX_THREADS=1 $(PY) -m pytest -n $(WORKERS) --dist worksteal -m "not e2e and not thorough"

thorough: $(DEV) ## the tests that take seconds each, and many cases of what holds for any
	HYPOTHESIS_PROFILE=ci $(PY) -m pytest -n $(WORKERS) --dist worksteal -m "thorough or deep"

test-lake: $(DEV) ## tests of store, service, API and pages with each store in a lake (PostgreSQL is started)
	$(PY) -m pytest --lake -n $(WORKERS) --dist worksteal tests/unit/store tests/unit/service \
	  tests/unit/app tests/unit/pages tests/integration/test_both_stores.py

coverage: $(DEV) ## quick and thorough tests, with the gate on what they cover
	$(PY) -m tools.coverage_gate --workers $(WORKERS)

e2e: $(DEV) ## the browser stories, in headless Chromium
	$(PY) -m pytest -m e2e

gate: $(DEV) ## all checks and tests, told in one JSON document
	@$(PY) -m tools.gate --workers $(WORKERS)

bench: $(BENCH) ## the benchmarks; each prints ratios and writes JSON to benchmarks/results
	@for script in benchmarks/*.py; do \
	  case $$script in */__init__.py|*/crash.py|*/cluster.py|*/damage.py|*/market.py|*/market_grade.py|*/minute_bars.py|*/soak.py) ;; \
	  *) grep -q '__main__' "$$script" && echo "== $$script" && $(PY) -m benchmarks.$$(basename "$$script" .py) ;; esac; done

market: $(DEV) ## grade a tenth of the market, 1,900 copies of the captures in a store of its own (STORE=folder)
	$(PY) -m benchmarks.market_grade "$(STORE)" --companies 1900

whole-market: $(DEV) ## load the bulk files of the whole market, grade it, live a day (STORE=new folder, COMPANIES=19000)
	$(PY) -m benchmarks.market "$(STORE)" --companies $(COMPANIES)

crash: $(DEV) ## kill the desk 200 times, and 200 times while alerts go out; count what was lost
	$(PY) -m benchmarks.crash --rounds 200
	$(PY) -m benchmarks.crash_alerts --rounds 200

cluster: $(DEV) ## kill the engine that leads a cluster, cut links, count what was lost (as root; KILLS=200 MINUTES=)
	$(PY) -m benchmarks.cluster --kills $(KILLS) $(if $(filter command,$(firstword $(origin MINUTES))),--minutes $(MINUTES)) --desks 4

damage: $(DEV) ## flip bits in and cut pieces off the files of a desk; all must be told and mended
	$(PY) -m benchmarks.damage --each 20

soak: $(DEV) ## a simulated month of schedules with faults (MINUTES=10)
	$(PY) -m benchmarks.soak --minutes $(MINUTES)

property: $(DEV) ## the property tests with 10,000 cases each, 500 of the dear ones
	HYPOTHESIS_PROFILE=long $(PY) -m pytest tests/property

hostile: $(DEV) ## ten thousand hostile rows of bars and as many of actions through whole desks, counted by kind (SEED=7)
	HYPOTHESIS_PROFILE=long POLARS_MAX_THREADS=1 $(PY) -m pytest --hypothesis-seed=$(SEED) \
	  tests/property/test_hostile_service.py

fuzz: $(DEV) ## ask every operation of the API 2,000 times at random; goes on where it was interrupted
	$(PY) -m tests.fuzz_on --examples 2000

walks: $(DEV) ## walk through the API 2,000 times: what an answer names is asked of and acted on next
	HYPOTHESIS_PROFILE=long $(PY) -m pytest -s tests/integration/test_openapi_walks.py

questions: $(DEV) ## ask the tools of assistants 500 generated questions; each must be right, cited or refused
	HYPOTHESIS_PROFILE=long $(PY) -m pytest tests/integration/test_assistant.py -k questions

mutants: $(DEV) ## plant small changes one at a time and count those that a test notices (COUNT=300 SEED=7)
	$(PY) -m tools.mutants --count $(COUNT) --seed $(SEED) --workers $(WORKERS)

matrix: $(DEV) ## who may do what: every command, export, action and route, tried in every role
	$(PY) -m tools.access_matrix

docs: $(DEV) ## write the generated documents, examples, alert rules, dashboard and blocking client anew
	$(PY) -m app.documents
	$(PY) -m tests.api_examples
	$(PY) -m tools.monitoring
	$(PY) -m tools.blocking_client

pictures: $(DEV) ## take the pictures of README and tour anew, from a demo of its own
	$(PY) docs/pictures.py

lock: $(TOOL) ## compile the requirements into locks with hashes (UPGRADE="--upgrade-package NAME")
	$(TOOLS)/bin/python -m tools.relock $(UPGRADE)

hooks: $(TOOL) ## check every commit before it is made
	$(TOOLS)/bin/pre-commit install

wheel: $(DEV) ## build the wheel, install it into a fresh environment and run the desk from it
	$(PY) -m tools.artefact --try

dist: $(DEV) ## build the artefact twice, compare, print its SHA-256
	$(PY) -m tools.artefact

sbom: $(TOOL) ## the bill of materials, CycloneDX, into dist/openbell.cdx.json
	@mkdir -p dist
	$(TOOLS)/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml \
	  --output-reproducible --output-format JSON --output-file dist/openbell.cdx.json

clean: ## remove environments, caches and what was built; the data stays
	rm -rf $(VENV) $(TOOLS) build dist .coverage .coverage.* coverage.json .import_linter_cache \
	  .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
