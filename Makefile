# What people type here. Everything that takes more than a line is in scripts/.
.DEFAULT_GOAL := help
.PHONY: help setup run test test-incus test-kernel check bench soak docs clean lock
bin := .venv/bin
# Three for two cores, because a test often waits for a desktop, a browser or a disk.
workers = $(shell cores=$$(nproc); echo $$((cores < 5 ? cores * 3 / 2 : 8)))
# Where it is set, as in many containers, every process reads and rewrites all tests anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

setup: ## install what is missing, tests' needs included
	@scripts/setup test

run: ## start the studio on http://localhost:8080 and open a workstation
	@scripts/setup service
	@exec $(bin)/soundstage run

test: ## every test, with real desktops and a real browser; ARGS="-k backup" for some
	@scripts/setup test
	@$(bin)/python -m pytest --numprocesses=$(workers) --dist=loadfile --no-loadscope-reorder $(ARGS)

test-incus: ## the tests on Incus, with one that is installed and started for them; ARGS="-k name"
	@scripts/setup incus
	@$(bin)/python -m pytest -m incus $(ARGS)

test-kernel: ## limits, quotas, NFS and SMB in an emulated machine of its own; as root; ARGS="-k name"
	@scripts/setup kernel
	@$(bin)/python -m soundstage.testing.kernel $(ARGS)

check: ## lint, types, import contracts, and the project's own rules
	@scripts/setup test
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync=target types style imports rules

# The parts of `make check`, beside each other: the types alone take as long as all the rest.
.PHONY: types style imports rules
types:
	@$(bin)/mypy
style:
	@$(bin)/ruff check
	@$(bin)/ruff format --check
imports:
	@$(bin)/lint-imports
rules:
	@$(bin)/python -m pytest -q tests/architecture

bench: ## measure, beside the same things without Soundstage; ARGS="--save gateway"
	@scripts/setup bench
	@$(bin)/python -m bench $(ARGS)

soak: ## days of a busy studio in half an hour, with accidents; ARGS="--minutes 5 --seed 7"
	@scripts/setup test
	@$(bin)/python scripts/soak $(ARGS)

docs: ## the documentation as a site, in dist/site
	@scripts/setup test
	@$(bin)/python scripts/site

clean: ## end everything that was started; DATA=yes removes the studio's data too
	@scripts/clean $(if $(filter yes,$(DATA)),--data)

lock: ## pin the requirements anew; UPGRADE=yes takes newer versions
	@scripts/lock
