import Configuration
import Foundation
public import Physics
import Runs

/// A film on its way to the disk: pictures go to a child process, `ffmpeg`.
///
/// A video appears under its name when it is complete, by a rename; frames in files of their own appear one
/// by one.
public final class VideoFile {
  private let path: String
  private let size: PictureSize
  private let format: VideoFormat
  /// Where ffmpeg writes; nothing for frames.
  private let temporary: String?
  private let process = Process()
  private let errors = Pipe()
  private var descriptor: Int32 = -1
  /// Frames so far.
  public private(set) var count = 0

  /// The program that stores films.
  ///
  /// - Throws: ``RenderingError/missingProgram(name:package:)``.
  public static func program() throws(RenderingError) -> String {
    guard let found = InstalledProgram.path(of: "ffmpeg") else {
      throw .missingProgram(name: "ffmpeg", package: "ffmpeg")
    }
    return found
  }

  /// - Parameters:
  ///   - path: see ``VideoFormat/init(path:)``; a video of this name is replaced, frames are not.
  ///   - size: of each picture.
  public init(_ path: String, size: PictureSize, framesPerSecond: Double) throws(RenderingError) {
    (self.path, self.size) = (path, size)
    format = try VideoFormat(path: path)
    try format.check(size, framesPerSecond: framesPerSecond, path: path)
    let program = try VideoFile.program()
    let place = URL(fileURLWithPath: path).standardizedFileURL
    let folder: String
    if case .frames(let pattern) = format {
      temporary = nil
      folder = (pattern as NSString).deletingLastPathComponent.replacing("%%", with: "%")
      try VideoFile.refuseFrames(pattern, in: folder)
    } else {
      folder = place.deletingLastPathComponent().path
      temporary = "\(folder)/.\(place.lastPathComponent).partial-\(getpid())"
    }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .cannotWrite(path: path, reason: readable(error))
    }
    try start(program, framesPerSecond)
  }

  deinit { discard() }

  /// Frames of a longer film would stand among those of this one.
  private static func refuseFrames(_ pattern: String, in folder: String) throws(RenderingError) {
    let name = (pattern as NSString).lastPathComponent
    let first =
      "\(folder)/"
      + name.replacing(/%(?:0([1-9]))?d/) { match in
        let digits = match.output.1.flatMap { Int($0) } ?? 1
        return String(repeating: "0", count: digits - 1) + "1"
      }.replacing("%%", with: "%")
    if FileManager.default.fileExists(atPath: first) {
      throw .cannotWrite(path: first, reason: "the file exists already; choose another folder")
    }
  }

  private func start(_ program: String, _ framesPerSecond: Double) throws(RenderingError) {
    // A socket, which unlike a pipe can be written to without a signal when ffmpeg has gone.
    var ends: [Int32] = [-1, -1]
    guard
      socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0
    else { throw .cannotWrite(path: path, reason: RunError.lastSystemMessage) }
    descriptor = ends[0]
    let input = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments =
      [
        "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-f", "rawvideo", "-pix_fmt",
        "rgb24",
        "-video_size", "\(size.width)x\(size.height)", "-framerate",
        String(format: "%.6g", framesPerSecond), "-i", "pipe:0",
      ] + format.arguments(temporary ?? "")
    process.standardInput = input
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    do { try process.run() } catch {
      throw .cannotWrite(path: path, reason: "\(program) does not start: \(readable(error))")
    }
    try? input.close()
  }

  /// Adds a frame.
  ///
  /// - Parameter picture: red, green and blue, rows from the top, `[height, width, 3]`.
  public func append(_ picture: [UInt8]) throws(RenderingError) {
    precondition(picture.count == 3 * size.width * size.height, "a picture of another size")
    var start = 0
    while start < picture.count {
      let sent = picture.withUnsafeBytes {
        send(
          descriptor, $0.baseAddress! + start, picture.count - start, Int32(MSG_NOSIGNAL))
      }
      if sent < 0 {
        if errno == EINTR { continue }
        throw .cannotWrite(path: path, reason: failure(orElse: RunError.lastSystemMessage))
      }
      start += sent
    }
    count += 1
  }

  /// Ends the film and gives it its name.
  public func finish() throws(RenderingError) {
    closeInput()
    process.waitUntilExit()
    guard process.terminationStatus == 0, process.terminationReason == .exit else {
      throw .cannotWrite(
        path: path, reason: failure(orElse: "it ended with \(process.terminationStatus)"))
    }
    guard let temporary else { return }
    guard rename(temporary, path) == 0 else {
      throw .cannotWrite(path: path, reason: RunError.lastSystemMessage)
    }
  }

  /// Ends the film without a trace of a video.
  public func discard() {
    closeInput()
    if process.isRunning { process.terminate() }
    if let temporary { unlink(temporary) }
  }

  private func closeInput() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }

  /// ffmpeg's last words.
  private func failure(orElse other: String) -> String {
    closeInput()
    process.waitUntilExit()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    return "ffmpeg: " + (text.split(separator: "\n").last.map(String.init) ?? other)
  }
}
