# Every target says what it does behind “##”; `make help` prints that.

PYTHON ?= python3
VENV := .venv/bin
# Compiled modules are kept, also where the environment says otherwise: tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup run test lint audit sbom bench drill messages lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## the set-up alone: .venv from the lock file
	@$(PYTHON) -I config/standalone/setup_machine.py

run: ## set-up, then the whole system with the demo; Ctrl-C stops it (PORT=8000 SANDBOX_PORT=8001 VAR_DIR=var/)
	@$(PYTHON) -I config/standalone/setup_machine.py --to-run
	@$(VENV)/python manage.py up --demo

test: ## every test but the drills, after installing what they need
	@$(PYTHON) -I config/standalone/setup_machine.py --to-test
	$(VENV)/python -m pytest --numprocesses 3 --dist worksteal

lint: ## style, types, arrows between packages, templates, translations, migrations, settings, compose file, secrets, licenses
	@$(PYTHON) -I config/standalone/setup_machine.py --to-check
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy .
	$(VENV)/lint-imports --no-cache
	$(VENV)/djlint --lint --quiet templates
	$(VENV)/python -m tests.catalogs
	$(VENV)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(VENV)/python manage.py check --fail-level WARNING
	$(VENV)/python -m tests.production
	$(VENV)/python -m tests.secret_scan
	$(VENV)/pip-licenses --summary

audit: setup ## known vulnerabilities of the packages in the lock files; asks the package index
	$(VENV)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements.lock
	$(VENV)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements-dev.lock

sbom: setup ## the packages of the program with versions and hashes, as CycloneDX, in var/sbom.cdx.json
	@mkdir -p var
	PYTHONWARNINGS=ignore::UserWarning $(VENV)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible \
		--output-format JSON --output-file var/sbom.cdx.json

bench: setup ## the benchmarks; FULL=1 for a million contacts, and ten million profiles in the store (figures also in VAR_DIR)
	@$(VENV)/python -m tests.benchmark; runs=$$?; $(VENV)/python -m tests.benchmark.store; store=$$?; \
		$(VENV)/python -m tests.benchmark.api && exit $$((runs + store))

drill: ## every fault TIMES=10 times in a row, then the long drills: as many kills, WEEK_SECONDS=600 for a week, SCENARIOS=500
	@$(PYTHON) -I config/standalone/setup_machine.py --to-test
	$(VENV)/python -m tests.faults
	$(VENV)/python -m pytest -m drill

messages: setup ## update the catalogs of translations, and compile them
	@$(VENV)/python -m tests.catalogs --update

lock: setup ## write the lock files again from pyproject.toml
	$(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml --output-file requirements.lock
	$(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml --group dev --output-file requirements-dev.lock
	for extra in snowflake bigquery databricks clickhouse trino opentelemetry sentry; do \
		$(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml --extra $$extra --constraint requirements.lock --output-file drivers/$$extra.lock || exit 1; done
