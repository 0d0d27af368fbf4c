import Foundation
import TestSupport
import Testing

@testable import DenseMath

@Suite struct ProcessorBudgetTests {
  let groups = TemporaryDirectory()

  private func write(_ text: String, _ path: String) throws {
    let file = groups.file(path)
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: true, encoding: .utf8)
  }

  private func budget(_ online: Int, _ list: String, _ membership: String = "") -> ProcessorBudget {
    ProcessorBudget(
      online: online, status: "Name:\tbred\nCpus_allowed:\tff\nCpus_allowed_list:\t\(list)\n",
      membership: membership, groups: groups.path)
  }

  @Test(arguments: [("0-7", 8), ("0", 1), ("0-1,4", 3), ("2,4-6,9", 5), ("", 8), ("x-", 8)])
  func affinity(list: String, count: Int) {
    let found = budget(8, list)
    #expect(found.count == count)
    #expect(found.source == (count < 8 ? .affinity : .online))
  }

  @Test func quotasOfVersionTwo() throws {
    try write("max 100000\n", "cpu.max")
    try write("250000 100000\n", "jobs/cpu.max")
    try write("max 100000\n", "jobs/mine/cpu.max")
    let found = budget(8, "0-7", "0::/jobs/mine\n")
    #expect(found.count == 3 && found.source == .controlGroup)
    #expect(budget(8, "0-1", "0::/jobs/mine\n").source == .affinity)
    #expect(budget(8, "0-7", "0::/\n").source == .online)
    try write("5000 100000\n", "jobs/mine/cpu.max")
    #expect(budget(8, "0-7", "0::/jobs/mine\n").count == 1)
  }

  @Test func quotasOfVersionOne() throws {
    try write("400000\n", "cpu,cpuacct/box/cpu.cfs_quota_us")
    try write("100000\n", "cpu,cpuacct/box/cpu.cfs_period_us")
    #expect(budget(8, "0-7", "5:memory:/box\n4:cpu,cpuacct:/box\n").count == 4)
    try write("-1\n", "cpu,cpuacct/box/cpu.cfs_quota_us")
    #expect(budget(8, "0-7", "4:cpu,cpuacct:/box\n").source == .online)
  }

  @Test func thisProcessHasSome() {
    #expect(ProcessorBudget.current.count >= 1)
    #expect(WorkerPool.processorCount == ProcessorBudget.current.count)
  }
}
