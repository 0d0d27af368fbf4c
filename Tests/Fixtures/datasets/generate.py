"""Makes the HDF5 files that the tests of HDF5 and Datasets read, with h5py's own defaults.

Run with h5py and numpy (any version of the last years):  python generate.py
kinds.hdf5     one array of every supported kind, and of some that must be refused
d4rl-v2.hdf5   60 rows of invented numbers in the layout of D4RL v2 as h5py writes it, four episodes
"""
import pathlib

import h5py
import numpy as np

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(1)

with h5py.File(here / "kinds.hdf5", "w") as f:
    f["scalar/int32"] = np.int32(200)
    f["scalar/float64"] = np.float64(0.1)
    f["scalar/bytes"] = np.bytes_(b"SAC")
    f["scalar/text"] = "variable é"
    f["contiguous/float32"] = np.arange(12, dtype="<f4").reshape(4, 3) / 8
    f["contiguous/bool"] = np.array([True, False, True])
    ramp = np.arange(35 * 7).reshape(35, 7)
    for kind in ["<f4", "<f8", "<i1", "<i2", "<i4", "<i8", "<u1", "<u2", "<u4", "<u8"]:
        name = np.dtype(kind).name
        values = (ramp % 100).astype(kind)
        f.create_dataset(f"chunked/{name}", data=values, chunks=(8, 3), compression="gzip")
    f.create_dataset("chunked/plain", data=ramp.astype("<f4"), chunks=(16, 7))
    f.create_dataset("chunked/shuffled", data=ramp.astype("<f8"), chunks=(10, 7),
                     compression="gzip", shuffle=True)
    f.create_dataset("chunked/bool", data=ramp[:, 0] % 2 == 0, chunks=(6,), compression="gzip")
    f.create_dataset("empty", shape=(0, 4), dtype="<f4", chunks=(2, 4), maxshape=(None, 4))
    f["refused/big_endian"] = ramp.astype(">f4")
    f["refused/half"] = ramp.astype("<f2")
    f["refused/rank3"] = np.zeros((2, 2, 2), "<f4")
    f["refused/complex"] = np.zeros(3, "<c8")
    f.create_dataset("refused/lzf", data=ramp.astype("<f4"), chunks=(8, 7), compression="lzf")
    f.create_dataset("refused/checksummed", data=ramp.astype("<f4"), chunks=(8, 7), fletcher32=True)
    f.create_dataset("refused/unwritten", shape=(100, 2), dtype="<f4", chunks=(10, 2))

rows, lengths = 60, [20, 15, 22, 3]
with h5py.File(here / "d4rl-v2.hdf5", "w") as f:
    observations = rng.standard_normal((rows + 1, 11)).astype("<f4")
    ends = np.cumsum(lengths) - 1
    next_observations = observations[1:].copy()
    next_observations[ends] += 1
    gzip = dict(compression="gzip", compression_opts=4)
    f.create_dataset("observations", data=observations[:rows], **gzip)
    f.create_dataset("next_observations", data=next_observations, **gzip)
    f.create_dataset("actions", data=np.tanh(rng.standard_normal((rows, 3))).astype("<f4"), **gzip)
    f.create_dataset("rewards", data=rng.standard_normal(rows).astype("<f4"), **gzip)
    f.create_dataset("terminals", data=np.isin(np.arange(rows), [ends[0], ends[2]]), **gzip)
    f.create_dataset("timeouts", data=np.isin(np.arange(rows), [ends[1]]), **gzip)
    f.create_dataset("infos/action_log_probs", data=rng.standard_normal(rows).astype("<f4"), **gzip)
    f.create_dataset("infos/qpos", data=rng.standard_normal((rows, 6)), **gzip)
    f.create_dataset("infos/qvel", data=rng.standard_normal((rows, 6)), **gzip)
    f["metadata/algorithm"] = np.bytes_(b"SAC")
    f["metadata/iteration"] = np.int32(400)
    for name, shape in [("fc0", (4, 11)), ("fc1", (4, 4)), ("last_fc", (3, 4)),
                        ("last_fc_log_std", (3, 4))]:
        f.create_dataset(f"metadata/policy/{name}/weight",
                         data=rng.standard_normal(shape).astype("<f4"), **gzip)
        f.create_dataset(f"metadata/policy/{name}/bias",
                         data=rng.standard_normal(shape[0]).astype("<f4"), **gzip)
    f["metadata/policy/nonlinearity"] = np.bytes_(b"relu")
    f["metadata/policy/output_distribution"] = np.bytes_(b"tanh_gaussian")
