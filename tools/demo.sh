#!/usr/bin/env bash
# The demo behind `make run`: a small simulated UVES day through the whole house.
set -euo pipefail
bin=$1 demo=$2 night=$3
export PATH="$(cd "$bin" && pwd):$PATH"
say() { printf '\n$ %s\n' "$*"; "$@" || [ $? -eq 1 ]; }   # 1: some work failed, shown by the command itself

rm -rf "$demo"
say vltflow init "$demo/site"
export VLTFLOW_SITE="$demo/site"
say vltflow simulate uves "$night" --out "$demo/raw" --small
say vltflow ingest "$demo/raw"
say vltflow night "$night" --instrument UVES
say vltflow status --night "$night"
say vltflow masters find --instrument UVES
printf '\nThe site is %s. Look further with VLTFLOW_SITE=%s vltflow --help (in %s)\n' "$demo/site" "$demo/site" "$bin"
if [ -t 1 ] && [ -z "${CI:-}" ]; then
    printf '\n$ vltflow serve\n'
    vltflow serve || true   # another one may run already: it says so
else
    printf 'Its web pages: VLTFLOW_SITE=%s vltflow serve, then http://127.0.0.1:8321/\n' "$demo/site"
fi
