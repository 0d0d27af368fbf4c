package import DenseMath

/// Updates over a range of sizes, each next to what `CostModel` predicts.
public enum ScalingBenchmarks {
  /// One size is varied at a time, the others stay at 256, 2 × 256 and, online, five pairs.
  private static var online: [UpdateSize] {
    let base = UpdateSize(members: 5)
    return [1, 2, 5, 10, 20].map { UpdateSize(members: $0) }
      + [512, 1024, 2048].map { UpdateSize(members: base.members, batchSize: $0) }
      + [64, 128, 512, 1024].map { UpdateSize(members: base.members, width: $0) }
      + [1, 3, 4].map { UpdateSize(members: base.members, depth: $0) }
  }

  private static var conservative: [UpdateSize] {
    [1, 2, 5, 10, 20].map { UpdateSize(members: $0) }
      + [512, 1024, 2048].map { UpdateSize(batchSize: $0) }
      + [64, 128, 512, 1024].map { UpdateSize(width: $0) }
      + [1, 3, 4].map { UpdateSize(depth: $0) }
  }

  /// Numbers of sampled actions in a CQL update.
  private static var sampled: [UpdateSize] { [1, 5, 20].map { UpdateSize(sampledActions: $0) } }

  package static func measureModel(pool: WorkerPool) -> CostModel { CostModel.measure(pool: pool) }

  /// The paper's protocol on these many threads of this kind.
  package static func protocols(_ model: CostModel, pool: WorkerPool) -> [ProtocolCost] {
    [pool.threads, 16, 64].map { ProtocolCost(model, threads: $0) }
  }

  /// Measures every size in turn and hands over each result.
  package static func run(
    _ model: CostModel, repetitions: Int, pool: WorkerPool, record: (BenchmarkResult) -> Void
  ) throws {
    func measure(_ benchmark: BenchmarkCase, _ cost: UpdateCost) throws {
      var result = try benchmark.measure(repetitions: repetitions)
      result.predictedMilliseconds = model.milliseconds(cost, threads: pool.threads)
      record(result)
    }
    for size in conservative {
      try measure(
        UpdateBenchmarks.cql(size, name: "cql-update-\(size.label)", pool: pool), .cql(size))
    }
    for size in sampled {
      let name = "cql-update-\(size.label)-\(3 * size.sampledActions)a"
      try measure(UpdateBenchmarks.cql(size, name: name, pool: pool), .cql(size))
    }
    for size in online {
      try measure(
        UpdateBenchmarks.sac(size, name: "bred-update-\(size.label)", pool: pool), .online(size)
      )
    }
    try measure(UpdateBenchmarks.distillation(pool: pool), .distillation(UpdateSize()))
  }
}
