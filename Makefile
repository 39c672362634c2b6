# Every command brings what it needs. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash
MAKEFLAGS += --no-print-directory

WEB ?= 1
FREEZE ?= 0
STEPS = 10000
SEED = 1
CHAPTER =
ARGS ?=
FUNCTION ?= chat
export MESSAGE
# Given to make it is meant; one that a shell exports may be another program's, which the command sees.
DOMAIN_OPTION = $(if $(filter command,$(origin DOMAIN)),--domain $(DOMAIN))
# Whose packs and manifests have to fit.
DOMAINS := sidestream.tasks examples.tickets
ENGINE ?= $(firstword $(foreach engine,docker finch podman,$(shell command -v $(engine))))
IMAGE ?= sidestream-page
BIN := .venv/bin
PAGE := $(wildcard frontend/package.json)

.PHONY: help setup run test check pytest pytest-postgres page-check page-test e2e screenshots build rehearse deploy tools invoke page-image bench soak lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## the Python environment in .venv, and nothing else
	@scripts/setup

run: setup ## the whole system at http://localhost:3000; WEB=0 leaves out the page; DOMAIN=<package> is another domain; ARGS="--help" says more
	@if [[ "$(WEB)" != 0 ]]; then scripts/node-packages; fi
	@exec $(BIN)/sidestream local $(if $(filter-out 0,$(WEB)),--web) $(if $(filter-out 0,$(FREEZE)),--freeze) $(DOMAIN_OPTION) $(ARGS)

test: check pytest pytest-postgres $(if $(PAGE),page-test e2e) ## every check and every test

check: setup $(if $(PAGE),page-check) ## format, lint, types, import rules, domains and workflows
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy src tests benchmarks examples rehearsal scripts/deploy.py scripts/remove_versions.py scripts/stamp_template.py
	@$(BIN)/lint-imports
	@PYTHONPATH=. $(BIN)/python -m sidestream.tool_server.manifest --check $(DOMAINS)
	@$(BIN)/actionlint -shellcheck= -pyflakes= .github/workflows/*.yml

pytest: setup
	@scripts/system-packages pgbouncer
	@scripts/model-servers
	@$(BIN)/pytest

pytest-postgres: setup ## the tests of the store, tasks and runs on the oldest Postgres, and on other collations
	@scripts/pytest-postgres

page-check:
	@scripts/node-packages
	@cd frontend && npm run --silent check

page-test:
	@scripts/node-packages
	@cd frontend && npm test --silent

e2e: setup ## the browser tests alone
	@scripts/system-packages chromium fonts-noto-core
	@scripts/system-packages --optional firefox-esr webkit2gtk-driver xvfb
	@scripts/node-packages
	@scripts/e2e

screenshots: ## the browser tests, which renew the pictures in docs/screenshots
	@SCREENSHOTS="$(CURDIR)/docs/screenshots/" $(MAKE) e2e

tools: setup ## SAM, checkov and a stand-in for AWS under .tools
	@scripts/deploy-tools

build: tools ## sam build, for either processor
	@scripts/build

invoke: tools ## a built function in a container, as `sam local invoke` runs it: FUNCTION=chat EVENT=chat_plain MESSAGE="add milk"
	@$(BIN)/sidestream invoke $(FUNCTION) $(if $(EVENT),--event $(EVENT)) $(if $(MESSAGE),--message "$$MESSAGE")

rehearse: build ## deploy, update, break, mend and delete it on a stand-in for AWS, without an account
	@$(BIN)/python -m rehearsal $(ARGS)

deploy: tools ## take STAGE=dev|staging|prod to this commit, step by step; ARGS="--dry-run" prints the commands
	@$(BIN)/python scripts/deploy.py $(STAGE) $(ARGS)

bench: setup ## the benchmarks, as ratios, with a table and a plot
	@$(BIN)/python -m benchmarks

soak: setup ## a random walk of STEPS=10000 steps with faults, from SEED=1; CHAPTER=<number> is a part of it
	@$(BIN)/python -m tests.chat.walk --steps $(STEPS) --seed $(SEED) $(if $(CHAPTER),--chapter $(CHAPTER))

page-image: ## the page as a container image; ENGINE=docker IMAGE=sidestream-page
	@$(or $(ENGINE),$(error No container engine is there: install Docker, Finch or Podman)) build -f docs/page.Containerfile \
	  $(if $(filter %podman,$(ENGINE)),--ignorefile docs/page.Containerfile.dockerignore) -t $(IMAGE) .

lock: ## compile requirements/*.in again, keeping the pins that still fit
	@scripts/lock

clean: ## everything generated, the local data included
	rm -rf .venv .tools .local .aws-sam .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	rm -rf frontend/node_modules frontend/.next
