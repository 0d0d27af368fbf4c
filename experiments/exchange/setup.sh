#!/bin/sh
# Makes the throw-away environment of check.py: setup.sh [FOLDER]. The packages come from PyPI, where PyTorch
# for Linux brings CUDA's libraries along: 5 GB in all.
set -eu
folder=${1:-.build-exchange}
if [ ! -x "$folder/bin/python" ]; then
  ${PYTHON:-python3} -m venv "$folder"
fi
if ! "$folder/bin/python" -c 'import d3rlpy, h5py, onnx, onnxruntime, safetensors, stable_baselines3' 2>/dev/null; then
  "$folder/bin/pip" install --quiet "${PEERS_TORCH:-torch}" d3rlpy h5py onnx onnxruntime safetensors stable-baselines3
fi
