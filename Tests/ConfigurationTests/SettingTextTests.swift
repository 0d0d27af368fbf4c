import Configuration
import RLCore
import Testing

@Suite struct SettingTextTests {
  /// Where YAML 1.1 reads octal, hexadecimal and sexagesimal numbers, a person means decimal ones.
  @Test(arguments: [
    ("010", 10), ("0", 0), ("+7", 7), ("007", 7), ("1_000_000", 1_000_000), ("08", 8),
    ("'010'", 10), ("9223372036854775807", Int.max),
  ])
  func wholeNumbersAreDecimal(text: String, number: Int) throws {
    #expect(try resolve("seed: \(text)\n").configuration.seed == number)
    #expect(try resolve(set: ["seed=\(text)"]).configuration.seed == number)
    let option = ConfigurationOption(
      name: "--seed", key: "seed", value: text.filter { $0 != "'" })
    #expect(try resolve(options: [option]).configuration.seed == number)
  }

  @Test(arguments: [
    "0x10", "0o10", "0b1", "1:30", "1e3", "2.5", "2.0", "1__0", "_1", "1_", "", "~", "null", "true",
    "seven", "1 000", "٣",
  ])
  func whatIsNoWholeNumberIsRefused(text: String) {
    guard case .wrongType(let file, let key, let value, let expected) = failure("seed: \(text)\n")
    else {
      Issue.record("\(text): \(String(describing: failure("seed: \(text)\n")))")
      return
    }
    #expect(file == "test.yaml" && key == "seed" && value == text)
    #expect(expected == "a whole number ≥ 0")
  }

  @Test(arguments: [
    ("3e-5", 3e-5), ("1", 1.0), (".5", 0.5), ("1.", 1), ("010e-2", 0.1), ("1E-3", 1e-3),
    ("0.000_3", 0.0003), ("0.30000000000000004", 0.1 + 0.2),
  ])
  func numbersAreDecimal(text: String, number: Double) throws {
    let read = try resolve(set: ["online.sac.policyLearningRate=\(text)"]).configuration
    #expect(read.onlineAlgorithm(as: FakeSAC.self)?.policyLearningRate == number)
  }

  @Test(arguments: ["fast", "0x1p-3", "1e", "e5", "1..2", "", "--1", "0.1f"])
  func whatIsNoNumberIsRefused(text: String) {
    guard case .wrongType = failure("offline:\n  cql:\n    discount: \(text)\n") else {
      Issue.record("'\(text)' was not refused for its type")
      return
    }
  }

  @Test func whatMayStayOpenIsReadAndReset() throws {
    func target(_ overrides: [String], _ yaml: String = "") throws -> Double? {
      try resolve(yaml, set: overrides).configuration.offlineAlgorithm(as: FakeCQL.self)!
        .targetEntropy
    }
    #expect(try target([]) == nil)
    #expect(try target(["offline.cql.targetEntropy=-3"]) == -3)
    let file = "offline:\n  cql:\n    targetEntropy: -3\n"
    #expect(try target([], file) == -3)
    for open in ["null", "~", ""] {
      #expect(try target(["offline.cql.targetEntropy=\(open)"], file) == nil)
    }
    guard case .outOfRange(_, _, _, let allowed) = failure(set: ["offline.cql.targetEntropy=-1001"])
    else {
      Issue.record("out of range, but not refused")
      return
    }
    #expect(allowed == "a number in [-1000, 1000], or null")
  }

  @Test func textIsTakenAsItIs() throws {
    func label(_ text: String) throws -> String? {
      try resolve(set: ["offline.cql.label=\(text)"]).configuration
        .offlineAlgorithm(as: FakeCQL.self)!.label
    }
    #expect(try label("010") == "010")
    #expect(try label("true") == "true")
    #expect(try label("null") == nil)
    #expect(try label("'null'") == "null")
    #expect(try label("\"a: b # c\"") == "a: b # c")
  }

  @Test(arguments: ["yes", "1", "True", "on", ""])
  func onlyTrueAndFalseAreFlags(text: String) throws {
    guard case .wrongType(_, _, _, "true or false") = failure(set: ["offline.cql.shuffles=\(text)"])
    else {
      Issue.record("'\(text)' was taken as a flag")
      return
    }
    let read = try resolve(set: ["offline.cql.shuffles=false"]).configuration
    #expect(read.offlineAlgorithm(as: FakeCQL.self)?.shuffles == false)
  }
}
