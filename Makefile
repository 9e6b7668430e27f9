# Everything runs in .venv, which is made anew when the dependencies change. PYTHON must be 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check format bench chaos screenshots clean

run: .venv/run.stamp
	@$(BIN)/transcode-inbox run $(ARGS)

test: .venv/test.stamp
	$(BIN)/python -m pytest $(ARGS)

check: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/test.stamp
	$(BIN)/python -m tests.bench $(ARGS)

chaos: .venv/test.stamp
	CHAOS_REPORT=1 $(BIN)/python -m pytest tests/chaos -m "slow or not slow" --timeout=1800 -s $(ARGS)

# Of every page of the console, into docs/screenshots. Needs a Chromium.
screenshots: .venv/test.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pillow
	$(BIN)/python -m tests.app.console.screenshots

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "transcode-inbox needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv

.venv/run.stamp: setup.cfg pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded,granian]'
	@touch $@

.venv/test.stamp: .venv/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,check]'
	@touch $@
