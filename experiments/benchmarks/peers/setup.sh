#!/bin/sh
# Makes the throw-away environment of the peers: setup.sh [FOLDER] (default .build-peers).
# The packages come from PyPI, where PyTorch for Linux brings CUDA's libraries along: 5 GB in all.
# PEERS_TORCH names another one, such as a wheel for processors alone. Removing the folder removes all.
set -eu
folder=${1:-.build-peers}
if [ ! -x "$folder/bin/python" ]; then
  ${PYTHON:-python3} -m venv "$folder"
fi
if ! "$folder/bin/python" -c 'import numpy, jax, torch' 2>/dev/null; then
  "$folder/bin/pip" install --quiet numpy "${PEERS_TORCH:-torch}" jax
fi
if ! command -v g++ >/dev/null 2>&1 && ! command -v clang++ >/dev/null 2>&1; then
  echo "setup.sh: no C++ compiler: torch.compile will be left out" >&2
fi
"$folder/bin/python" -c 'import jax, torch; print("PyTorch", torch.__version__, "JAX", jax.__version__)'
