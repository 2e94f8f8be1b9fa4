#!/bin/sh
# The Swift client as a device of the room (tools/room/programs.mjs). Exit code 77 after one line that says which toolchain is missing. It uses the
# `swift` on the PATH, or the toolchain in the cache, as test.sh does. ROOM_SWIFT_BUILD=release for measurements; `debug` is built sooner.
cd "$(dirname "$0")" || exit 1

build=${ROOM_SWIFT_BUILD:-debug}
run=
command -v swift >/dev/null 2>&1 || run='./toolchain.sh run'
[ -z "$run" ] || $run true || exit 77
log=$(mktemp) || exit 1
if ! timeout 900 $run swift build -c "$build" --product RoomDevice >"$log" 2>&1; then
  grep 'error:' "$log" | sort -u | head -n 20 >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
exec $run ".build/$build/RoomDevice"
