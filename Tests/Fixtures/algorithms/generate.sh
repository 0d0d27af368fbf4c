#!/bin/sh
# Writes the JSON files in this folder. They are made once and committed; tests need no Python.
#
#   python3 -m venv /tmp/reference && /tmp/reference/bin/pip install torch numpy
#   PYTHON=/tmp/reference/bin/python Tests/Fixtures/algorithms/generate.sh
set -e
cd "$(dirname "$0")"
for script in ${*:-bc awac iql td3 edac cal_ql rlpd bcq spot pex off2on}; do
  PYTHONDONTWRITEBYTECODE=1 "${PYTHON:-python3}" "$script.py"
done
