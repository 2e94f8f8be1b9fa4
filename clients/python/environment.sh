# For test.sh and room.sh, which source it: makes the virtual environment .venv, or ends with 77 after one line that says which toolchain is missing.
skip() {
  echo "skipped: $1"
  exit 77
}

python=$(command -v python3) || skip 'python3 is missing'
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || skip 'python3 is older than 3.10'

# Installed again only when the list of what is needed has changed. The mark is written last.
wanted=$(cksum pyproject.toml environment.sh | cksum)
if [ "$(cat .venv/wanted 2>/dev/null)" != "$wanted" ]; then
  "$python" -m venv .venv >/dev/null 2>&1 || skip 'python3 has no venv or no pip'
  timeout 600 .venv/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]' >.venv/install.log 2>&1 ||
    skip 'the packages of clients/python cannot be installed (.venv/install.log says why)'
  echo "$wanted" >.venv/wanted
fi
