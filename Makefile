# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := $(VENV)/.peers
FUZZER := $(VENV)/.fuzzer

.PHONY: help setup docs demo test check format bench bench-prepare bench-train bench-search drills audit fuzz clean

help:  ## What each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

# .ready is written last: an interrupted install is done again, not taken for whole.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "eclip needs Python 3.11 or newer, found %s; name one with: make PYTHON=python3.11 ..." % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[pretrained,sql,s3,search,fast,dev,docs]'
	@touch $(READY)

setup: $(READY)  ## Make the environment .venv, with everything

demo: $(READY)  ## Draw a sample shop, train on it, write the report, serve the search page
	$(BIN)/eclip demo --out demo $(DEMO_FLAGS)

test: $(READY)  ## Make the environment if needed and pass every test
	$(BIN)/python -m pytest -n auto --dist loadfile

check: $(READY)  ## Format, lint, types, import rules, fast tests
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -n auto -m "not slow"

format: $(READY)  ## Format the code and mend what the linter can
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

docs: $(READY)  ## The docs as a site in build/docs; a dead link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

clean:  ## Remove the environment and the caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

bench: $(READY) bench-prepare bench-train  ## Measure the fast paths against their peers
	$(BIN)/python benchmarks/heads.py
	$(BIN)/python benchmarks/towers.py

bench-prepare: $(PEERS)  ## The same of preparing alone; shorter: BENCH_FLAGS="--rows 5000"
	$(BIN)/python benchmarks/prepare/picture_hashes.py $(BENCH_FLAGS)
	$(BIN)/python benchmarks/prepare/near_pictures.py $(BENCH_FLAGS)
	$(BIN)/python benchmarks/prepare/near_titles.py $(BENCH_FLAGS)

bench-train: $(READY)  ## The same of training alone; shorter: TRAIN_FLAGS="--batch 256 --rounds 1"
	$(BIN)/python -m benchmarks.train.accumulation $(TRAIN_FLAGS)
	$(BIN)/python -m benchmarks.train.loss
	$(BIN)/python -m benchmarks.train.loader

bench-search: $(READY)  ## Nearest vectors against HNSW, a million of them; shorter: SEARCH_FLAGS="--rows 50000"
	$(BIN)/python -m benchmarks.search.vectors $(SEARCH_FLAGS)

$(PEERS): $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $(PEERS)

drills: $(READY)  ## Kills, full disks, lost ranks and servers at many moments; an hour. DRILL_FLAGS="--small", or "disk clock"
	$(BIN)/python -m benchmarks.drills $(DRILL_FLAGS)

audit: $(READY)  ## Look for unsafe calls in the code, and for known flaws in what it is installed with (asks pypi.org)
	$(BIN)/bandit --quiet --recursive src --configfile pyproject.toml
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt

fuzz: $(FUZZER)  ## Fuzz feeds, pictures and titles, 10 minutes each; shorter: FUZZ_SECONDS=60
	$(BIN)/python -m benchmarks.fuzz --seconds $(or $(FUZZ_SECONDS),600)

$(FUZZER): $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]'
	@touch $(FUZZER)
