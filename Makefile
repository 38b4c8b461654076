PYTHON ?= python3
PORT ?= 7860
SEED ?= 3
# More arguments for pip. On Linux, PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" spares the
# gigabytes of CUDA that PyPI's torch brings along.
PIP_ARGS ?=
# FER_DATA=... names the place of FER2013 to every command, in the environment or here; ../shared/data/fer2013 without it.
BIN := .venv/bin
RUN := $(BIN)/python -m

.PHONY: help install demo test prove-hub prove-ray space static static-demo style quality train-all ablation ablation-transfer peers evaluate report clean

help:  ## Say what there is
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# What the app needs, what everything needs, and what Ray needs: one installation each, repeated when requirements change.
.venv/app.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install $(PIP_ARGS) --quiet --constraint constraints.txt --editable ".[app]"
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install $(PIP_ARGS) --quiet --constraint constraints.txt --editable ".[app,onnx,training,dev]"
	@touch .venv/app.stamp $@

.venv/ray.stamp: .venv/dev.stamp
	$(BIN)/pip install $(PIP_ARGS) --quiet --constraint constraints.txt --editable ".[app,onnx,training,dev,ray]"
	@touch $@

install: .venv/dev.stamp  ## Make .venv with all that the commands below need

demo: .venv/app.stamp  ## Start the app on http://127.0.0.1:7860; PORT=... changes the port
	PORT=$(PORT) $(BIN)/python app.py

# File by file in the order of their names: pytest-xdist would keep those with few but long tests for the end.
test: .venv/dev.stamp  ## Run the tests
	$(RUN) pytest --numprocesses logical --dist loadfile --no-loadscope-reorder

prove-hub: .venv/dev.stamp  ## Load pushed models in fresh environments, from a Hub on this machine (minutes, gigabytes)
	PIP_ARGS="$(PIP_ARGS)" $(BIN)/python tests/prove_hub.py

prove-ray: .venv/ray.stamp  ## Score on a Ray cluster on this machine, and kill one of its workers in the midst (minutes)
	$(RUN) pytest tests/test_score.py -k ray_cluster

space: .venv/dev.stamp  ## Rehearse docs/space.md: from a run to a Space, on this machine (minutes, gigabytes)
	PYTHONPATH=. PIP_ARGS="$(PIP_ARGS)" $(BIN)/python tests/prove_space.py

static: .venv/dev.stamp  ## Write the page that runs in the visitor's browser to build/static; needs npm once
	$(RUN) training.publishing.static_page

static-demo: .venv/dev.stamp  ## Write it and serve it on http://127.0.0.1:7860; PORT=... changes the port
	$(RUN) training.publishing.static_page --port $(PORT)

style: .venv/dev.stamp  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

quality: .venv/dev.stamp  ## Check format, style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# `train-baseline` is `train-baseline.report`.
recipe = $(if $(findstring .,$*),$*,$*.report)

# The last line replaces no other weights without FORCE=1, and ends with an error that says which; the run is kept.
train-%: .venv/dev.stamp  ## Train and measure one model, such as train-baseline.report; FORCE=1 replaces the bundled one
	$(RUN) training.train_all $(recipe) --before
	$(RUN) training.train training/recipes/$(recipe).yaml
	$(RUN) training.evaluation.calibrate runs/$(recipe)/seed-0
	$(RUN) training.evaluation.evaluate runs/$(recipe)/seed-0
	$(RUN) training.publishing.bundle runs/$(recipe)/seed-0 $(recipe) $(if $(FORCE),--force)

# Another seed of a recipe, for the spread: its figures are kept, its weights are not. Figures that are there already stay.
figures = training/results/seeds/$(recipe).seed-$(SEED).json
seed-%: .venv/dev.stamp  ## Train and measure a recipe with SEED=3, such as seed-baseline.report SEED=3
	@test -n "$(FORCE)" || test ! -e $(figures) || { echo "$(figures) is there already; FORCE=1 replaces it."; exit 1; }
	$(RUN) training.train_all $(recipe) --before --options '--seed $(SEED)'
	$(RUN) training.train training/recipes/$(recipe).yaml --seed $(SEED)
	$(RUN) training.evaluation.calibrate runs/$(recipe)/seed-$(SEED)
	$(RUN) training.evaluation.evaluate runs/$(recipe)/seed-$(SEED) --output $(figures)

train-all: .venv/dev.stamp  ## Train all of training/train_all.yaml: teachers, views and what learns from them (hours on a GPU); resumes
	$(RUN) training.train_all training/train_all.yaml

ablation: .venv/dev.stamp  ## Train `dense` with one regularisation at a time, with three seeds each (hours on a CPU)
	$(RUN) training.ablation training/ablations/dense.yaml

ablation-transfer: .venv/dev.stamp  ## Train `transfer` with one thing changed at a time, shortly (hours on a CPU)
	$(RUN) training.ablation training/ablations/transfer.yaml --seeds 0

peers: .venv/dev.stamp  ## Measure the packages that people use instead; needs node, installs them into build/peers (gigabytes)
	$(PYTHON) -m venv build/peers
	build/peers/bin/pip install $(PIP_ARGS) --quiet --requirement training/benchmarks/peers/requirements.txt
	cp training/benchmarks/peers/package.json build/peers
	npm install --prefix build/peers --ignore-scripts --no-audit --no-fund
	$(RUN) training.benchmarks.peers.measure --environment build/peers

evaluate: .venv/dev.stamp  ## Measure every bundled model again
	for directory in fer_models/checkpoints/*.*; do $(RUN) training.evaluation.evaluate $$directory || exit 1; done

report: .venv/dev.stamp  ## Draw the ablations' figures, and write the README's tables from the JSON of the checkpoints
	$(RUN) training.publishing.plots
	$(RUN) training.publishing.report

clean:  ## Remove .venv and caches; trained runs stay
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache *.egg-info build dist
