import Foundation
import Physics

/// How a film is stored, as its path says it.
public enum VideoFormat: Sendable, Equatable {
  /// H.264 in MP4 or Matroska.
  case mp4, matroska
  /// Repeated for ever, in 256 colours.
  case gif
  /// A PNG file for each frame; the path is a pattern such as `frames/%05d.png`, numbers from 1.
  case frames(pattern: String)

  /// Frames per second that a GIF can have: it counts in hundredths of a second, of which browsers take one
  /// for ten.
  static let fastestGIF = 50.0

  /// - Parameter path: `.mp4`, `.mkv` or `.gif`; frames for a folder, or a pattern with `%05d` and `.png`.
  /// - Throws: ``RenderingError/unsuitableOutput(path:reason:)``.
  public init(path: String) throws(RenderingError) {
    let name = (path as NSString).lastPathComponent
    let (folder, ending) = (
      (path as NSString).deletingLastPathComponent, (name as NSString).pathExtension.lowercased()
    )
    switch ending {
    case "mp4": self = .mp4
    case "mkv": self = .matroska
    case "gif": self = .gif
    case "png":
      guard name.replacing("%%", with: "").matches(of: /%(0[1-9])?d/).count == 1 else {
        throw .unsuitableOutput(
          path: path, reason: "expected a number for each frame in the name, as in %05d.png")
      }
      self = .frames(pattern: VideoFormat.pattern(in: folder, name: name))
    case "": self = .frames(pattern: VideoFormat.pattern(in: path, name: "%05d.png"))
    default:
      if path.hasSuffix("/") {
        self = .frames(pattern: VideoFormat.pattern(in: path, name: "%05d.png"))
        return
      }
      throw .unsuitableOutput(
        path: path,
        reason: "expected .mp4, .mkv, .gif, or for frames a folder or a name with %05d.png, found "
          + "'.\(ending)'")
    }
  }

  /// The pattern as ffmpeg takes it, where a sign of per cent in the folder's name is no pattern.
  private static func pattern(in folder: String, name: String) -> String {
    let absolute = URL(fileURLWithPath: folder.isEmpty ? "." : folder).standardizedFileURL.path
    return absolute.replacingOccurrences(of: "%", with: "%%") + "/" + name
  }

  /// Refuses what ffmpeg would refuse in words that say less.
  func check(_ size: PictureSize, framesPerSecond: Double, path: String) throws(RenderingError) {
    switch self {
    case .mp4, .matroska:
      guard size.width % 2 == 0, size.height % 2 == 0 else {
        throw .unsuitableOutput(
          path: path,
          reason:
            "H.264 needs even numbers of pixels, the picture has \(size.width) × \(size.height)")
      }
    case .gif:
      guard framesPerSecond <= VideoFormat.fastestGIF else {
        throw .unsuitableOutput(
          path: path,
          reason: "a GIF has at most \(Int(VideoFormat.fastestGIF)) frames a second, asked for are "
            + String(format: "%g", framesPerSecond))
      }
    case .frames: break
    }
  }

  /// What ffmpeg is told of its output.
  func arguments(_ file: String) -> [String] {
    let h264 = ["-c:v", "libx264", "-preset", "medium", "-crf", "20", "-pix_fmt", "yuv420p"]
    switch self {
    case .mp4: return h264 + ["-movflags", "+faststart", "-f", "mp4", file]
    case .matroska: return h264 + ["-f", "matroska", file]
    case .gif:
      // Colours by the first frames, which are held in memory; later ones show the same things.
      let filter =
        "split[first][all];[first]trim=end_frame=40,palettegen=stats_mode=full[palette];"
        + "[all][palette]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle"
      return ["-filter_complex", filter, "-loop", "0", "-f", "gif", file]
    case .frames(let pattern):
      return ["-f", "image2", "-atomic_writing", "1", "-start_number", "1", pattern]
    }
  }
}
