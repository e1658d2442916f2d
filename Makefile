# Everything runs in an own virtual environment; nothing is installed outside this folder,
# except by `make test` as root on Debian/Ubuntu, which adds the test servers it needs.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO ?= demo
NIGHT ?= 2015-02-26

.PHONY: run test test-long check bench compare compare-science docs clean

run: $(VENV)/installed            ## demo: simulated UVES nights, or real light where VLTFLOW_REAL_DATA is set, from raw frames to certified masters and science products
ifdef VLTFLOW_REAL_DATA
	@bash tools/demo-real.sh "$(BIN)" "$(DEMO)"
else
	@bash tools/demo.sh "$(BIN)" "$(DEMO)" "$(NIGHT)"
endif

test: $(VENV)/tests-installed     ## install what the tests need, run all of them
	@bash tools/install-test-programs.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist worksteal -m "not long"
	$(MAKE) --no-print-directory docs

test-long: $(VENV)/tests-installed  ## the longer chains of ESO's recipes that `make test` leaves out
	@bash tools/install-test-programs.sh
	$(BIN)/pytest -m long

check: $(VENV)/tests-installed    ## linters and the fast tests (SQLite only), in about two minutes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q -n 2 --dist worksteal -m "not slow and not long" -k "not postgresql"

bench: $(VENV)/tests-installed    ## measure speed, as ratios against peers and physical limits
	@for bench in benches/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

compare: $(VENV)/tests-installed  ## native recipes against ESO's on full-size frames: writes docs/reference/runners.md
	$(BIN)/python tools/compare_runners.py

compare-science: $(VENV)/tests-installed  ## science of real light (VLTFLOW_REAL_DATA) by both: writes docs/reference/science.md
	$(BIN)/python tools/compare_science.py

docs: $(VENV)/tests-installed     ## build the documentation; warnings are errors
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

$(VENV)/installed: pyproject.toml
	@bash tools/make-venv.sh "$(PYTHON)" "$(VENV)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/tests-installed: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,docs]'
	@touch $@

clean:                            ## remove the virtual environment and the demo
	rm -rf $(VENV) $(DEMO) docs/_build
