#!/usr/bin/env bash
# Runs all checks of the Python SDK: ruff, mypy, pytest. Makes its own virtual environment in .venv.
# Exit codes: 0 all passed, 1 something failed, 77 skipped because the toolchain is missing (one line says which).
# With USHER_URL, USHER_SERVICE_KEY and USHER_JWT_SECRET set, the tests against that Usher run too.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

source ./environment.sh

failed=0
.venv/bin/ruff format --quiet --check . || { echo 'ruff format: these files are not formatted'; failed=1; }
.venv/bin/ruff check --quiet . || failed=1
.venv/bin/mypy || failed=1
.venv/bin/pytest || failed=1
exit "$failed"
