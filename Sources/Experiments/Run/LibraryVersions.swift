import DenseMath

/// Versions of the system libraries in use, by name.
package enum LibraryVersions {
  package static var all: [String: String] {
    ["openblas": BLAS.version]
  }
}
