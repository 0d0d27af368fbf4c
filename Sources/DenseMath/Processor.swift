#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What matters of a processor to the choice of OpenBLAS's kernels.
struct Processor: Equatable {
  var vendor = ""
  var family = 0
  /// As `/proc/cpuinfo` names what it can do.
  var flags: Set<String> = []

  /// The first processor of this machine; `nil` where the system does not say.
  static let current: Processor? = {
    #if os(Linux) && arch(x86_64)
      guard let file = fopen("/proc/cpuinfo", "r") else { return nil }
      defer { fclose(file) }
      var text = ""
      var line = [CChar](repeating: 0, count: 8192)
      while fgets(&line, Int32(line.count), file) != nil, line[0] != 0x0a {
        text += String(
          decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      }
      return Processor(description: text)
    #else
      return nil
    #endif
  }()

  /// - Parameter description: lines `key : value` of one processor.
  init(description: String) {
    for line in description.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      if line.hasPrefix("vendor_id") { vendor = String(value) }
      if line.hasPrefix("cpu family") { family = Int(value) ?? 0 }
      if line.hasPrefix("flags") { flags = Set(value.split(separator: " ").map(String.init)) }
    }
  }

  private func has(_ names: String...) -> Bool { flags.isSuperset(of: names) }

  /// Kernels that OpenBLAS falls back to where it does not know a processor: none of them has AVX.
  private static let withoutAVX: Set<String> = [
    "Unknown", "Katmai", "Coppermine", "Northwood", "Prescott", "Banias", "Atom", "Core2", "Penryn",
    "Dunnington", "Nehalem", "Athlon", "Opteron", "Opteron_SSE3", "Barcelona", "Nano", "Bobcat",
  ]

  /// A faster kernel family than OpenBLAS chose, `nil` where its choice is good.
  ///
  /// OpenBLAS 0.3.21 is older than some processors, and takes those for something much older that it does not
  /// know. Zen 5 runs 512-bit vectors at full width but is taken for a Haswell; Zen 4 splits them in two and does
  /// better with the 256-bit kernels.
  func betterKernel(than current: String) -> String? {
    if vendor == "AuthenticAMD", has("avx512f"), family >= 0x19 {
      let best = family == 0x19 ? "Haswell" : "SkylakeX"
      return best == current ? nil : best
    }
    guard Processor.withoutAVX.contains(current) else { return nil }
    if has("avx512f", "avx512dq", "avx512bw", "avx512vl") {
      return has("avx512_bf16") ? "Cooperlake" : "SkylakeX"
    }
    if has("avx2", "fma") { return "Haswell" }
    return has("avx") ? "Sandybridge" : nil
  }
}
