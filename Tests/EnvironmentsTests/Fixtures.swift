import Environments
import Foundation
import RLCore

/// One step recorded from Gymnasium.
struct RecordedStep {
  let state: PhysicalState
  var action: [Double]
  let observation: [Double]
  let reward: Double
  let terminated: Bool
}

enum Fixtures {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/environments")

  /// Steps of `NAME-steps.f64`; the layout is described at the head of `generate.py`.
  static func steps(of kind: EnvironmentKind, in folder: URL = folder) throws -> [RecordedStep] {
    let data = try Data(contentsOf: folder.appending(path: "\(kind)-steps.f64"))
    let values = data.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map {
        Double(
          bitPattern: UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)))
      }
    }
    let s = kind.specification
    let width =
      1 + s.positionSize + s.velocitySize + s.actionSize + s.observationSize + 2
    return stride(from: 0, to: values.count, by: width).map { start in
      var rest = values[(start + 1)..<(start + width)]
      func take(_ count: Int) -> [Double] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
      }
      return RecordedStep(
        state: PhysicalState(position: take(s.positionSize), velocity: take(s.velocitySize)),
        action: take(s.actionSize), observation: take(s.observationSize), reward: take(1)[0],
        terminated: take(1)[0] == 1)
    }
  }

  /// Numeric fields of Gymnasium's compiled model, as MuJoCo 2.3.7 compiled it.
  static func model(of kind: EnvironmentKind) throws -> [String: [Double]] {
    let data = try Data(contentsOf: folder.appending(path: "\(kind)-model.json"))
    let object = try JSONSerialization.jsonObject(with: data) as! [String: [Any]]
    return object.mapValues { $0.compactMap { ($0 as? NSNumber)?.doubleValue } }
  }

  /// FNV-1a digest of the textures in the model above.
  static func textureDigest(of kind: EnvironmentKind) throws -> String {
    let data = try Data(contentsOf: folder.appending(path: "\(kind)-model.json"))
    let object = try JSONSerialization.jsonObject(with: data) as! [String: [Any]]
    return object["tex_rgb.fnv1a"]![0] as! String
  }
}
