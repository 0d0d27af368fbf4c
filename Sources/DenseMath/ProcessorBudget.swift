#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How many processors this process may use, and what says so.
///
/// The smallest of: processors online, those that the process is bound to (`taskset`, cpusets), and the
/// quota of its control group and those around it (containers, batch systems), rounded up.
public struct ProcessorBudget: Sendable, Equatable {
  /// What limits the number of processors.
  public enum Source: String, Sendable { case online, affinity, controlGroup = "control group" }

  /// Processors, at least 1.
  public let count: Int
  /// What gave the smallest number; of several, the first of online, affinity and control group.
  public let source: Source

  /// This process's, as it was at the first question.
  public static let current = ProcessorBudget(
    online: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), status: text("/proc/self/status"),
    membership: text("/proc/self/cgroup"))

  /// - Parameters:
  ///   - status: text of `/proc/self/status`.
  ///   - membership: text of `/proc/self/cgroup`.
  ///   - groups: where control groups are mounted.
  package init(online: Int, status: String, membership: String, groups: String = "/sys/fs/cgroup") {
    var best = (max(1, online), Source.online)
    if let bound = ProcessorBudget.bound(status), bound < best.0 { best = (bound, .affinity) }
    if let quota = ProcessorBudget.quota(membership, groups), quota < best.0 {
      best = (quota, .controlGroup)
    }
    (count, source) = best
  }

  /// The length of a list such as `0-3,8`.
  private static func bound(_ status: String) -> Int? {
    let name = "Cpus_allowed_list:"
    guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else {
      return nil
    }
    var count = 0
    for part in line.dropFirst(name.count).split(separator: ",") {
      let ends = part.split(separator: "-").map { Int($0.filter(\.isNumber)) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, last >= first else {
        return nil
      }
      count += last - first + 1
    }
    return count > 0 ? count : nil
  }

  /// The smallest quota of the groups that the process is in, of version 2 or 1.
  private static func quota(_ membership: String, _ groups: String) -> Int? {
    var quotas: [Int] = []
    for line in membership.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let controllers = fields[1].split(separator: ",")
      guard controllers.isEmpty || controllers.contains("cpu") else { continue }
      let mounts = controllers.isEmpty ? [groups] : ["\(groups)/cpu", "\(groups)/\(fields[1])"]
      var steps = fields[2].split(separator: "/").map(String.init)
      while true {
        for mount in mounts {
          let folder = ([mount] + steps).joined(separator: "/")
          let numbers =
            controllers.isEmpty
            ? text("\(folder)/cpu.max")
            : text("\(folder)/cpu.cfs_quota_us") + " " + text("\(folder)/cpu.cfs_period_us")
          let parts = numbers.split(whereSeparator: \.isWhitespace).map { Int($0) }
          if parts.count == 2, let quota = parts[0], let period = parts[1], quota > 0, period > 0 {
            quotas.append(max(1, (quota + period - 1) / period))
          }
        }
        if steps.popLast() == nil { break }
      }
    }
    return quotas.min()
  }

  /// A small file, empty where it cannot be read.
  private static func text(_ path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var length = 0
    while length < bytes.count {
      let count = unsafe bytes.withUnsafeMutableBytes {
        unsafe read(file, $0.baseAddress! + length, $0.count - length)
      }
      guard count > 0 else { break }
      length += count
    }
    return String(decoding: bytes[..<length], as: UTF8.self)
  }
}
