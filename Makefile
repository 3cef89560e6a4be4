# All commands of the project. Each first installs what it needs, in the project's own folders.
PYTHON ?= python3
PORT ?= 8787
AI ?= stand-in
# `make dev` prints a readable line for each request; with `json`, the line that a deployment logs.
LOG ?= text
SEED ?= 1
COUNT ?= 20
# How many test files run at the same time, each with its own servers. They mostly wait, so this may exceed the cores.
JOBS ?= 3
# Not `?=`, because shells have a variable of this name. CLOUDFLARE_ENV is wrangler's.
ENV = $(CLOUDFLARE_ENV)

VENV := .venv/bin
BIN := node_modules/.bin
PIP := $(VENV)/python -m pip --disable-pip-version-check --quiet
# The node that npm installed if it exists for this platform, else the machine's.
NEW_NODE := PATH="$$(echo "$(CURDIR)"/node_modules/node-*/bin):$$PATH"
# A variable exactly as typed: a key may contain dollar signs and quotes, which make and the shell would interpret.
verbatim = '$(subst ','\'',$(value $(1)))'
NEW_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "$(PYTHON) is older than 3.11: make PYTHON=python3.13 ...")'
# The newest file of each installed or assembled part. It is rebuilt if one of its sources is newer.
NPM := node_modules/.node
PACKAGES := node_modules/.package-lock.json
TEST_NPM := tests/node_modules/.package-lock.json
TOOLS := .venv/.tools
DEPLOY_TOOLS := .venv/.deploy-tools
SDK := .local/python_modules/pyvenv.cfg
BUNDLE := .local/bundle/pyodide_dev.capnp.bin
NPMS := .local/npm/node_modules/.package-lock.json

.DELETE_ON_ERROR:
.PHONY: help dev test test-fast check mutants bench soak deploy smoke describe lock runtime clean

# For any word that is not a target. Without the empty rule, `make -B` takes the Makefile itself for one.
Makefile: ;
.DEFAULT:
	@echo "There is no 'make $@'. There is:" >&2
	@$(MAKE) --no-print-directory help >&2
	@exit 2

# Prints what is being installed, with the step's number in the first `make dev`.
comma := ,
step = $(info $(if $(STEPS),$(1) of $(STEPS): )$(2))

help:
	@echo 'make dev      run the Worker at http://localhost:$(PORT) (PORT=), with a stand-in for Workers AI'
	@echo '              (AI=cloudflare: the real one, after `npx wrangler login`; it costs neurons. LOG=json)'
	@echo 'make test     run all checks (JOBS=: how many test files at the same time)'
	@echo 'make test-fast run lint, types, unit tests and one file of tests in the real runtime'
	@echo 'make check    check lint, types and spelling only'
	@echo 'make mutants  list random changes to the core that no unit test notices (COUNT=, SEED=)'
	@echo 'make bench    compare with JavaScript Workers: bench/RESULTS.md'
	@echo 'make soak     run soak and fuzzing in full: a few minutes'
	@echo 'make deploy   deploy to the Cloudflare account that wrangler is logged in to (ENV=: docs/deploy.md)'
	@echo 'make smoke    check the deployment at URL= with KEY=; draws two pictures (REPORT=file: for a bug report)'
	@echo '              (PARTNER=id: one more picture, with a model of another maker)'
	@echo 'make describe write public/openapi.json and docs.html'
	@echo 'make lock     write package-lock.json, for all platforms'
	@echo 'make clean    remove everything that was installed or generated'

# Checks the port before anything is installed or written.
dev:
	@$(PYTHON) -m dev.serve --port $(PORT) --check
	@$(MAKE) -s --no-print-directory runtime STEPS=4
	@$(PYTHON) -m dev.serve --port $(PORT) --ai $(AI) --log $(LOG)

test: check runtime $(TEST_NPM) $(DEPLOY_TOOLS) $(NPMS)
	$(BIN)/node --test dev/ai/*.test.js
	$(VENV)/python -m tests.browser.chromium
	$(VENV)/pytest -n $(JOBS) --dist loadfile

# For quick feedback. The tests of the runtime start first, because they mostly wait.
test-fast: check runtime
	$(VENV)/pytest -n 2 --dist loadfile tests/worker/test_openai_python.py tests/unit

check: $(TOOLS) $(TEST_NPM)
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy
	$(BIN)/node tests/node_modules/cspell/bin.mjs lint --config cspell.config.yaml --no-progress

# REPLACE=yes deploys even if the name belongs to another Worker of the account.
deploy: $(NPM) $(DEPLOY_TOOLS)
	@$(VENV)/python -m dev.deploy --env="$(ENV)" --replace="$(REPLACE)"

# Needs no .venv, and keeps the key out of the output.
unexport KEY
smoke:
	$(if $(and $(URL),$(value KEY)),,$(error Name the deployment: make smoke URL=https://YOUR-WORKER KEY=YOUR-KEY))
	@$(NEW_PYTHON)
	@PYTHONPATH=src $(PYTHON) -m dev.smoke --report="$$REPORT" --partner="$$PARTNER" -- "$$URL" $(call verbatim,KEY)

# Compares with JavaScript, takes a few minutes, and writes bench/RESULTS.md. Speed is not tested anywhere.
bench: $(TOOLS) runtime
	PYTHONPATH=src $(VENV)/python -m bench

# Thousands of generations with faults and a crash, and ten thousand malformed requests. `make test` runs a few hundred
# of each.
soak: $(TOOLS) runtime
	FULL=1 $(VENV)/pytest tests/soak

# Each mutant takes a few seconds, or as long as the unit tests if none of them notices it.
mutants: $(TOOLS)
	$(VENV)/python -m dev.mutants --seed=$(SEED) --count=$(COUNT)

# Writes public/openapi.json from the code's tables, and public/docs.html from that. A test fails if they are outdated.
describe: $(TOOLS)
	PYTHONPATH=src $(VENV)/python -m dev.description

# Writes package-lock.json from package.json alone. If there is a lock file or node_modules, npm keeps their platforms
# and adds no others (github.com/npm/cli/issues/4828). Then `npm ci` fails with npm 11, and npm 10 installs no workerd.
lock:
	rm -rf .local/lock && mkdir -p .local/lock
	cp package.json .npmrc .local/lock
	cd .local/lock && npm install --package-lock-only
	cp .local/lock/package-lock.json .

# What dev.serve needs to run the Worker.
runtime: $(NPM) $(SDK) $(BUNDLE)

clean:
	rm -rf .local .venv .venv-workers node_modules tests/node_modules python_modules pylock.toml .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The node that runs wrangler: npm's if it exists for this platform, else the machine's. npm 9 and 10 do not link it,
# and `npm ci` does not either.
$(NPM): $(PACKAGES) dev/node.js .node-version
	@$(NEW_NODE) node dev/node.js
	@ln -sf "$$($(NEW_NODE) command -v node)" $(BIN)/node
	@touch $@

# Installs the pinned node first (everything else is a devDependency), so that npm then checks packages against that
# version and not against an older one of the machine.
$(PACKAGES): package.json package-lock.json .npmrc
	@command -v node >/dev/null && command -v npm >/dev/null || \
	  { echo "Node and npm are missing: install Node $$(cat .node-version), which brings both." >&2; exit 1; }
	$(call step,1,installing Node and wrangler$(comma) about 30 s)
	@npm install --no-save --omit=dev --loglevel=error >/dev/null
	@$(NEW_NODE) node dev/node.js
	@$(NEW_NODE) npm install --no-save --loglevel=error >/dev/null
	@touch $@

# What only tests use, so that the first `make dev` and `make deploy` do not install it. In tests/ npm reads only the
# .npmrc that is linked there. The pinned node must be installed first, but a newer one needs no new installation.
$(TEST_NPM): tests/package.json tests/package-lock.json tests/.npmrc | $(NPM)
	PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix tests install --no-save
	@touch $@

# The versions of npm with which the lock file is tested.
$(NPMS): tests/deploy/npm.json
	mkdir -p .local/npm
	cp $< .local/npm/package.json
	npm install --prefix .local/npm --no-package-lock
	@touch $@

# A pinned pip, because older ones do not support dependency groups.
.venv/pyvenv.cfg:
	@$(NEW_PYTHON)
	$(call step,2,making .venv$(comma) about 10 s)
	@$(PYTHON) -m venv .venv
	@$(PIP) install pip==26.3

$(TOOLS): pyproject.toml .venv/pyvenv.cfg
	$(PIP) install --group dev
	@touch $@

# Without what only tests need, because build services install these on every push.
$(DEPLOY_TOOLS): pyproject.toml .venv/pyvenv.cfg
	$(PIP) install --group deploy
	@touch $@

$(SDK): pyproject.toml .venv/pyvenv.cfg
	$(call step,3,installing the Workers SDK$(comma) about 10 s)
	@rm -rf $(@D)
	@$(PIP) install --no-compile --target $(@D) --group worker
	@touch $@

$(BUNDLE): $(NPM) dev/pyodide_bundle.py
	$(call step,4,assembling Python for the runtime$(comma) about 5 s)
	@$(PYTHON) -m dev.pyodide_bundle
