#!/usr/bin/env bash
# Install the programs that tests talk to, where this is allowed: as root, or with sudo that asks
# for no password, on Debian or Ubuntu. What a distribution does not have (ESO's pipelines are in
# Debian 12 only) is left out. Tests that need an absent program are skipped with a printed reason.
set -euo pipefail
pipelines=(uves giraf muse hawki visir vimos naco amber)
declare -A programs=(
    [postgresql]=/usr/lib/postgresql/*/bin/postgres [ncompress]=/usr/bin/compress
    [fitsverify]=/usr/bin/fitsverify [esorex]=/usr/bin/esorex [chromium]=/usr/bin/chromium
)
for name in "${pipelines[@]}"; do
    programs[cpl-plugin-$name]="/usr/lib/*/cpl/plugins/$name-*"
done
missing=()
for package in "${!programs[@]}"; do
    compgen -G "${programs[$package]}" >/dev/null || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then run=(sudo -n); else run=(); fi
if ! command -v apt-get >/dev/null || ! "${run[@]}" true 2>/dev/null; then
    echo "not installed: ${missing[*]}; tests that need them are skipped"
    exit 0
fi
# The cluster that Debian would create and start is not wanted: tests start their own server.
"${run[@]}" mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] \
    || echo "create_main_cluster = false" | "${run[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
"${run[@]}" apt-get update -qq
wanted=()
for package in "${missing[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then wanted+=("$package"); else echo "no package $package here: tests that need it are skipped"; fi
done
[ ${#wanted[@]} -eq 0 ] && exit 0
echo "installing for the tests: ${wanted[*]}"
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${wanted[@]}" >/dev/null
