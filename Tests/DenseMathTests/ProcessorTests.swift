import Testing

@testable import DenseMath

/// Which kernels OpenBLAS is given where it does not know a processor.
@Suite struct ProcessorTests {
  private func processor(_ vendor: String, _ family: Int, _ flags: String) -> Processor {
    Processor(
      description: """
        processor\t: 0
        vendor_id\t: \(vendor)
        cpu family\t: \(family)
        flags\t\t: fpu sse2 \(flags) lahf_lm
        """)
  }

  @Test func descriptionsAreTakenApart() {
    let found = processor("GenuineIntel", 6, "avx avx2 fma")
    #expect(found.vendor == "GenuineIntel" && found.family == 6)
    #expect(found.flags == ["fpu", "sse2", "avx", "avx2", "fma", "lahf_lm"])
  }

  static let wide = "avx avx2 fma avx512f avx512dq avx512bw avx512vl"

  static let choices:
    [(vendor: String, family: Int, flags: String, chosen: String, better: String?)] = [
      // Sapphire and Emerald Rapids, Ice Lake, a client without AVX-512, one without AVX.
      ("GenuineIntel", 6, wide + " avx512_bf16", "Prescott", "Cooperlake"),
      ("GenuineIntel", 6, wide, "Prescott", "SkylakeX"),
      ("GenuineIntel", 6, "avx avx2 fma", "Prescott", "Haswell"),
      ("GenuineIntel", 6, "avx", "Core2", "Sandybridge"),
      ("GenuineIntel", 6, "", "Prescott", nil),
      // What OpenBLAS knows stays, on whatever processor.
      ("GenuineIntel", 6, wide, "SkylakeX", nil),
      ("GenuineIntel", 6, wide, "Haswell", nil),
      ("AuthenticAMD", 0x17, "avx avx2 fma", "Zen", nil),
      ("AuthenticAMD", 0x19, "avx avx2 fma", "Zen", nil),
      // Zen 4 and 5.
      ("AuthenticAMD", 0x19, wide + " avx512_bf16", "SkylakeX", "Haswell"),
      ("AuthenticAMD", 0x19, wide + " avx512_bf16", "Haswell", nil),
      ("AuthenticAMD", 0x1a, wide + " avx512_bf16", "Haswell", "SkylakeX"),
      ("AuthenticAMD", 0x1a, wide + " avx512_bf16", "Prescott", "SkylakeX"),
    ]

  @Test(arguments: choices.indices)
  func kernels(index: Int) {
    let choice = Self.choices[index]
    #expect(
      processor(choice.vendor, choice.family, choice.flags).betterKernel(than: choice.chosen)
        == choice.better)
  }

  /// Whatever the processor, one that has AVX is not left with kernels that do without.
  @Test func thisMachineHasFastKernels() throws {
    let current = try #require(Processor.current)
    guard current.flags.contains("avx2") else { return }
    #expect(BLAS.choice == .user || current.betterKernel(than: BLAS.kernelName) == nil)
  }
}
