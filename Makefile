PYTHON ?= python3
PORT ?= 8787
AI ?= stand-in

NODE_MODULES := node_modules/.package-lock.json
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
SDK := .local/python_modules/pyvenv.cfg
BUNDLE := .local/bundle/pyodide_dev.capnp.bin

.PHONY: dev runtime

dev: runtime
	@$(PYTHON) -m dev.serve --port $(PORT) --ai $(AI)

runtime: $(NODE_MODULES) $(SDK) $(BUNDLE)

$(NODE_MODULES): package.json package-lock.json .npmrc
	npm ci --loglevel=error
	@touch $@

.venv/bin/pip: pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) install pip==26.3

$(SDK): pyproject.toml .venv/bin/pip
	rm -rf $(@D)
	$(PIP) install --no-compile --target $(@D) --group worker
	@touch $@

$(BUNDLE): $(NODE_MODULES) dev/pyodide_bundle.py
	$(PYTHON) -m dev.pyodide_bundle
