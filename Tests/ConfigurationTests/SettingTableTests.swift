import Foundation
import RLCore
import Testing

@testable import Configuration

@Suite struct SettingTableTests {
  @Test func declarationsAreComplete() {
    let discount = FakeCQL.declared[0]
    #expect(discount.name == "discount" && discount.value == .number(0.99))
    #expect(discount.declaration.meaning == "Discount per step.")
    #expect(discount.declaration.symbol == "γ" && discount.declaration.source == "SAC, table 1")
    #expect(FakeCQL.declared.map(\.name).prefix(3) == ["discount", "tau", "batchSize"])
    #expect(FakeCQL.declared[1].declaration.source == "ours")
    var changed = FakeCQL()
    changed.batchSize = 2
    #expect(changed.scalars[2].value == .integer(2) && FakeCQL.declared[2].value == .integer(256))
  }

  @Test(arguments: [
    ("discount", "a number in [0, 1]"), ("tau", "a number in (0, 1]"),
    ("batchSize", "a whole number in 1…65536"), ("conservativeWeight", "a number in [0, 1000000]"),
    ("weighting", "one of fixed, lagrange"),
    ("targetEntropy", "a number in [-1000, 1000], or null"),
    ("shuffles", "true or false"), ("label", "text, or null"),
    ("cloningSteps", "a whole number ≥ 0"),
  ])
  func whatIsAllowedIsSaid(name: String, allowed: String) {
    let setting = FakeCQL.declared.first { $0.name == name }
    #expect(setting?.declaration.allowed == allowed)
  }

  @Test func tablesAreMarkdown() {
    let lines = SettingTable.markdown(FakeCQL.self, section: "offline.cql").split(separator: "\n")
    #expect(lines.count == 2 + FakeCQL.declared.count)
    #expect(
      lines[2]
        == "| `offline.cql.discount` | 0.99 | a number in [0, 1] | γ | Discount per step. | SAC, table 1 |"
    )
    #expect(lines[3].contains("Rate \\| of the targets."))
    #expect(lines[9].contains("| – | a number in [-1000, 1000], or null |"))
  }

  @Test func helpNamesKeysDefaultsAndRanges() {
    let text = SettingTable.help(FakeSAC.self, section: "online.sac")
    #expect(
      text.hasPrefix(
        """
          online.sac.batchSize=256
              Transitions per minibatch. (a whole number in 1…65536; ours)

        """))
    for setting in FakeSAC.declared { #expect(text.contains("online.sac.\(setting.name)=")) }
  }

  @Test func thePageHasEverySettingOnce() {
    let page = SettingTable.document(fakes)
    for entry in fakes.schema.entries {
      #expect(page.components(separatedBy: "| `\(entry.key)` | ").count == 2, "\(entry.key)")
      #expect(!entry.declaration.meaning.isEmpty && entry.declaration.meaning.hasSuffix("."))
    }
    #expect(page.contains("one of cql, iql, sac, none"))
    #expect(
      page.contains("one of halfcheetah, hopper, walker2d, halfcheetah-v5, hopper-v5, walker2d-v5"))
  }
}
