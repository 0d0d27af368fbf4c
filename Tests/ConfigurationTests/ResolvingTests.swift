import Configuration
import Environments
import Foundation
import RLCore
import TestSupport
import Testing

@testable import Configuration

/// Layers, unknown keys, types and ranges.
@Suite struct ResolvingTests {
  @Test func defaultsAreThePapers() throws {
    let read = try resolve().configuration
    #expect(read == ExperimentConfiguration(catalog: fakes))
    #expect(read.environment == "halfcheetah" && read.seed == 0)
    #expect(read.offline.members == 5 && read.offline.gradientSteps == 1_000_000)
    #expect(read.online.finalTimestep == 125_000 && read.distils)
    #expect(read.offlineAlgorithm is FakeCQL && read.onlineAlgorithm is FakeSAC)
    for text in ["", "# nothing\n", "online:\n", "online:\n  sac:\n"] {
      #expect(try resolve(text).configuration == read)
    }
  }

  /// defaults ← method ← task ← file ← `--set` ← options.
  @Test func higherLayersWin() throws {
    func level(_ count: Int) -> String { "seed: \(count)\nevaluation:\n  episodes: \(count)\n" }
    let option = ConfigurationOption(name: "--seed", key: "seed", value: "5")
    var found: [(Int, String)] = []
    for count in 0...5 {
      let resolved = try resolve(
        count >= 3 ? level(3) : "", set: count >= 4 ? ["seed=7", "seed=4"] : [],
        method: count >= 1 ? level(1) : nil, task: count >= 2 ? level(2) : nil,
        options: count >= 5 ? [option] : [])
      found.append((resolved.configuration.seed, resolved.origin(of: "seed")))
      #expect(resolved.configuration.evaluation.episodes == (count == 0 ? 5 : min(count, 3)))
    }
    #expect(found.map(\.0) == [0, 1, 2, 3, 4, 5])
    #expect(
      found.map(\.1)
        == ["defaults", "method m", "task t", "test.yaml", "--set seed=4", "--seed"])
  }

  @Test func layersOfAnyKindStandWhereTheyAreUsed() throws {
    // Not said to be a method's, yet below the file.
    let sources = ConfigurationSources(
      method: ConfigurationLayer(name: "mine", yaml: "online:\n  initialOnlineFraction: 0.9\n"),
      file: ConfigurationLayer(name: "f", yaml: "online:\n  replay: uniform\n"))
    let resolved = try ExperimentConfiguration.resolve(sources, catalog: fakes)
    #expect(resolved.configuration.online.initialOnlineFraction == 0.5)
  }

  @Test(arguments: [
    ("ofline:\n  members: 3\n", "ofline", "offline"),
    ("offline:\n  member: 3\n", "offline.member", "offline.members"),
    ("offline:\n  cql:\n    discuont: 1\n", "offline.cql.discuont", "offline.cql.discount"),
    (
      "online:\n  conservativeWeight: 1\n", "online.conservativeWeight",
      "offline.cql.conservativeWeight"
    ),
    ("pretrian:\n  members: 3\n", "pretrian", "pretrain"),
    ("pretrain:\n  member: 3\n", "pretrain.member", "pretrain.members"),
    ("offline:\n  qcl:\n    tau: 1\n", "offline.qcl", "offline.cql"),
    ("Seed: 1\n", "Seed", "seed"),
  ])
  func unknownKeysAreRefusedWithASuggestion(yaml: String, key: String, meant: String) {
    guard case .unknownKey(let file, let named, let suggestion, let allowed) = failure(yaml) else {
      Issue.record("\(String(describing: failure(yaml)))")
      return
    }
    #expect(file == "test.yaml" && named == key && suggestion == meant && !allowed.isEmpty)
  }

  @Test(arguments: ["xyzzy=1", "online.sac.xyzzy=1", "seed.a=1", "online.sac.batchSize.b=1"])
  func unknownOverridesAreRefused(text: String) {
    guard case .unknownKey(let origin, let key, _, _) = failure(set: [text]) else {
      Issue.record("\(String(describing: failure(set: [text])))")
      return
    }
    #expect(origin == "--set \(text)" && text.hasPrefix(key))
  }

  @Test(arguments: [
    ("offline: 3\n", "offline"), ("offline:\n  cql: [1]\n", "offline.cql"),
    ("seed:\n  a: 1\n", "seed"), ("online:\n  replay: [balanced]\n", "online.replay"),
    ("online:\n  replay: balancd\n", "online.replay"), ("environment: ant\n", "environment"),
    ("offline:\n  algorithm: ppo\n", "offline.algorithm"),
    ("online:\n  actor: Distilled\n", "online.actor"),
    ("offline:\n  cql:\n    weighting: 1\n", "offline.cql.weighting"),
  ])
  func wrongTypesAreRefused(yaml: String, key: String) {
    guard case .wrongType(let file, let named, let value, let expected) = failure(yaml) else {
      Issue.record("\(String(describing: failure(yaml)))")
      return
    }
    #expect(file == "test.yaml" && named == key && !value.isEmpty && !expected.isEmpty)
  }

  /// Every setting with bounds, both ends: the bound is taken or refused as declared, what lies beyond
  /// is refused.
  @Test func rangesHoldAtBothEnds() throws {
    var tried = 0
    for entry in fakes.schema.entries {
      guard let range = entry.declaration.range else { continue }
      tried += 1
      let kinds = entry.declaration.kind
      let isWhole = kinds == .integer || kinds == .optional(.integer)
      func text(_ number: Double) -> String { isWhole ? "\(Int(number))" : "\(number)" }
      var refused = [isWhole ? text(range.lower - 1) : text(range.lower.nextDown)]
      refused +=
        range.upper >= 0x1p63
        ? ["9223372036854775808", "99999999999999999999999"]
        : [isWhole ? text(range.upper + 1) : text(range.upper.nextUp)]
      if range.isOpenBelow { refused.append(text(range.lower)) }
      if !isWhole { refused += [".nan", ".inf", "-.inf", "nan", "1e999"] }
      for value in refused {
        guard
          case .outOfRange(let origin, let key, let shown, let allowed) =
            failure(set: ["\(entry.key)=\(value)"])
        else {
          Issue.record("\(entry.key)=\(value) was not refused for its range")
          continue
        }
        #expect(origin == "--set \(entry.key)=\(value)" && key == entry.key && shown == value)
        #expect(allowed == entry.declaration.allowed)
      }
      let accepted =
        (range.isOpenBelow ? [] : [text(range.lower)])
        + [range.upper >= 0x1p63 ? "\(Int.max)" : text(range.upper)]
      for value in accepted {
        let error = failure(set: ["\(entry.key)=\(value)"])
        if case .outOfRange = error { Issue.record("\(entry.key)=\(value): \(error!)") }
        if case .wrongType = error { Issue.record("\(entry.key)=\(value): \(error!)") }
      }
    }
    #expect(tried > 35)
  }

  @Test func rangesAreCheckedInCodeToo() throws {
    var configuration = ExperimentConfiguration(catalog: fakes)
    try configuration.validate()
    configuration.offline.members = 65
    #expect(
      throws: ConfigurationError.outOfRange(
        file: "configuration", key: "offline.members", value: "65",
        allowed: "a whole number in 1…64")
    ) { try configuration.validate() }
    configuration.offline.members = 5
    configuration.environment = "ant"
    #expect(throws: ConfigurationError.self) { try configuration.validate() }
  }

  @Test(arguments: [
    "- a\n- b\n", "a: b: c\n", "seed: 1\nseed: 2\n", "just text\n", "seed: 1\n---\n",
  ])
  func whatIsNotAConfigurationIsRefused(yaml: String) {
    guard case .malformed(let file, _) = failure(yaml) else {
      Issue.record("\(String(describing: failure(yaml)))")
      return
    }
    #expect(file == "test.yaml")
  }

  @Test(arguments: ["seed", "=3", "a..b=1", "seed=[", ".seed=1"])
  func brokenOverridesAreRefused(text: String) {
    guard case .malformedOverride = failure(set: [text]) else {
      Issue.record("\(String(describing: failure(set: [text])))")
      return
    }
  }

  @Test func errorsSayEverything() {
    let error = failure(set: ["online.sac.batchSize=0"])
    let text = error?.description ?? ""
    for part in ["--set online.sac.batchSize=0", "'online.sac.batchSize'", "is 0", "1…65536"] {
      #expect(text.contains(part), "\(text)")
    }
  }

  // MARK: Names

  @Test func layersAreFoundByNameOrPath() throws {
    let methods = ConfigurationLibrary(
      .method, ["bred": "online:\n  actor: distilled\n", "off2on": "online:\n  actor: mixture\n"])
    #expect(methods.names == ["bred", "off2on"])
    let layer = try methods.layer("off2on")
    let resolved = try ExperimentConfiguration.resolve(
      ConfigurationSources(method: layer), catalog: fakes)
    #expect(resolved.configuration.online.actor == .mixture)
    #expect(resolved.origin(of: "online.actor") == "method off2on")
    #expect(
      throws: ConfigurationError.unknownName(
        kind: "method", name: "of2on", suggestion: "off2on", known: ["bred", "off2on"])
    ) { try methods.layer("of2on") }

    let folder = TemporaryDirectory()
    let path = folder.file("mine.yaml")
    try "seed: 3\n".write(toFile: path, atomically: false, encoding: .utf8)
    let file = try methods.layer(path)
    #expect(file.kind == .method && file.name == path)
    #expect(throws: ConfigurationError.self) { try methods.layer(folder.file("absent.yaml")) }
    try Data([0xff, 0xfe]).write(to: URL(fileURLWithPath: path))
    #expect(throws: ConfigurationError.malformed(file: path, reason: "not UTF-8 text")) {
      try methods.layer(path)
    }
    try Data(count: 1 << 20 + 1).write(to: URL(fileURLWithPath: path))
    #expect(throws: ConfigurationError.self) { try ConfigurationLayer(file: path) }
    #expect(throws: ConfigurationError.malformed(file: "/dev/zero", reason: "larger than 1 MiB")) {
      try ConfigurationLayer(file: "/dev/zero")
    }
  }
}
