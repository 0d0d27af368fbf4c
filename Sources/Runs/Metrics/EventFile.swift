import Foundation
import RLCore
import SwiftProtobuf

/// TensorBoard's event file: protocol-buffer events in TFRecord frames.
///
/// A frame is the length (8 bytes, little endian), its masked CRC-32C, the event, and the event's.
final class EventFile {
  private let file: FileDescriptor
  /// Events written so far, the version line included.
  private(set) var eventCount: Int

  /// Opens the run's event file, or starts one.
  ///
  /// - Parameter keeping: events the checkpoint knows of; later ones are cut off. 0 starts anew.
  init(directory: String, keeping events: Int) throws(RunError) {
    let names = try RunDirectory.names(in: directory)
    let existing = names.filter { $0.hasPrefix("events.out.tfevents.") }.sorted()
    let name = existing.first ?? "events.out.tfevents.\(Int(Date().timeIntervalSince1970)).bred"
    let path = "\(directory)/\(name)"
    file = try FileDescriptor(appending: path)
    let (count, length) = EventFile.prefix(of: try file.contents(), events: events)
    eventCount = count
    try file.truncate(to: length)
    if count == 0 {
      var version = Bred_Event()
      version.wallTime = Date().timeIntervalSince1970
      version.fileVersion = "brain.Event:2"
      try write(version)
    }
  }

  /// Appends one event with all scalars of an epoch.
  func append(step: Int, scalars: [(tag: String, value: Double)]) throws(RunError) {
    var event = Bred_Event()
    event.wallTime = Date().timeIntervalSince1970
    event.step = Int64(step)
    event.summary.value = scalars.map { scalar in
      var value = Bred_Summary.Value()
      value.tag = scalar.tag
      value.simpleValue = Float(scalar.value)
      return value
    }
    try write(event)
  }

  private func write(_ event: Bred_Event) throws(RunError) {
    let payload: [UInt8]
    do { payload = try event.serializedBytes() } catch {
      throw .cannotWrite(path: file.path, reason: "\(error)")
    }
    let length = EventFile.bytes(UInt64(payload.count))
    var frame = length
    frame += EventFile.bytes(CRC32C.masked(length))
    frame += payload
    frame += EventFile.bytes(CRC32C.masked(payload))
    try file.write(frame)
    try file.synchronize()
    eventCount += 1
  }

  /// One event from a frame's payload.
  static func decode(_ payload: [UInt8]) throws -> Bred_Event {
    try Bred_Event(serializedBytes: payload)
  }

  /// The first `events` whole frames: how many there are and where they end.
  private static func prefix(of bytes: [UInt8], events: Int) -> (count: Int, length: Int) {
    var position = 0
    var count = 0
    while count < events, position + 16 <= bytes.count {
      let length = bytes[position..<position + 8].reversed().reduce(UInt64(0)) {
        $0 << 8 | UInt64($1)
      }
      guard length <= UInt64(bytes.count - position - 16) else { break }
      position += 16 + Int(length)
      count += 1
    }
    return (count, position)
  }

  private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }
}
