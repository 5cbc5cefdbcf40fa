# The few verbs of this project, the same on a laptop and in CI. PYTHON chooses the interpreter: make test PYTHON=python3.13
.POSIX:
.PHONY: help setup demo test check sanitize bench docs clean

PYTHON ?= python3
PIP = PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --quiet

help:
	@echo "make setup      make .venv with Backpass and the tools for tests and checks"
	@echo "make demo       train on the sample table, write build/housing.backpass"
	@echo "make test       run every test and every example in a docstring"
	@echo "make check      lint, formatting and types"
	@echo "make sanitize   run the engine's tests on a core built with the compiler's sanitizers"
	@echo "make bench      measure (needs a quiet machine)"
	@echo "make docs       build the pages into build/docs"
	@echo "make clean      remove everything that the verbs made"

# A stamp is older than what it was made from when the dependencies or the compiled core may have changed.
MADE_FROM = pyproject.toml CMakeLists.txt $(wildcard src/backpass/engine/native/*.?pp src/backpass/engine/native/*/*.?pp)

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/base: .venv/bin/python $(MADE_FROM)
	$(PIP) -e .
	touch .venv/base

# Installs the same and more, so that the core is compiled once when tests come first.
.venv/dev: .venv/bin/python $(MADE_FROM)
	$(PIP) -e '.[dev]'
	touch .venv/base .venv/dev

.venv/bench: .venv/base
	$(PIP) -e '.[bench]'
	touch .venv/bench

.venv/docs: .venv/base
	$(PIP) -e '.[docs]'
	touch .venv/docs

setup: .venv/dev

demo: .venv/base
	mkdir -p build
	.venv/bin/backpass sample housing > build/housing.csv
	.venv/bin/backpass fit build/housing.csv --target median_house_value --output build/housing.backpass

test: .venv/dev
	.venv/bin/python -m pytest

check: .venv/dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

SANITIZERS = -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined -fno-omit-frame-pointer

sanitize:
	$(PYTHON) -m venv build/sanitize
	CXXFLAGS="$(SANITIZERS)" build/sanitize/bin/python -m pip install --quiet '.[test]'
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" ASAN_OPTIONS=detect_leaks=0 \
		build/sanitize/bin/python -m pytest -q tests/engine/native

bench: .venv/bench
	.venv/bin/python benchmarks/import_time.py
	.venv/bin/python benchmarks/theorem_3_1.py
	.venv/bin/python benchmarks/vectorization.py
	.venv/bin/python benchmarks/train_step.py
	.venv/bin/python benchmarks/explain.py

docs: .venv/docs
	.venv/bin/sphinx-build -W --quiet docs build/docs

clean:
	rm -rf .venv build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find src tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} +
