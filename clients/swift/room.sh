#!/bin/sh
# The Swift client as a device of the room (tools/room/programs.mjs). Exit code 77 after one line that says which toolchain is missing. It uses the
# `swift` on the PATH, or the toolchain in the cache, as test.sh does.
cd "$(dirname "$0")" || exit 1

if command -v swift >/dev/null 2>&1; then
  swift build -q -c release --product RoomDevice >&2 || exit 1
  exec .build/release/RoomDevice
fi
./toolchain.sh run swift build -q -c release --product RoomDevice >&2
code=$?
[ $code = 77 ] && exec ./toolchain.sh run true
[ $code = 0 ] || exit 1
exec ./toolchain.sh run .build/release/RoomDevice
