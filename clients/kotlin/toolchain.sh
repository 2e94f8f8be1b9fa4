# For test.sh and room.sh, which source it: finds `$java` and Maven, or ends with 77 after one line that says which is missing.
skip() {
  echo "skipped: $1"
  exit 77
}

command -v mvn >/dev/null 2>&1 || skip 'Maven (mvn) is missing'
# mvn itself may find a Java that is not on the PATH (JAVA_HOME).
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
major=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)
[ "${major:-0}" -ge 17 ] 2>/dev/null || skip 'a JDK 17 or newer is missing'
[ -x "$(dirname "$(readlink -f "$(command -v "$java")")")/javac" ] || skip 'a JDK 17 or newer is missing (only a runtime is there)'
export MAVEN_OPTS="${MAVEN_OPTS:--XX:TieredStopAtLevel=1 -XX:+UseSerialGC}"
