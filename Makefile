# `make` lists the targets; each sets up what it needs.
PYTHON ?= python3
export PYTHONPATH := .
# even where that is switched off: each server of the tests would compile the program anew
export PYTHONDONTWRITEBYTECODE :=
# one more than there are cores: a test often waits for another process
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.PHONY: help run rehearse test bench soak screenshots lint format check

help:
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

.venv/run: requirements.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --requirement requirements.txt
	touch $@

.venv/dev: .venv/run requirements-dev.txt
	.venv/bin/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@

run: .venv/run  ## serve on HOST (127.0.0.1) and PORT (5000)
	.venv/bin/python app.py

rehearse: .venv/run  ## play Okta's life cycle against the server
	.venv/bin/python -m flask --app app rehearse

test: .venv/dev  ## run the whole suite; on PostgreSQL, too, where it is installed
	.venv/bin/python -m pytest -n $(WORKERS)
	.venv/bin/python -m tests.postgresql -n $(WORKERS)

bench: .venv/dev  ## measure against the budget; writes bench/README.md
	.venv/bin/python -m bench.run

soak: .venv/dev  ## keep a server at work for SOAK_SECONDS (180) and hold it to its promises
	.venv/bin/python -m bench.soak

screenshots: .venv/dev  ## pictures of every page, in screenshots/; the README's two
	.venv/bin/python -m tests.browser.screenshots

lint: .venv/dev  ## ruff and mypy
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: .venv/dev  ## put the code in its form
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

check: lint test  ## what CI runs
