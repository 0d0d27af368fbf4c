import CMuJoCo

/// Extent of a picture in pixels.
public struct PictureSize: Sendable, Equatable {
  /// Pixels of a row.
  public let width: Int
  /// Pixels of a column.
  public let height: Int

  /// What can be drawn, for each side.
  public static let sides = 32...4096

  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }
}

/// From where a robot is seen.
public enum Camera: Sendable, Equatable {
  /// A camera of the model, by its name.
  case named(String)
  /// Goes along with the robot and looks at its centre.
  ///
  /// - Parameters:
  ///   - azimuth: degrees about the vertical; at 90 the robot runs to the right, at 180 towards the camera.
  ///   - elevation: degrees; below 0 it looks down.
  ///   - distance: metres.
  case following(azimuth: Double, elevation: Double, distance: Double)
}

/// Words in a corner of a picture, labels on the left and values on the right, line by line.
public struct Caption: Sendable, Equatable {
  /// Where in its panel a caption stands.
  public enum Corner: Sendable, Equatable { case topLeft, topRight, bottomLeft, bottomRight }

  /// Captions of one panel should have corners of their own, for they are drawn over each other.
  public var corner: Corner
  /// Printable ASCII; other characters are drawn as `?`.
  public var lines: [(label: String, value: String)]

  /// - Parameter lines: from the top.
  public init(_ corner: Corner, _ lines: [(label: String, value: String)]) {
    self.corner = corner
    self.lines = lines
  }

  public static func == (first: Caption, second: Caption) -> Bool {
    first.corner == second.corner && first.lines.elementsEqual(second.lines, by: ==)
  }
}

/// Draws states of one model with MuJoCo's own renderer, without a screen.
///
/// Pictures have one panel or several side by side, each with a state of its own. The ground goes on for
/// ever, whatever size the model gives it. Used by one thread at a time.
public final class PhysicsRenderer {
  /// What one panel shows.
  public struct Panel: Sendable {
    /// qpos, `[positionSize]`, and qvel, `[velocitySize]`.
    public var position: [Double]
    /// qvel, `[velocitySize]`.
    public var velocity: [Double]
    /// Drawn over this panel alone.
    public var captions: [Caption]

    public init(position: [Double], velocity: [Double], captions: [Caption] = []) {
      self.position = position
      self.velocity = velocity
      self.captions = captions
    }
  }

  /// Of one panel.
  public let panelSize: PictureSize
  /// Panels side by side, 1 to 4.
  public let panels: Int
  /// Of the whole picture.
  public var size: PictureSize {
    PictureSize(width: panels * panelSize.width, height: panelSize.height)
  }

  private let opengl: DrawingContext
  private let model: PhysicsModel
  private var state: PhysicsState
  private let context: UnsafeMutablePointer<mjrContext>
  private let scene: UnsafeMutablePointer<mjvScene>
  private var options = mjvOption()
  /// One for each panel.
  private var cameras: [mjvCamera]

  /// Geoms of a scene beside those of the model.
  private static let sceneGeoms: Int32 = 1000

  /// - Parameters:
  ///   - size: of one panel, each side within ``PictureSize/sides``.
  ///   - panels: 1 to 4.
  /// - Throws: ``PhysicsError/cannotDraw(reason:)`` where no library draws, or the model has no such camera.
  public init(
    model: PhysicsModel, size: PictureSize, panels: Int = 1, camera: Camera
  ) throws(PhysicsError) {
    precondition(
      PictureSize.sides.contains(size.width) && PictureSize.sides.contains(size.height)
        && (1...4).contains(panels),
      "\(panels) panels of \(size.width) × \(size.height) pixels")
    let camera = try PhysicsRenderer.camera(camera, of: model)
    opengl = try DrawingContext()
    self.model = try PhysicsModel(copying: model) { copy in
      copy.pointee.vis.global.offwidth = Int32(panels * size.width)
      copy.pointee.vis.global.offheight = Int32(size.height)
      PhysicsRenderer.leaveOutCostlyEffects(copy)
      PhysicsRenderer.extendGround(copy)
    }
    state = try PhysicsState(model: self.model)
    (panelSize, self.panels) = (size, panels)
    cameras = Array(repeating: camera, count: panels)
    // Nothing fails from here on, so `deinit` releases them.
    context = .allocate(capacity: 1)
    scene = .allocate(capacity: 1)
    opengl.use()
    mjv_defaultOption(&options)
    mjv_defaultScene(scene)
    mjv_makeScene(self.model.pointer, scene, PhysicsRenderer.sceneGeoms)
    mjr_defaultContext(context)
    // The font of large pictures is larger too.
    let font = size.height >= 720 ? mjFONTSCALE_150 : mjFONTSCALE_100
    mjr_makeContext(self.model.pointer, context, Int32(font.rawValue))
    mjr_setBuffer(Int32(mjFB_OFFSCREEN.rawValue), context)
  }

  deinit {
    opengl.use()
    mjr_freeContext(context)
    mjv_freeScene(scene)
    context.deallocate()
    scene.deallocate()
  }

  /// The library that draws here, `OSMesa` or `EGL`.
  ///
  /// - Throws: ``PhysicsError/cannotDraw(reason:)`` where there is none.
  public static func library() throws(PhysicsError) -> String { try DrawingContext().name }

  /// Draws a picture, one panel from the left to the right for each of `panels`.
  ///
  /// - Returns: red, green and blue of each pixel, rows from the top, `[height, width, 3]`.
  public func draw(_ panels: [Panel]) -> [UInt8] {
    precondition(panels.count == self.panels, "\(panels.count) panels of \(self.panels)")
    opengl.use()
    for (index, panel) in panels.enumerated() { draw(panel, index) }
    return pixels()
  }

  private func draw(_ panel: Panel, _ index: Int) {
    state.reset(position: panel.position, velocity: panel.velocity)
    // The ground is laid around the camera of the scene before this one, unless this one's is there first: then
    // a picture would depend on what was drawn last.
    mjv_updateCamera(model.pointer, state.data, &cameras[index], scene)
    mjv_updateScene(
      model.pointer, state.data, &options, nil, &cameras[index], Int32(mjCAT_ALL.rawValue), scene)
    let viewport = mjrRect(
      left: Int32(index * panelSize.width), bottom: 0, width: Int32(panelSize.width),
      height: Int32(panelSize.height))
    mjr_render(viewport, scene, context)
    for caption in panel.captions {
      mjr_overlay(
        Int32(mjFONT_NORMAL.rawValue), caption.corner.grid, viewport,
        PhysicsRenderer.drawable(caption.lines.map(\.label)),
        PhysicsRenderer.drawable(caption.lines.map(\.value)), context)
    }
  }

  /// OpenGL's rows begin at the bottom.
  private func pixels() -> [UInt8] {
    let row = 3 * size.width
    let (count, height) = (row * size.height, size.height)
    let upward = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      let all = mjrRect(
        left: 0, bottom: 0, width: Int32(size.width), height: Int32(size.height))
      mjr_readPixels(buffer.baseAddress!, nil, all, context)
      filled = count
    }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      upward.withUnsafeBufferPointer { upward in
        for line in 0..<height {
          (buffer.baseAddress! + line * row).update(
            from: upward.baseAddress! + (height - 1 - line) * row, count: row)
        }
      }
      filled = count
    }
  }

  // MARK: Preparation

  private static func camera(
    _ camera: Camera, of model: PhysicsModel
  ) throws(PhysicsError) -> mjvCamera {
    var result = mjvCamera()
    mjv_defaultCamera(&result)
    switch camera {
    case .named(let name):
      let index = mj_name2id(model.pointer, Int32(mjOBJ_CAMERA.rawValue), name)
      guard index >= 0 else {
        throw .cannotDraw(
          reason: "\(model.source) has no camera '\(name)'; it has "
            + model.cameraNames.joined(separator: ", "))
      }
      result.type = Int32(mjCAMERA_FIXED.rawValue)
      result.fixedcamid = index
    case .following(let azimuth, let elevation, let distance):
      result.type = Int32(mjCAMERA_TRACKING.rawValue)
      // The world is body 0, and what moves hangs on body 1.
      result.trackbodyid = 1
      (result.azimuth, result.elevation, result.distance) = (azimuth, elevation, distance)
    }
    return result
  }

  /// A processor takes half as long without mirror images in the ground, and with shadows of fewer points;
  /// pictures are clearer for the former, and no worse for the latter.
  private static func leaveOutCostlyEffects(_ model: UnsafeMutablePointer<mjModel>) {
    model.pointee.vis.quality.shadowsize = 1024
    for material in 0..<Int(model.pointee.nmat) { model.pointee.mat_reflectance[material] = 0 }
  }

  /// MuJoCo collides with planes as infinite ones and draws them as large as they are said to be, which
  /// a good runner leaves behind.
  private static func extendGround(_ model: UnsafeMutablePointer<mjModel>) {
    for geom in 0..<Int(model.pointee.ngeom)
    where model.pointee.geom_type[geom] == Int32(mjGEOM_PLANE.rawValue) {
      let size = model.pointee.geom_size + 3 * geom
      let material = Int(model.pointee.geom_matid[geom])
      if material >= 0, size[0] > 0, size[1] > 0 {
        // Squares keep their size: repetitions by metre instead of by plane.
        let repeats = model.pointee.mat_texrepeat + 2 * material
        if model.pointee.mat_texuniform[material] == 0 {
          repeats[0] /= 2 * Float(size[0])
          repeats[1] /= 2 * Float(size[1])
          model.pointee.mat_texuniform[material] = 1
        }
      }
      (size[0], size[1]) = (0, 0)
    }
  }

  /// Text that MuJoCo's fonts have, of a length that it takes.
  private static func drawable(_ lines: [String]) -> String {
    let text = lines.joined(separator: "\n").unicodeScalars.map { scalar in
      scalar == "\n" || (0x20..<0x7f).contains(scalar.value) ? Character(scalar) : "?"
    }
    return String(text.prefix(Int(mjMAXOVERLAY) - 1))
  }
}

extension PhysicsModel {
  /// Names of the model's cameras.
  var cameraNames: [String] {
    (0..<pointer.pointee.ncam).compactMap { index in
      mj_id2name(pointer, Int32(mjOBJ_CAMERA.rawValue), index).map { String(cString: $0) }
    }
  }
}

extension Caption.Corner {
  fileprivate var grid: Int32 {
    switch self {
    case .topLeft: Int32(mjGRID_TOPLEFT.rawValue)
    case .topRight: Int32(mjGRID_TOPRIGHT.rawValue)
    case .bottomLeft: Int32(mjGRID_BOTTOMLEFT.rawValue)
    case .bottomRight: Int32(mjGRID_BOTTOMRIGHT.rawValue)
    }
  }
}
