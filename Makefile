# Needs GNU make 3.81 or newer and Python 3.11 or newer with venv; the rest sets itself up in .venv.

# The first of these that runs, is new enough and can make a virtual environment.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo "$$p" && break; done)

BIN := .venv/bin
STAMP := .venv/.installed
STRIPE_MOCK := v0.203.0

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench bench-windtunnel bench-webhooks explore schema notices histories stripe-servers lock clean distclean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP) ## Run the demonstration; EXIT=1 ends it by itself, 0 only if every check held
	$(BIN)/python starter.py demo $(if $(EXIT),--exit)

test: $(STAMP) ## Run the tests; ARGS are passed on to pytest
	$(BIN)/python -m pytest $(ARGS)

check: $(STAMP) ## Lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## Measure against the goals
	$(BIN)/python -m bench

bench-windtunnel: $(STAMP) ## Measure the wind tunnel beside the test server
	$(BIN)/python -m bench.windtunnel

bench-webhooks: $(STAMP) ## Measure the answer to a webhook beside a bare handler
	$(BIN)/python -m bench.webhooks

explore: $(STAMP) ## Search 200,000 states of orders for one that is stuck; JOBS processes, SEED
	$(BIN)/python -m windtunnel explore --states 200000 --seconds 3600 --jobs $(or $(JOBS),2) --seed $(or $(SEED),0)

stripe-servers: tests/payments/node_modules/.installed tests/payments/bin/stripe-mock ## Install what stands in for Stripe in tests; needs Node.js and Go


tests/payments/node_modules/.installed: tests/payments/package-lock.json
	cd tests/payments && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

tests/payments/bin/stripe-mock: Makefile
	GOBIN="$(CURDIR)/tests/payments/bin" go install github.com/stripe/stripe-mock@$(STRIPE_MOCK)
	@touch $@

schema: $(STAMP) ## Write the JSON Schemas of the contract and the OpenAPI document to docs
	$(BIN)/python -m storefront.schema docs/schema
	$(BIN)/python -m gateway openapi docs/openapi.json

notices: $(STAMP) ## Write the text of every notice to docs/notices.md
	$(BIN)/python -m storefront.notice_texts docs/notices.md

histories: $(STAMP) ## Record the histories that the replay tests use
	$(BIN)/python -m tests.record_histories

lock: $(STAMP) ## Write requirements.lock from pyproject.toml; UPGRADE=1 also takes newer versions
	$(BIN)/uv pip compile pyproject.toml --group dev --output-file requirements.lock --quiet \
		--python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
	@! grep -n '://' requirements.lock || { echo "requirements.lock names a download address" >&2; exit 1; }

clean: ## Remove caches and what runs have left behind
	rm -rf var .mypy_cache .pytest_cache .ruff_cache .hypothesis demo-report.json
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## The same, and the virtual environment
	rm -rf .venv tests/payments/node_modules tests/payments/bin

# A working .venv is kept, whatever Python made it: only what it holds follows the lock.
$(STAMP): requirements.lock
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		"$(PYTHON)" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
			echo "Redress needs Python 3.11 or newer with the venv module (Debian: apt-get install python3-venv)." >&2; \
			echo "Found: '$(PYTHON)'. Name one that fits: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; \
			exit 1; }; \
		echo "Making .venv with $(PYTHON)"; \
		"$(PYTHON)" -m venv --clear .venv; }
	@echo "Installing requirements.lock"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@
