#!/usr/bin/env bash
# The publisher of the room (tools/room/programs.mjs). Exit code 77 after one line that says which toolchain is missing.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
source ./environment.sh
exec .venv/bin/python tests/room_publisher.py
