#!/bin/sh
# Writes the JSON files in this folder. They are made once and committed; tests need no Python.
#
#   python3 -m venv /tmp/reference && /tmp/reference/bin/pip install torch numpy
#   PYTHON=/tmp/reference/bin/python Tests/Fixtures/autodiff/generate.sh
set -e
cd "$(dirname "$0")"
for script in operations optimizers; do
  PYTHONDONTWRITEBYTECODE=1 "${PYTHON:-python3}" "$script.py"
done
