#!/usr/bin/env bash
# The demo behind `make run`: a small simulated UVES day through the whole house.
set -euo pipefail
bin=$1 demo=$2 night=$3
export PATH="$(cd "$bin" && pwd):$PATH"
say() { printf '\n$ %s\n' "$*"; "$@" || [ $? -eq 1 ]; }   # 1: some work failed, shown by the command itself

rm -rf "$demo"
say vltflow init "$demo/site"
export VLTFLOW_SITE="$demo/site"
# Small detectors show fewer orders, further apart, than ESO's physical model of UVES knows.
{
    printf '\n[runners.UVES]\n'
    printf 'uves_cal_%s = "none"\n' predict orderpos wavecal response
} >> "$demo/site/vltflow.toml"
say vltflow simulate uves "$night" --out "$demo/raw" --small
say vltflow ingest "$demo/raw"
say vltflow night "$night" --instrument UVES
say vltflow status --night "$night"
say vltflow masters find --instrument UVES
printf '\nThe site is %s. Look further with VLTFLOW_SITE=%s vltflow --help (in %s)\n' "$demo/site" "$demo/site" "$bin"
