#!/bin/sh
# Runs everything that the Swift client has. Exit codes: 0 green, 1 red, 77 skipped after one line that says what is missing. With USHER_URL,
# USHER_SERVICE_KEY and USHER_JWT_SECRET set, also against that live Usher.
#
# It uses the `swift` on the PATH (6.0 or newer), or the toolchain in the cache, which `test.sh --setup` makes (toolchain.sh).
cd "$(dirname "$0")" || exit 1

if [ "${1:-}" = --setup ]; then ./toolchain.sh setup || exit 1; fi

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM

if command -v swift >/dev/null 2>&1; then
  major=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\).*/\1/p' | head -n 1)
  [ "${major:-0}" -ge 6 ] || { echo 'skipped: Swift 6 is missing (an older one is on the PATH)' && exit 77; }
  swift test >"$log" 2>&1
else
  ./toolchain.sh run swift test >"$log" 2>&1
fi
code=$?
if [ $code = 77 ]; then
  tail -n 1 "$log"
  exit 77
fi
if [ $code != 0 ]; then
  grep -e 'error:' -e 'Fatal error' "$log" | head -n 100
  [ -n "$(grep -e 'error:' -e 'Fatal error' "$log")" ] || tail -n 50 "$log"
  exit 1
fi

# A run without tests is no green one.
total=$(sed -n 's/.*Executed \([0-9]*\) tests*, with \(.* and \)*0 failures.*/\1/p' "$log" | tail -n 1)
[ "${total:-0}" -gt 0 ] || { echo 'no tests ran' && exit 1; }
echo "$total tests, $(grep -c '^conformance scenario ' "$log") scenarios of clients/conformance among them, no failures"
if [ -n "$USHER_URL" ]; then echo 'live tests: run against USHER_URL'; else echo 'live tests: skipped (USHER_URL is not set)'; fi
