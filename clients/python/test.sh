#!/usr/bin/env bash
# Runs all checks of the Python SDK: ruff, mypy, pytest. Makes its own virtual environment in .venv.
# Exit codes: 0 all passed, 1 something failed, 77 skipped because the toolchain is missing (one line says which).
# With USHER_URL, USHER_SERVICE_KEY and USHER_JWT_SECRET set, the tests against that Usher run too.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

skip() {
  echo "skipped: $1"
  exit 77
}

python=$(command -v python3) || skip 'python3 is missing'
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || skip 'python3 is older than 3.10'

# Installed again only when the list of what is needed has changed. The mark is written last.
wanted=$(cksum pyproject.toml "$0" | cksum)
if [ "$(cat .venv/wanted 2>/dev/null)" != "$wanted" ]; then
  "$python" -m venv .venv >/dev/null 2>&1 || skip 'python3 has no venv or no pip'
  timeout 600 .venv/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]' >.venv/install.log 2>&1 ||
    skip 'the packages of clients/python cannot be installed (.venv/install.log says why)'
  echo "$wanted" >.venv/wanted
fi

failed=0
.venv/bin/ruff format --quiet --check . || { echo 'ruff format: these files are not formatted'; failed=1; }
.venv/bin/ruff check --quiet . || failed=1
.venv/bin/mypy || failed=1
.venv/bin/pytest || failed=1
exit "$failed"
