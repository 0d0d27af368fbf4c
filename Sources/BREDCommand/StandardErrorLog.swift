import Logging
import Runs

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
    Console.log("\(label)\(event.message)")
  }

  static func logger(level: Logger.Level) -> Logger {
    Logger(label: "bred") { _ in StandardErrorLog(logLevel: level) }
  }
}
