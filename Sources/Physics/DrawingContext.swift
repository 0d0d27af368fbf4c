import CRenderContext

/// Where OpenGL draws off screen: libOSMesa, or EGL on a device. Loaded when the first one is made.
///
/// Belongs to one thread at a time.
final class DrawingContext {
  private let pointer: OpaquePointer

  init() throws(PhysicsError) {
    var message = [CChar](repeating: 0, count: 500)
    guard let pointer = bred_render_context_make(&message, Int32(message.count)) else {
      let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw .cannotDraw(reason: String(decoding: text, as: UTF8.self))
    }
    self.pointer = pointer
  }

  deinit { bred_render_context_free(pointer) }

  /// `OSMesa` or `EGL`.
  var name: String { String(cString: bred_render_context_name(pointer)) }

  /// Makes it the calling thread's.
  func use() {
    precondition(bred_render_context_use(pointer) != 0, "the OpenGL context was lost")
  }
}
