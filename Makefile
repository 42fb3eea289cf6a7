# What a person types here. `make run` and `make test` prepare all they need by themselves:
# Python 3.11 or later, git and make are enough to begin with.

UV_VERSION := 0.13.8
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CHROMIUM := chromium chromium-browser google-chrome google-chrome-stable
ARGS ?=

# The Python of this machine is used; none is downloaded. One environment, wherever make is called from.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)
unexport VIRTUAL_ENV
# Python keeps what it has compiled, whatever this shell says: each start of it would cost a second and a half more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup browser run lint check test chaos bench build clean

help:
	@echo "make run [ARGS='--port 8001']  the service, in this terminal"
	@echo "make test                      everything that must pass, browser tests included"
	@echo "make check                     the quick part of it"
	@echo "make chaos                     kills and hangs everything for an hour, and says what was lost"
	@echo "make setup browser bench build clean"

setup: $(READY)

# The environment is made again only when what it is made from has changed.
$(READY): pyproject.toml uv.lock
	@set -eu; \
	python=; \
	for newest in 13 99; do for name in python3 python3.13 python3.12 python3.11; do \
		if [ -z "$$python" ] && "$$name" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $$newest))" 2>/dev/null; then \
			python=$$("$$name" -c 'import sys; print(sys.executable)'); \
		fi; \
	done; done; \
	if [ -z "$$python" ]; then echo "Python 3.11 or later is needed, best 3.11 to 3.13, and none is on PATH." >&2; exit 1; fi; \
	version() { "$$1" --version 2>/dev/null | cut -d ' ' -f 2; }; \
	uv=uv; \
	if [ "$$(version uv)" != "$(UV_VERSION)" ]; then \
		uv=.uv/bin/uv; \
		if [ "$$(version $$uv)" != "$(UV_VERSION)" ]; then \
			if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
				echo "$$python has no venv module: install it (on Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; \
			fi; \
			echo "Preparing uv $(UV_VERSION) in .uv"; \
			"$$python" -m venv --clear .uv; \
			.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
		fi; \
	fi; \
	echo "Preparing $(VENV) with $$python"; \
	"$$uv" sync --locked --quiet --python "$$python"; \
	touch $@

run: $(READY)
	@$(BIN)/engagement serve $(ARGS)

# The browser tests drive the system's Chromium.
browser:
	@set -eu; \
	for name in $(CHROMIUM); do if command -v $$name >/dev/null; then exit 0; fi; done; \
	as_root=; \
	if [ "$$(id -u)" != 0 ]; then as_root="sudo -n"; fi; \
	if command -v apt-get >/dev/null && $$as_root true 2>/dev/null; then \
		$$as_root apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends chromium; \
	else \
		echo "The browser tests need Chromium: install it (on Debian: sudo apt-get install chromium) and call make again." >&2; exit 1; \
	fi

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# Two processes share the tests, each with servers of its own; ARGS="-n 8" is for a machine with more cores.
TWO := -m pytest -n 2 --dist worksteal

check: lint
	$(BIN)/python $(TWO) -q --sql sqlite --redis redis $(wildcard tests/unit tests/contract) $(ARGS)

# The tests that load the whole machine run last, and not beside others; with ARGS they may be none (5).
test: browser lint
	$(BIN)/coverage erase
	SCHEMATHESIS_EXAMPLES=20 $(BIN)/coverage run $(TWO) --ignore=tests/chaos $(ARGS)
	$(BIN)/python $(TWO) tests/chaos $(ARGS) || test $$? = 5
	$(BIN)/coverage report

# The long runs of tests/chaos: about an hour.
chaos: $(READY)
	$(BIN)/python -m tests.chaos $(ARGS)

bench: $(READY)
	$(BIN)/python -m tests.bench $(ARGS)

build: $(READY)
	rm -rf dist
	$(BIN)/python -m hatchling build

clean:
	rm -rf $(VENV) .uv dist build htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
