import DenseMath
import HDF5
import Physics

/// Versions of the system libraries in use, by name.
package enum LibraryVersions {
  package static var all: [String: String] {
    [
      "deflate": inflaterName(), "HDF5": hdf5LibraryVersion(),
      "MuJoCo": PhysicsModel.libraryVersion, "OpenBLAS": BLAS.version,
    ]
  }
}
