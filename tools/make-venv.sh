#!/usr/bin/env bash
# Make a virtual environment: make-venv.sh PYTHON FOLDER.
# Debian and Ubuntu ship Python without venv; install it where that is allowed, else say how.
set -euo pipefail
python=$1 folder=$2
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || { echo "vltflow needs Python 3.11 or later; name one with: make PYTHON=python3.12" >&2; exit 1; }
"$python" -m venv "$folder" >/dev/null 2>&1 && exit 0
rm -rf "$folder"
if [ "$(id -u)" -ne 0 ]; then run=(sudo -n); else run=(); fi
if command -v apt-get >/dev/null && "${run[@]}" true 2>/dev/null; then
    echo "installing python3-venv, without which $python makes no virtual environment"
    "${run[@]}" apt-get update -qq
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3-venv >/dev/null
    exec "$python" -m venv "$folder"
fi
echo "$python cannot make a virtual environment; on Debian or Ubuntu: apt install python3-venv" >&2
exit 1
