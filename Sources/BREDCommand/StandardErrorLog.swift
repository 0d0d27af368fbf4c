import Foundation
import Logging

/// swift-log to standard error, one line per message: `warning: …`.
struct StandardErrorLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let label = event.level == .info ? "" : "\(event.level): "
    FileHandle.standardError.write(Data("\(label)\(event.message)\n".utf8))
  }

  static func logger(level: Logger.Level) -> Logger {
    Logger(label: "bred") { _ in StandardErrorLog(logLevel: level) }
  }
}
