#!/bin/sh
# Makes the throw-away environment of the peers: setup.sh [FOLDER] (default .build-parity).
# The packages come from PyPI, where PyTorch for Linux brings CUDA's libraries along: 5 GB in all.
# PARITY_TORCH names another one, such as a wheel for processors alone. Removing the folder removes all.
set -eu
folder=${1:-.build-parity}
if [ ! -x "$folder/bin/python" ]; then
  ${PYTHON:-python3} -m venv "$folder"
fi
if ! "$folder/bin/python" -c 'import d3rlpy, stable_baselines3, mujoco, imageio, h5py' 2>/dev/null; then
  # mujoco 2.3.7: the newest with which Gymnasium's v4 robots are those of D4RL.
  "$folder/bin/pip" install --quiet "${PARITY_TORCH:-torch}" d3rlpy==2.8.1 stable-baselines3==2.9.2 \
    gymnasium==1.0.0 mujoco==2.3.7 imageio h5py
fi
"$folder/bin/python" - <<'VERSIONS' 2>/dev/null
from importlib.metadata import version
print(", ".join(f"{p} {version(p)}" for p in ("d3rlpy", "stable-baselines3", "torch", "gymnasium", "mujoco")))
VERSIONS
