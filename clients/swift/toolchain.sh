#!/bin/sh
# A Swift toolchain for Linux machines without one: Debian 13 ("trixie", package swiftlang) in a directory outside of the project, some
# 3.2 GB. Setting it up needs root, debootstrap, and a Debian mirror among this machine's package sources; running it needs root too. A machine
# with `swift` on its PATH needs none of this.
#
#   toolchain.sh setup            makes it, or does nothing if it is there
#   toolchain.sh run <command>    runs a command in it, in this folder. Exit code 77 after one line that says what is missing.
#
# USHER_SWIFT_ROOT names the directory; by default it is usher/swift in the user's cache.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
root=${USHER_SWIFT_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/usher/swift}
finished=$root/.usher-finished
# In a directory that this script has begun to fill; no other one is ever emptied.
begun=$root/.usher-begun

fail() {
  echo "$1" >&2
  exit 1
}

skip() {
  echo "skipped: $1"
  exit 77
}

setup() {
  [ -e "$finished" ] && return
  [ "$(id -u)" = 0 ] || fail 'setting up the Swift toolchain needs root (or install Swift 6 and put `swift` on the PATH)'
  command -v debootstrap >/dev/null || fail 'debootstrap is missing (apt-get install debootstrap)'
  # The mirror and the proxy that this machine's apt uses.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
  [ -n "$mirror" ] || fail 'no Debian mirror among the package sources (apt-get update?)'
  eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
  if [ -n "${http_proxy:-}" ]; then export http_proxy; fi
  if [ -n "${https_proxy:-}" ]; then export https_proxy; fi
  if [ -n "$(ls -A "$root" 2>/dev/null)" ]; then
    [ -e "$begun" ] || fail "$root is not empty and not of this script: name another directory (USHER_SWIFT_ROOT)"
    rm -rf "$root"
  fi
  mkdir -p "$root" && touch "$begun" || exit 1
  # In a namespace of its own, so that no mount is left behind, whatever happens.
  timeout 1800 unshare --mount debootstrap --variant=minbase --include=swiftlang,libc6-dev,libstdc++-14-dev trixie "$root" "$mirror" >"$root.log" 2>&1 ||
    fail "debootstrap failed; see $root.log"
  rm -rf "$root"/var/cache/apt/archives/*.deb
  touch "$finished"
}

run() {
  [ -e "$finished" ] || skip 'Swift 6 is missing (npm run test:swift -- --setup makes one: root, Debian, 3.2 GB)'
  [ "$(id -u)" = 0 ] || skip 'Swift 6 is missing (the one in the cache needs root)'
  mkdir -p "$root/clients" || exit 1
  # Swift needs /proc; /clients is the clients folder: the package, and the conformance files beside it.
  exec unshare --mount -- sh -c '
    root=$1 clients=$2; shift 2
    mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mount --bind "$clients" "$root/clients" || exit 1
    exec chroot "$root" sh -c "cd /clients/swift && exec \"\$@\"" sh "$@"
  ' sh "$root" "$(dirname "$here")" "$@"
}

case ${1:-} in
  setup) setup ;;
  run) shift && run "$@" ;;
  *) fail 'usage: toolchain.sh setup | run <command>' ;;
esac
