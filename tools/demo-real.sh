#!/usr/bin/env bash
# The demo on real light, behind `make run` where VLTFLOW_REAL_DATA is set: ten exposures of the quasar
# HE1341-1020 and their calibrations, painted from real spectra as raw frames, go through their nights,
# the decisions of a person and a campaign to science products. What was done stays: run it again.
set -euo pipefail
bin=$1 demo=$2
data=$(cd "$VLTFLOW_REAL_DATA" && pwd)
export PATH="$(cd "$bin" && pwd):$PATH"
say() { printf '\n$ %s\n' "$*"; "$@" || [ $? -eq 1 ]; }   # 1: some work failed, shown by the command itself

painter=$data/../tools/repaint_uves.py
[ -f "$painter" ] || { echo "no $painter, which paints the spectra in $data/uves as raw frames" >&2; exit 2; }
raw=$demo/raw
paint() {   # exposures of neighbouring nights share calibrations: one process paints them
    for exposure in "$@"; do
        python "$painter" "$data/uves/HE1341-1020" "390_$exposure" "$raw" >/dev/null
        echo "painted exposure $exposure"
    done
}
if [ ! -e "$demo/painted" ]; then
    paint 01 02 03 04 05 & paint 06 07 08 09 10; wait $!
    rm "$raw"/*.truth.fits
    touch "$demo/painted"
fi

say vltflow init "$demo/site"
export VLTFLOW_SITE="$demo/site"
say vltflow ingest "$raw"
nights=$(python - "$raw"/*.fits <<'PYTHON'
import sys
from pathlib import Path
from vltflow.core.time import mjd_from_iso, night_of
taken = (Path(path).name.removeprefix("UVES.").removesuffix(".fits") for path in sys.argv[1:])
print(*sorted({night_of(mjd_from_iso(one)) for one in taken}))
PYTHON
)

# The first years night by night, as they come; what they leave to a person is decided.
for night in $nights; do
    [[ $night > 2012 ]] || say vltflow night "$night" --instrument UVES
done
say vltflow certify list
# One after the other, as what is accepted may free what was made with it. Format checks are left to the desk: no
# spectrum waits for them.
first_waiting() {
    vltflow certify list --json | python -c "
import json, sys
print(next((one['ab'] for one in json.load(sys.stdin) if 'FORM' not in one['raw_type']), ''))"
}
decided=
while ab=$(first_waiting) && [ -n "$ab" ] && [ "$ab" != "$decided" ]; do
    say vltflow certify accept "$ab" --by demo --comment "seen in the demo on real light"
    decided=$ab
done

# The last year in mass; months that are done already are looked at again.
for month in $(printf '%s\n' $nights | cut -c1-7 | sort -u); do
    say vltflow campaign run UVES --from "$month" --complete
done
# What no science needs, such as the format checks of that year.
for night in $nights; do
    [[ $night < 2012 ]] || say vltflow night "$night" --instrument UVES
done
say vltflow masters summary --instrument UVES
say vltflow products list
say vltflow qc import "$data"/uves/line_table_headers/*.json.gz

printf '\nThe site is %s.\n' "$demo/site"
if [ -t 1 ] && [ -z "${CI:-}" ]; then
    say vltflow serve || true   # another one may run already: it says so
else
    printf 'Its web pages: VLTFLOW_SITE=%s vltflow serve, then http://127.0.0.1:8321/\n' "$demo/site"
fi
