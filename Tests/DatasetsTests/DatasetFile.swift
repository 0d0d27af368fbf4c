import Datasets
import HDF5
import TestSupport

/// Writes small files with whatever a test wants to be wrong with them.
struct DatasetFile {
  enum Values {
    case floats([Float], [Int])
    case doubles([Double], [Int])
    case flags([Bool])
    case text(String)
  }

  /// A correct file of `rows` rows, two columns of observations and one of actions.
  static func columns(rows: Int) -> [String: Values] {
    [
      "observations": .floats((0..<rows * 2).map { Float($0) }, [rows, 2]),
      "actions": .floats((0..<rows).map { Float($0) / 100 }, [rows, 1]),
      "rewards": .floats([Float](repeating: 1, count: rows), [rows]),
      "terminals": .flags((0..<rows).map { $0 % 10 == 9 }),
      "timeouts": .flags([Bool](repeating: false, count: rows)),
    ]
  }

  static func write(_ columns: [String: Values], to path: String) throws {
    let file = try HDF5OutputFile(creating: path)
    for (name, values) in columns.sorted(by: { $0.key < $1.key }) {
      switch values {
      case .floats(let numbers, let shape):
        try file.createDataset(name, shape: shape, type: .float(bytes: 4), chunkRows: 7)
          .write(numbers)
      case .doubles(let numbers, let shape):
        try file.createDataset(name, shape: shape, type: .float(bytes: 8), chunkRows: 7)
          .write(numbers)
      case .flags(let flags):
        try file.createDataset(name, shape: [flags.count], type: .boolean).write(flags)
      case .text(let text): try file.write(text, to: name)
      }
    }
    try file.close()
  }
}
