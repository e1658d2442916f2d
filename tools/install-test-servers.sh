#!/usr/bin/env bash
# Install the programs that tests talk to, where this is allowed: as root on Debian or Ubuntu.
# Elsewhere the tests that need an absent one are skipped with a printed reason.
set -euo pipefail
declare -A programs=([postgresql]=/usr/lib/postgresql [ncompress]=/usr/bin/compress [fitsverify]=/usr/bin/fitsverify)
missing=()
for package in "${!programs[@]}"; do
    [ -e "${programs[$package]}" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then run=(sudo -n); else run=(); fi
if ! command -v apt-get >/dev/null || ! "${run[@]}" true 2>/dev/null; then
    echo "not installed: ${missing[*]}; tests that need them are skipped"
    exit 0
fi
echo "installing for the tests: ${missing[*]}"
# The cluster that Debian would create and start is not wanted: tests start their own server.
"${run[@]}" mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] \
    || echo "create_main_cluster = false" | "${run[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
"${run[@]}" apt-get update -qq
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
