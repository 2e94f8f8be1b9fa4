#!/bin/sh
# Runs everything that the Kotlin client has, with OkHttp 4.12 and again with OkHttp 5. Exit codes: 0 green, 1 red, 77 skipped after one
# line that says which toolchain is missing. With USHER_URL, USHER_SERVICE_KEY and USHER_JWT_SECRET set, also against that live Usher.
cd "$(dirname "$0")" || exit 1

. ./toolchain.sh

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM

if ! mvn -q -B -o -Pokhttp5 verify >"$log" 2>&1; then
  # Only what was never downloaded is a reason to go online.
  if ! grep -q 'offline mode\|has not been downloaded' "$log" || ! mvn -q -B -Pokhttp5 verify >"$log" 2>&1; then
    ! grep -q 'Could not transfer\|Could not resolve\|Unknown host' "$log" || skip 'what it depends on cannot be downloaded'
    grep '^\[ERROR\]' "$log" | grep -v -e '-> \[Help' -e '\[Help 1\]' -e '^\[ERROR\] *$' -e 'To see the full' -e 'Re-run Maven' | head -n 100
    exit 1
  fi
fi

# Each report says how many tests it ran; a suite that ran nothing is no green one.
for reports in surefire-reports surefire-reports-okhttp5; do
  total=$(cat usher-client/target/$reports/*.txt | sed -n 's/^Tests run: \([0-9]*\),.*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }')
  [ "$total" -gt 0 ] || { echo "no tests in $reports"; exit 1; }
  scenarios=$(cat usher-client/target/$reports/*ConformanceTest-output.txt | grep -c '^conformance ')
  echo "$reports: $total tests, $scenarios scenarios of clients/conformance among them, no failures"
done
if [ -n "$USHER_URL" ]; then echo 'live tests: run against USHER_URL'; else echo 'live tests: skipped (USHER_URL is not set)'; fi
