public import Foundation
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// An HTTP server on 127.0.0.1 that hands out one file, well or badly.
public final class FileServer: Sendable {
  public struct Behaviour: Sendable {
    public var status = 200
    /// Whether `Range` is honoured.
    public var ranges = true
    /// Connections that break off after this many bytes of the body; later ones do not.
    public var cuts: [Int] = []
    /// Bytes of the body after which every further connection stands still.
    public var stall: Int?
    public var tag: String?
    public var body: Data
    /// What the file becomes after the first connection: its bytes, and its tag.
    public var successor: (body: Data, tag: String?)?
    /// Whether a part is sent even of a file that has changed.
    public var ignoresIfRange = false
    /// A `Content-Length` that is not the body's.
    public var claimedLength: Int?

    public init(body: Data) { self.body = body }
  }

  private let listener: Int32
  private let behaviour: Mutex<Behaviour>
  private let seen = Mutex<[String]>([])
  public let port: UInt16

  public init(_ behaviour: Behaviour) throws {
    self.behaviour = Mutex(behaviour)
    let opened = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    listener = opened
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(opened, pointer, length) == 0 && listen(opened, 16) == 0
          && getsockname(opened, pointer, &length) == 0
      }
    }
    guard bound else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EADDRINUSE) }
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(opened, nil, nil)
        guard connection >= 0, let self else { return }
        Thread.detachNewThread { self.serve(connection) }
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  public var url: String { "http://127.0.0.1:\(port)" }

  /// The requests so far, headers and all.
  public var requests: [String] { seen.withLock { $0 } }

  public func change(_ body: (inout Behaviour) -> Void) { behaviour.withLock { body(&$0) } }

  private func serve(_ connection: Int32) {
    defer { close(connection) }
    var request = [UInt8]()
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !request.suffix(4).elementsEqual("\r\n\r\n".utf8) {
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      request += buffer[..<count]
    }
    let text = String(decoding: request, as: UTF8.self)
    seen.withLock { $0.append(text) }
    let (settings, cut) = behaviour.withLock { settings in
      let now = settings
      if let (body, tag) = settings.successor {
        (settings.body, settings.tag, settings.successor) = (body, tag, nil)
      }
      return (now, settings.cuts.isEmpty ? nil : settings.cuts.removeFirst())
    }
    transmit(answer(to: text, settings, cut: cut), over: connection)
    guard cut == nil, settings.stall != nil else { return }
    // Until the other side gives up.
    _ = recv(connection, &buffer, buffer.count, 0)
  }

  private func answer(to request: String, _ settings: Behaviour, cut: Int?) -> Data {
    func field(_ name: String) -> String? {
      request.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix("\(name): ") }
        .map { String($0.dropFirst(name.count + 2)) }
    }
    guard settings.status == 200 else {
      return Data("HTTP/1.1 \(settings.status) No\r\nContent-Length: 0\r\n\r\n".utf8)
    }
    var status = "200 OK"
    var body = settings.body
    var headers = settings.tag.map { "ETag: \($0)\r\n" } ?? ""
    let isSame = settings.ignoresIfRange || field("if-range").map { $0 == settings.tag } ?? true
    if settings.ranges, isSame, let range = field("range"),
      let first = Int(range.dropFirst("bytes=".count).dropLast())
    {
      guard first < body.count else {
        return Data(
          "HTTP/1.1 416 Range\r\nContent-Range: bytes */\(body.count)\r\nContent-Length: 0\r\n\r\n"
            .utf8)
      }
      status = "206 Partial Content"
      headers += "Content-Range: bytes \(first)-\(body.count - 1)/\(body.count)\r\n"
      body = body.dropFirst(first)
    }
    let length = settings.claimedLength ?? body.count
    let head = "HTTP/1.1 \(status)\r\n\(headers)Content-Length: \(length)\r\n\r\n"
    return Data(head.utf8) + body.prefix(cut ?? settings.stall ?? .max)
  }

  private func transmit(_ data: Data, over connection: Int32) {
    signal(SIGPIPE, SIG_IGN)
    data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = write(connection, bytes.baseAddress! + done, bytes.count - done)
        guard count > 0 else { return }
        done += count
      }
    }
  }
}
