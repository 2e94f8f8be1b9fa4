#!/bin/sh
# The Kotlin client as a device of the room (tools/room/programs.mjs). Exit code 77 after one line that says which toolchain is missing.
cd "$(dirname "$0")" || exit 1
. ./toolchain.sh

target=usher-client/target
class_path=$target/room.class-path
compile() {
  timeout 900 mvn -q -B "$@" -pl usher-client test-compile dependency:build-classpath -Dmdep.outputFile="$PWD/$class_path" >"$target/room.log" 2>&1
}
# Compiled again only when a source has changed. The mark is written last.
wanted=$(find pom.xml usher-client/pom.xml usher-client/src -type f -exec cksum {} + | sort | cksum)
if [ "$(cat $target/room.wanted 2>/dev/null)" != "$wanted" ]; then
  mkdir -p $target
  # Only what was never downloaded is a reason to go online.
  compile -o || { grep -q 'offline mode\|has not been downloaded\|No plugin found for prefix' $target/room.log && compile; } ||
    { grep '^\[ERROR\]' $target/room.log | head -n 20 >&2 && exit 1; }
  echo "$wanted" >$target/room.wanted
fi

exec "$java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$target/test-classes:$target/classes:$(cat $class_path)" \
  dev.usher.client.room.RoomDeviceKt
