import CVectorKernels
import DenseMath
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct BLASTests {
  /// Every combination of transposition against a triple loop, on strided views.
  @Test(arguments: [false, true], [false, true])
  func products(transposeA: Bool, transposeB: Bool) {
    for (m, n, k) in [(1, 1, 1), (3, 5, 7), (16, 17, 31), (64, 33, 40)] {
      var stream = RandomStream(seed: 1, purpose: "gemm")
      func view(_ rows: Int, _ columns: Int) -> (FloatBuffer, MatrixView) {
        let buffer = FloatBuffer(count: rows * (columns + 2))
        for i in 0..<buffer.count { buffer.base[i] = Float(stream.normal()) }
        let view = MatrixView(
          base: buffer.base, rows: rows, columns: columns, stride: columns + 2)
        return (buffer, view)
      }
      let (keepA, a) = transposeA ? view(k, m) : view(m, k)
      let (keepB, b) = transposeB ? view(n, k) : view(k, n)
      let (keepC, c) = view(m, n)
      let before = c.matrix
      BLAS.multiply(
        a, b, transposeA: transposeA, transposeB: transposeB, into: c, alpha: 2, beta: 0.5)
      var worst = 0.0
      for i in 0..<m {
        for j in 0..<n {
          var sum = 0.0
          for l in 0..<k {
            let x = transposeA ? a.base[l * a.stride + i] : a.base[i * a.stride + l]
            let y = transposeB ? b.base[j * b.stride + l] : b.base[l * b.stride + j]
            sum += Double(x) * Double(y)
          }
          let expected = 2 * sum + 0.5 * Double(before[i, j])
          worst = max(worst, abs(Double(c.base[i * c.stride + j]) - expected))
        }
      }
      #expect(worst < 1e-5 * Double(k + 4))
      withExtendedLifetime((keepA, keepB, keepC)) {}
    }
  }

  /// In a process that has not asked for it otherwise: with the kernels of all later products, and alone. So a
  /// policy that is only evaluated plays as it did in training.
  @Test func theFirstProductIsLikeAllOthers() async {
    await #expect(processExitsWith: .success) {
      typealias Name = @convention(c) () -> UnsafePointer<CChar>
      typealias Threads = @convention(c) () -> CInt
      // Declared in a header of this package's module for OpenBLAS, which tests do not import.
      let name = unsafeBitCast(dlsym(nil, "openblas_get_corename")!, to: Name.self)
      let threads = unsafeBitCast(dlsym(nil, "openblas_get_num_threads")!, to: Threads.self)
      let buffers = (0..<3).map { _ in FloatBuffer(count: 4) }
      let views = buffers.map { MatrixView(base: $0.base, rows: 2, columns: 2, stride: 2) }
      BLAS.multiply(views[0], views[1], into: views[2])
      let kernels = String(cString: name())
      precondition(threads() == 1)
      precondition(kernels == BLAS.kernelName)
      withExtendedLifetime(buffers) {}
    }
  }

  @Test func reportsItsKernel() {
    #expect(!BLAS.kernelName.isEmpty)
    #expect(["avx512", "avx2", "neon", "baseline"].contains(BLAS.vectorInstructionSet))
  }

  @Test func reportsTheInstructionSetInUse() {
    let usual = BLAS.vectorInstructionSet
    #expect(BLAS.vectorInstructionSets.contains(usual))
    #expect(!BLAS.vectorInstructionSets.isEmpty)
    for name in BLAS.vectorInstructionSets {
      BLAS.withVectorInstructionSet(name) { #expect(BLAS.vectorInstructionSet == name) }
    }
    #expect(BLAS.vectorInstructionSet == usual)
    #expect(bk_use_instruction_set("sse9") == 0)
  }
}
