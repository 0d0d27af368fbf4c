import CMuJoCo
import Synchronization

/// A compiled MuJoCo model: constant once made, and shared by any number of simulations at once.
public final class PhysicsModel: @unchecked Sendable {
  /// Never written after `init`, which is what makes sharing it between threads sound.
  let pointer: UnsafePointer<mjModel>
  /// File name or title used in messages.
  public let source: String
  /// What MuJoCo remarked while compiling; empty if nothing.
  public let remarks: String

  /// Lengths of qpos, qvel and ctrl.
  public var positionSize: Int { Int(pointer.pointee.nq) }
  /// Length of qvel, which for joints with quaternions is less than that of qpos.
  public var velocitySize: Int { Int(pointer.pointee.nv) }
  /// Length of ctrl: one number for each motor.
  public var controlSize: Int { Int(pointer.pointee.nu) }
  /// Simulated seconds of one physics step.
  public var timeStep: Double { pointer.pointee.opt.timestep }

  /// Version of the MuJoCo library in use, such as `2.2.2`.
  public static var libraryVersion: String { String(cString: mj_versionString()) }

  /// Compiles an MJCF file.
  /// - Throws: ``PhysicsError/cannotLoad(source:message:)`` with MuJoCo's explanation.
  public convenience init(contentsOf path: String) throws(PhysicsError) {
    try self.init(source: path) { message, size in mj_loadXML(path, nil, message, size) }
  }

  /// Compiles MJCF text.
  /// - Parameters:
  ///   - title: what messages call the text.
  ///   - bytes: UTF-8.
  public convenience init(mjcf bytes: [UInt8], title: String) throws(PhysicsError) {
    guard !bytes.isEmpty else {
      throw .cannotLoad(source: title, message: "the text is empty")
    }
    try self.init(source: title) { message, size in
      bytes.withUnsafeBytes { text in
        let start = text.baseAddress!.assumingMemoryBound(to: CChar.self)
        return bred_mujoco_load_string(start, Int32(clamping: text.count), message, size)
      }
    }
  }

  /// A copy that is made for another purpose: `adapt` changes it before anybody sees it.
  convenience init(
    copying model: PhysicsModel, adapt: (UnsafeMutablePointer<mjModel>) -> Void
  ) throws(PhysicsError) {
    try self.init(source: model.source) { _, _ in
      let copy = mj_copyModel(nil, model.pointer)
      if let copy { adapt(copy) }
      return copy
    }
  }

  private init(
    source: String,
    load: (UnsafeMutablePointer<CChar>, Int32) -> UnsafeMutablePointer<mjModel>?
  ) throws(PhysicsError) {
    _ = PhysicsModel.handlersInstalled
    var message = [CChar](repeating: 0, count: 2_000)
    // MuJoCo's compiler keeps the last model it read in a global.
    let address = PhysicsModel.compiler.withLock { _ in
      message.withUnsafeMutableBufferPointer {
        UInt(bitPattern: load($0.baseAddress!, Int32($0.count)))
      }
    }
    let loaded = UnsafeMutablePointer<mjModel>(bitPattern: address)
    let text = String(
      decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self
    ).split(whereSeparator: \.isNewline).joined(separator: "; ")
    guard let loaded else { throw .cannotLoad(source: source, message: text) }
    pointer = UnsafePointer(loaded)
    self.source = source
    remarks = text
    // A snapshot would have to hold these as well.
    if loaded.pointee.na > 0 || loaded.pointee.nmocap > 0 {
      throw .unsupported(
        source: source,
        reason: "models with activation states (\(loaded.pointee.na)) or mocap bodies "
          + "(\(loaded.pointee.nmocap)) are not supported")
    }
  }

  deinit { mj_deleteModel(UnsafeMutablePointer(mutating: pointer)) }

  private static let compiler = Mutex<Void>(())
  private static let handlersInstalled: Void = bred_mujoco_install_handlers()
}
