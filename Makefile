# Everything one does with Cellcast; `make` alone lists it. Needs Python 3.11 and make, and gets the rest by itself.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := $(CURDIR)/.venv
PARTS := kit contracts router cell control_plane stack loadtest observability tests
ONLY ?=
SCENARIO ?= everybody

export PATH := $(VENV)/bin:$(PATH)
export VIRTUAL_ENV := $(VENV)
unexport PYTHONPATH PYTHONHOME CONDA_PREFIX

INSTALLED := $(VENV)/installed
MODULES := cell/ui/node_modules/.package-lock.json
UI := cell/ui/static/manifest.json
UI_SOURCES := $(shell find cell/ui -type f \( -name '*.ts' -o -name '*.css' -o -name '*.svg' -o -name '*.mjs' \) \
	-not -path '*/node_modules/*' -not -path '*/static/*')

.PHONY: help demo test check fmt bench load lock clean s3 charts

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED) $(UI) s3 ## install what is needed, start everything here, print where to go
	@exec cellcast stack up

test: $(INSTALLED) $(UI) s3 ## run every test, on real servers and in a real browser
	cd cell/ui && npm test --silent
	pytest -n 2 --dist loadfile

check: $(INSTALLED) $(MODULES) ## lint, formatting, types, forbidden imports
	ruff check .
	ruff format --check .
	mypy --strict $(PARTS)
	lint-imports
	cd cell/ui && npm run --silent check

fmt: $(INSTALLED) ## format the Python code
	ruff format .
	ruff check --fix-only --quiet .

bench: $(INSTALLED) $(UI) s3 ## take every figure, or some: make bench ONLY=router,stack
	ONLY='$(ONLY)' python -m loadtest.bench

load: $(INSTALLED) $(UI) s3 ## run a load and write its report: make load SCENARIO=recording
	cellcast load run $(SCENARIO)

charts: $(INSTALLED) ## render the charts' profiles anew, and judge them as a cluster would
	python -m tests.charts.tools >/dev/null
	python -m tests.charts.golden
	pytest -n 2 tests/charts

lock: $(INSTALLED) ## pin what pyproject.toml names anew, in requirements.lock, and of it what the image holds, in image.lock
	PATH="$$PATH:$(CURDIR)/.cellcast/uv/bin" uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --all-extras --output-file requirements.lock pyproject.toml
	PATH="$$PATH:$(CURDIR)/.cellcast/uv/bin" uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --extra load --constraint requirements.lock --output-file image.lock pyproject.toml

clean: ## remove what was installed and built; a demo's data in .cellcast/stack stays
	rm -rf $(VENV) .cellcast/uv cell/ui/node_modules cell/ui/static router/static control_plane/ui/static
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(PARTS) -name __pycache__ -prune -exec rm -rf {} +

# The S3 server is built once into the user's cache, and found there from then on.
s3: $(INSTALLED)
	@python -m stack.versitygw >/dev/null

# A `uv` on the PATH may be the empty shell of a version manager: it counts only if it runs.
$(INSTALLED): requirements.lock pyproject.toml
	@uv=uv; \
	if ! uv --version >/dev/null 2>&1; then \
		uv=.cellcast/uv/bin/uv; \
		if ! $$uv --version >/dev/null 2>&1; then \
			echo 'getting uv'; \
			python3 -m pip install --quiet --disable-pip-version-check --target .cellcast/uv 'uv>=0.9,<1' || \
				{ python3 -m venv .cellcast/uv && .cellcast/uv/bin/pip install --quiet 'uv>=0.9,<1'; }; \
		fi; \
	fi; \
	echo 'installing the Python packages'; \
	[ -x $(VENV)/bin/python ] || $$uv venv --quiet $(VENV); \
	$$uv pip sync --quiet --require-hashes --compile-bytecode requirements.lock; \
	$$uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# --ignore-scripts: what a package would run at installation is not ours to trust.
$(MODULES): cell/ui/package-lock.json cell/ui/package.json | $(INSTALLED)
	@echo 'installing the UI packages'
	@cd cell/ui && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(UI): $(MODULES) $(UI_SOURCES)
	@echo 'building the UI'
	@cd cell/ui && node build.mjs
	@touch $@
