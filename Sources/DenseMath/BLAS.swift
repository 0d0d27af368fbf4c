internal import COpenBLAS
internal import CVectorKernels

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The matrix products, and the state of the OpenBLAS library behind them.
///
/// This is the one place that calls OpenBLAS. Each call runs on the calling thread alone: the
/// parallelism is outside, in ``WorkerPool``.
public enum BLAS {
  /// How the kernel family in use came to be chosen.
  public enum Choice: String, Sendable {
    /// The user set `OPENBLAS_CORETYPE`; we never override it.
    case user
    /// OpenBLAS's own detection stands.
    case detected
    /// OpenBLAS does not know this processor and was given a faster kernel family.
    case corrected
  }

  /// Name of the kernel family that OpenBLAS uses, such as `Haswell` or `SkylakeX`.
  public static var kernelName: String {
    _ = configuration
    return String(cString: openblas_get_corename())
  }

  /// How the kernel family was chosen, which happens once for the process.
  public static var choice: Choice { configuration }
  /// OpenBLAS's description of itself: version and options of its build.
  public static var version: String { String(cString: openblas_get_config()) }
  /// Instruction set of this package's own vector loops: `avx512`, `avx2`, `neon` or `baseline`; the best that
  /// this processor has, or what `BRED_VECTORS` in the environment names.
  public static var vectorInstructionSet: String { String(cString: bk_instruction_set()) }

  /// Those that this processor can use, for tests of each.
  package static var vectorInstructionSets: [String] {
    ["avx512", "avx2", "neon", "baseline"].filter { name in
      defer { bk_use_instruction_set(nil) }
      return bk_use_instruction_set(name) != 0 && vectorInstructionSet == name
    }
  }

  /// Runs `body` with another instruction set, on this thread alone.
  package static func withVectorInstructionSet<Result>(
    _ name: String, _ body: () throws -> Result
  ) rethrows -> Result {
    precondition(bk_use_instruction_set(name) != 0, "this processor has no \(name)")
    defer { bk_use_instruction_set(nil) }
    return try body()
  }

  /// Done once, before the first product: one thread per call, and the right kernels.
  private static let configuration: Choice = {
    var choice = Choice.detected
    if getenv("OPENBLAS_CORETYPE") != nil {
      choice = .user
    } else if let better = betterKernel(than: String(cString: openblas_get_corename())) {
      if use(better) { choice = .corrected }
    }
    openblas_set_num_threads(1)
    return choice
  }()

  /// Has OpenBLAS choose its kernels again, by name; false if this build of it cannot.
  ///
  /// OpenBLAS reads `OPENBLAS_CORETYPE` once, when it is loaded, which is before we can say anything. The two
  /// functions that its loading calls are exported by every build for many processors
  /// (`DYNAMIC_ARCH`) but declared in no header, so they are looked up here rather than linked: a build for one
  /// processor, another BLAS or a later version without them keeps its own choice. They must not
  /// run while a product does; `configuration` comes before the first.
  private static func use(_ kernels: String) -> Bool {
    typealias Function = @convention(c) () -> Void
    guard version.contains("DYNAMIC_ARCH"),
      let quit = dlsym(nil, "gotoblas_dynamic_quit"),
      let start = dlsym(nil, "gotoblas_dynamic_init")
    else { return false }
    setenv("OPENBLAS_CORETYPE", kernels, 1)
    unsafeBitCast(quit, to: Function.self)()
    unsafeBitCast(start, to: Function.self)()
    // Children of this process should make their own choice.
    unsetenv("OPENBLAS_CORETYPE")
    return String(cString: openblas_get_corename()) == kernels
  }

  /// Call before measuring, so that the first product does not pay for it.
  public static func prepare() { _ = configuration }

  private static func betterKernel(than current: String) -> String? {
    Processor.current?.betterKernel(than: current)
  }

  /// C ← alpha·op(A)·op(B) + beta·C, row-major.
  ///
  /// - Parameters:
  ///   - a: op(A) is `[c.rows, k]`.
  ///   - b: op(B) is `[k, c.columns]`.
  @inline(__always)
  package static func multiply(
    _ a: MatrixView, _ b: MatrixView, transposeA: Bool = false, transposeB: Bool = false,
    into c: MatrixView, alpha: Float = 1, beta: Float = 0
  ) {
    let k = transposeA ? a.rows : a.columns
    precondition(
      (transposeA ? a.columns : a.rows) == c.rows && (transposeB ? b.columns : b.rows) == k
        && (transposeB ? b.rows : b.columns) == c.columns,
      "product of \(a.rows) × \(a.columns) and \(b.rows) × \(b.columns) into \(c.rows) × \(c.columns)"
    )
    if c.rows == 0 || c.columns == 0 { return }
    // A look at a flag, once it is done; whoever multiplies first must not do so with other kernels or more threads.
    _ = configuration
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans,
      transposeB ? CblasTrans : CblasNoTrans, blasint(c.rows), blasint(c.columns), blasint(k),
      alpha, a.base, blasint(a.stride), b.base, blasint(b.stride), beta, c.base, blasint(c.stride))
  }
}
