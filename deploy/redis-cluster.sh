#!/bin/sh
# Makes a cluster of the servers that are named, unless they are one already. CLUSTER MEET wants addresses, not names.
set -eu
cli=${REDIS_CLI:-valkey-cli}
port=${REDIS_PORT:-6379}
servers=''
for name in "$@"; do
  address=$(getent hosts "$name" | cut -d ' ' -f 1)
  servers="$servers ${address:-$name}:$port"
done
is_whole() {
  "$cli" -h "$1" -p "$port" cluster info | grep -q 'cluster_slots_ok:16384'
}
if is_whole "$1"; then exit 0; fi
# shellcheck disable=SC2086
"$cli" --cluster create $servers --cluster-replicas 0 --cluster-yes
until is_whole "$1"; do sleep 1; done
