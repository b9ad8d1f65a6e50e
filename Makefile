# `make demo` and `make test` work on a machine with only python3 (with venv) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test test-slow lint bench clean

demo: $(VENV)/base.stamp
	mkdir -p demo
	$(BIN)/camvitals simulate demo/clip.mp4 --heart-rate 72 --duration 40
	$(BIN)/camvitals measure demo/clip.mp4 --html demo/report.html --truth demo/clip.truth.json
	@echo "The page with the plots: demo/report.html"

test: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-slow: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/dev.stamp
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/accuracy.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/base.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable .
	touch $@

$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/base.stamp

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache
