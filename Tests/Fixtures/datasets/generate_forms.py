"""Makes the HDF5 files with the less usual forms that libhdf5 reads, and some that it must refuse.

Run with h5py 3.16 and numpy; h5py of another HDF5 than 2.0 makes another too-new.hdf5:
    python generate_forms.py
forms.hdf5         arrays never or partly written, other enumerations, bit fields, other orders and sizes
                   of numbers, filters besides deflate, links of all kinds, a named type
forms-v110.hdf5    the chunk indexes of HDF5 1.10, and chunks at the edge without filters
userblock.hdf5     numbers behind a user block of 1024 bytes
too-new.hdf5       arrays as HDF5 2.0 writes them at its newest
elsewhere.hdf5     external and virtual storage
d3rlpy2.hdf5       the layout of d3rlpy 2 (invented numbers)
beside.hdf5        D4RL's columns, 30 rows, with links, a named type and an image beside them
outside.hdf5       the same, but for rewards, which are a link to another file
robomimic.hdf5     the layout of robomimic (invented numbers)
"""
import ctypes
import glob
import pathlib

import h5py
import numpy as np

# h5py does not offer everything.
library = ctypes.CDLL(glob.glob(f"{pathlib.Path(h5py.__file__).parent}.libs/libhdf5-*")[0])
here = pathlib.Path(__file__).parent
ramp = np.arange(35 * 7).reshape(35, 7)
# Long enough for libhdf5 to be asked for them row by row, not for all at once with the walk.
long = np.arange(900 * 3).reshape(900, 3)
flags = np.arange(900) % 3 == 0


def low_level(f, name, file_type, memory, values, creation=None):
    space = h5py.h5s.create_simple(values.shape)
    creation = creation or h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_obj_track_times(False)
    array = h5py.h5d.create(f.id, name.encode(), file_type, space, creation)
    if memory is not None:
        array.write(h5py.h5s.ALL, h5py.h5s.ALL, values, memory)
    return array


with h5py.File(here / "forms.hdf5", "w", libver=("earliest", "v108")) as f:
    g = f.create_group("unwritten")
    g.create_dataset("contiguous", (900,), dtype=bool)
    g.create_dataset("chunked", (900,), dtype=bool, chunks=(100,), compression="gzip")
    g.create_dataset("filled", (900, 3), dtype="<f4", chunks=(100, 3), fillvalue=0.5)
    part = g.create_dataset("partly", (900, 3), dtype="<f4", chunks=(100, 3), compression="gzip", fillvalue=-1)
    part[300:400] = long[300:400]
    g.create_dataset("small", (6,), dtype="<i2", fillvalue=7)
    g = f.create_group("flags")
    for name, names in [("yes_no", {"NO": 0, "YES": 1}), ("lower", {"false": 0, "true": 1})]:
        for size in ["i1", "i4"]:
            kind = h5py.enum_dtype(names, basetype=size)
            g.create_dataset(f"{name}_{size}", data=flags.astype(size), dtype=kind, chunks=(100,), compression="gzip")
    g.create_dataset("opposite", data=flags.astype("i1"), dtype=h5py.enum_dtype({"TRUE": 0, "FALSE": 1}, basetype="i1"))
    g.create_dataset("three", data=(np.arange(900) % 3).astype("i1"),
                     dtype=h5py.enum_dtype({"A": 0, "B": 1, "C": 2}, basetype="i1"))
    bits = flags.astype("u1")
    low_level(g, "bits8", h5py.h5t.STD_B8LE, h5py.h5t.NATIVE_B8, bits)
    low_level(g, "bits16", h5py.h5t.STD_B16BE, h5py.h5t.NATIVE_B8, bits)
    g = f.create_group("numbers")
    for kind in [">f4", ">f8", ">i2", ">i4", ">i8", ">u4", "<f2", ">f2"]:
        order = {">": "be", "<": "le"}[kind[0]]
        g.create_dataset(f"{np.dtype(kind).name}_{order}", data=(long % 1000).astype(kind))
        g.create_dataset(f"{np.dtype(kind).name}_{order}_chunked", data=(long % 1000).astype(kind),
                         chunks=(128, 2), compression="gzip", shuffle=True)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.COMPACT)
    low_level(g, "compact", h5py.h5t.IEEE_F32LE, h5py.h5t.NATIVE_FLOAT, long.astype("<f4"), creation)
    g = f.create_group("filters")
    g.create_dataset("fletcher32", data=long.astype("<f4"), chunks=(100, 3), fletcher32=True)
    g.create_dataset("all", data=long.astype("<f4"), chunks=(100, 3), fletcher32=True, shuffle=True, compression=9)
    g.create_dataset("scaleoffset", data=long.astype("<i4"), chunks=(100, 3), scaleoffset=0)
    g.create_dataset("szip", data=long.astype("<f4"), chunks=(100, 3), compression="szip")
    f["links/inside"] = h5py.SoftLink("/numbers/float32_be")
    f["links/group"] = h5py.SoftLink("/numbers")
    f["links/dangling"] = h5py.SoftLink("/nothing")
    f["links/outside"] = h5py.ExternalLink("forms-v110.hdf5", "/single")
    f["links/through"] = h5py.SoftLink("/links/outside")
    f["links/root"] = f["/"]
    f["kind"] = np.dtype("<f4")
    f.create_dataset("of_kind", data=long.astype("<f4"), dtype=f["kind"])

with h5py.File(here / "forms-v110.hdf5", "w", libver=("v110", "v110")) as f:
    data = long.astype("<f4")
    f.create_dataset("single", data=data, chunks=(900, 3), compression="gzip")
    f.create_dataset("fixed", data=data, chunks=(100, 2), compression="gzip")
    f.create_dataset("extensible", data=data, chunks=(100, 3), maxshape=(None, 3), compression="gzip", shuffle=True)
    f.create_dataset("tree", data=data, chunks=(100, 3), maxshape=(None, None), compression="gzip")
    for name, options in [("implicit", 0), ("edges", 2)]:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk((128, 3))
        if options:
            creation.set_deflate(4)
            library.H5Pset_chunk_opts(ctypes.c_int64(creation.id), options)
        else:
            creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        low_level(f, name, h5py.h5t.IEEE_F32LE, h5py.h5t.NATIVE_FLOAT, data, creation)

with h5py.File(here / "userblock.hdf5", "w", userblock_size=1024) as f:
    f["contiguous"] = long.astype("<f4")
    f.create_dataset("chunked", data=long.astype("<f4"), chunks=(100, 3), compression="gzip")
    f["text"] = "behind a block"

with h5py.File(here / "too-new.hdf5", "w", libver="latest") as f:
    f["contiguous"] = long.astype("<f4")
    f.create_dataset("chunked", data=long.astype("<f4"), chunks=(100, 3), compression="gzip")

with h5py.File(here / "elsewhere.hdf5", "w") as f:
    f["here"] = np.arange(4, dtype="<f4")
    f.create_dataset("external", (4,), dtype="<f4", external=[("/etc/hostname", 0, 16)])
    layout = h5py.VirtualLayout(shape=(900, 3), dtype="<f4")
    layout[:] = h5py.VirtualSource("forms-v110.hdf5", "single", shape=(900, 3))
    f.create_virtual_dataset("virtual", layout)

with h5py.File(here / "d3rlpy2.hdf5", "w") as f:
    for episode in range(3):
        f[f"observations_{episode}"] = np.zeros((5, 11), "<f4")
        f[f"actions_{episode}"] = np.zeros((5, 3), "<f4")
        f[f"rewards_{episode}"] = np.zeros((5, 1), "<f4")
        f[f"terminated_{episode}"] = True
    f["columns"] = np.array(["observations", "actions", "rewards", "terminated"], dtype=h5py.string_dtype())
    f["num_episodes"] = 3
    f["version"] = "2.0"

with h5py.File(here / "robomimic.hdf5", "w") as f:
    for demo in range(2):
        g = f.create_group(f"data/demo_{demo}")
        g.attrs["num_samples"] = 5
        g["obs/object"] = np.zeros((5, 10))
        g["actions"] = np.zeros((5, 7))
        g["rewards"] = np.zeros(5)
        g["dones"] = np.zeros(5, "<i8")
        g["states"] = np.zeros((5, 32))

for name in ["beside.hdf5", "outside.hdf5"]:
    with h5py.File(here / name, "w") as f:
        f["observations"] = np.arange(60, dtype="<f4").reshape(30, 2)
        f["actions"] = np.zeros((30, 1), "<f4")
        f["numbers/rewards"] = np.ones(30, "<f4")
        f["rewards"] = h5py.SoftLink("numbers/rewards") if name == "beside.hdf5" else h5py.ExternalLink("beside.hdf5", "/rewards")
        f["terminals"] = np.arange(30) == 9
        f["flag"] = np.dtype(bool)
        f.create_dataset("timeouts", data=np.arange(30) == 19, dtype=f["flag"])
        f["log"] = h5py.ExternalLink("log.hdf5", "/")
        f["latest"] = h5py.SoftLink("/runs/7")
        f["infos/image"] = np.zeros((2, 2, 2), "<f4")
