#!/usr/bin/env bash
# The demo behind `make run`: simulated UVES frames through the whole house. Biases, darks and flats of
# a day with small detectors (nothing else can be made of those: they have no echelle format), and a
# night of science on windows of the real ones, down to products.
set -euo pipefail
bin=$1 demo=$2 night=$3
later=$("$bin/python" -c "import datetime as d; print(d.date.fromisoformat('$night') + d.timedelta(1))")
detector=BIAS_BLUE,DARK_BLUE,FLAT_BLUE,BIAS_RED,DARK_RED,FLAT_RED
kinds=BIAS_BLUE,ORDER_FLAT_BLUE,FLAT_BLUE,ARC_LAMP_BLUE,SCI_POINT_BLUE
kinds+=,BIAS_RED,ORDER_FLAT_RED,FLAT_RED,ARC_LAMP_RED,SCI_POINT_RED
export PATH="$(cd "$bin" && pwd):$PATH"
say() { printf '\n$ %s\n' "$*"; "$@" || [ $? -eq 1 ]; }   # 1: some work failed, shown by the command itself

rm -rf "$demo"
say vltflow init "$demo/site"
export VLTFLOW_SITE="$demo/site"
say vltflow simulate uves "$night" --out "$demo/raw" --small --only "$detector"
say vltflow simulate uves "$later" --out "$demo/raw" --science point --window --only "$kinds"
say vltflow ingest "$demo/raw"
say vltflow night "$night" --instrument UVES
say vltflow status --night "$night"
say vltflow masters summary --instrument UVES
say vltflow night "$later" --instrument UVES
say vltflow certify list
say vltflow products list
say vltflow products export --night "$later" --out "$demo/products"
say vltflow validate "$demo/products" --originals "$demo/raw"
printf '\nThe site is %s. Look further with VLTFLOW_SITE=%s vltflow --help (in %s)\n' "$demo/site" "$demo/site" "$bin"
if [ -t 1 ] && [ -z "${CI:-}" ]; then
    printf '\n$ vltflow serve\n'
    vltflow serve || true   # another one may run already: it says so
else
    printf 'Its web pages: VLTFLOW_SITE=%s vltflow serve, then http://127.0.0.1:8321/products\n' "$demo/site"
fi
