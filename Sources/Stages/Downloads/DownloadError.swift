/// A dataset could not be fetched.
public enum DownloadError: Error, Equatable, CustomStringConvertible {
  /// `curl` is not installed.
  case noCurl(url: String, path: String)
  /// The server cannot be reached, or breaks off again and again.
  case network(url: String, reason: String, partial: String, bytes: Int, path: String)
  /// The server answers, but not with the file.
  case refused(url: String, status: Int, path: String)
  /// The file has another size than the official one.
  case wrongSize(url: String, expected: Int, actual: Int)
  /// What came is not a dataset; it was removed.
  case notADataset(url: String, reason: String)
  /// Another process fetches the same file.
  case busy(path: String)
  /// The file is there, but has another size than it should.
  case differs(path: String, expected: Int, actual: Int, source: String)
  /// The system refused something.
  case system(path: String, reason: String)
  /// Someone asked to stop.
  case interrupted(partial: String, bytes: Int)

  public var description: String {
    switch self {
    case .noCurl(let url, let path):
      "curl is not installed; install it, or \(Self.byHand(url, path))"
    case .network(let url, let reason, let partial, let bytes, let path):
      "\(url): \(reason); "
        + (bytes > 0
          ? "\(bytes) bytes are kept in \(partial), the same command goes on from there; or " : "")
        + Self.byHand(url, path)
    case .refused(let url, let status, let path):
      "\(url): the server answers with HTTP status \(status)"
        + (status == 404 ? " (no such file)" : "") + "; " + Self.byHand(url, path)
    case .wrongSize(let url, let expected, let actual):
      "\(url): the file has \(actual) bytes, expected \(expected) as the official one; "
        + "--any-size accepts it"
    case .notADataset(let url, let reason):
      "\(url): what came is not a dataset and was removed (\(reason))"
    case .busy(let path): "\(path): another process is fetching this file"
    case .differs(let path, let expected, let actual, let source):
      "\(path): has \(actual) bytes, expected \(expected) (\(source)); it was left as it is, "
        + "--force fetches it again"
    case .system(let path, let reason): "\(path): \(reason)"
    case .interrupted(let partial, let bytes):
      bytes > 0
        ? "stopped; \(bytes) bytes are kept in \(partial), the same command goes on from there"
        : "stopped; nothing is kept, the same command starts again"
    }
  }

  private static func byHand(_ url: String, _ path: String) -> String {
    "without a network, download \(url) elsewhere and put it at \(path)"
  }
}
