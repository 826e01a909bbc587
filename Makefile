# Everything is installed into .venv and client/node_modules, from the hashed lock files, and nothing else is
# touched; a stamp says what is done already. Only `make test` may install Debian packages, and only as root.

PYTHON ?= python3
BIN := .venv/bin
STAMPS := .venv/stamps
NPM := scripts/npm
CLIENT_SOURCES := $(shell find client -type f -not -path '*/node_modules/*' 2>/dev/null)

UV := $(BIN)/uv --quiet --no-progress
INSTALL := $(UV) pip install --python $(BIN)/python
COMPILE := $(UV) pip compile --python $(BIN)/python --python-version 3.11 --universal --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

.PHONY: run setup test nightly check docs types chaos mutation lock
.DELETE_ON_ERROR:

run: setup
	@exec $(BIN)/talktime demo

setup: $(STAMPS)/run $(STAMPS)/client

test: $(STAMPS)/dev $(STAMPS)/client
	@scripts/tests

check: $(STAMPS)/dev $(STAMPS)/client-packages
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run check
	$(NPM) --silent --prefix generator run check

# The documents as a site, in `site/`: open site/index.html.
docs: $(STAMPS)/dev
	$(BIN)/python -m scripts.docsite site

# Every scenario of the screens in full: half an hour or so. A scenario that fails has failed, even if it passes when it
# is played again. Before that, the tests with the oldest versions of everything that talktime uses; after that, chaos
# with each fan-out, what others wait while one client floods, and how a node ends thousands of sockets.
nightly: $(STAMPS)/dev $(STAMPS)/client
	scripts/debian-packages
	scripts/lowest
	$(BIN)/pytest --full tests/screen
	$(BIN)/python -m tests.chaos --seed $$(date +%j) --minutes 10
	for fanout in polling redis; do \
		$(BIN)/python -m tests.chaos --seed $$(date +%j) --minutes 3 --fanout $$fanout || exit 1; \
	done
	$(BIN)/talktime bench flood
	$(BIN)/talktime bench closing

# Lets people talk while everything around them fails, and compares what was acknowledged with what is stored.
chaos: SEED ?= 1
chaos: MINUTES ?= 10
chaos: FANOUT ?= postgres
chaos: $(STAMPS)/dev
	$(BIN)/python -m tests.chaos --seed $(SEED) --minutes $(MINUTES) --fanout $(FANOUT)

# Breaks the pure core in every small way and counts what no test notices. An hour or two, most of it for
# mutants that never end, and no part of CI.
mutation: $(STAMPS)/dev
	nice -n 19 $(BIN)/mutmut run --max-children 1
	$(BIN)/mutmut results

# The types of the client, from the OpenAPI document. A test says when they are to be made again.
types: $(STAMPS)/dev $(STAMPS)/client-packages
	scripts/client-types

# Newest versions of everything, pinned and hashed. `make lock UPGRADE=` only adds what is missing.
lock: UPGRADE ?= --upgrade
lock: $(STAMPS)/venv
	$(COMPILE) $(UPGRADE) --all-extras --group build pyproject.toml -o requirements/run.txt
	$(COMPILE) $(UPGRADE) --all-extras --group build --group dev pyproject.toml -c requirements/run.txt -o requirements/dev.txt
	echo uv | $(COMPILE) $(UPGRADE) - -o requirements/bootstrap.txt

$(STAMPS)/venv: requirements/bootstrap.txt
	scripts/venv $(PYTHON)
	@touch $@

# The project itself is built by the hatchling of the lock file: an isolated build would fetch an unpinned one.
$(STAMPS)/run: requirements/run.txt pyproject.toml $(STAMPS)/venv
	$(INSTALL) --require-hashes -r requirements/run.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/run
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(STAMPS)/client-packages: client/package-lock.json client/generator/package-lock.json $(STAMPS)/run
	$(NPM) ci
	$(NPM) --prefix generator ci
	@touch $@

$(STAMPS)/client: $(CLIENT_SOURCES) $(STAMPS)/client-packages
	$(NPM) --silent run build
	@touch $@
