public import RLCore

/// What a group declares, for people: tables for the documentation, lines for `--help`.
public enum SettingTable {
  /// A Markdown table with one row for each setting.
  ///
  /// - Parameter section: dotted path in front of the keys, `offline.cql`; empty for none.
  public static func markdown(_ group: any SettingGroup.Type, section: String = "") -> String {
    markdown(SettingSection(section, group))
  }

  static func markdown(_ section: SettingSection) -> String {
    let rows = section.entries.map { setting in
      let declaration = setting.declaration
      let cells = [
        "`\(setting.key)`", shown(setting.fallback), declaration.allowed,
        declaration.symbol ?? "", declaration.meaning, declaration.source,
      ]
      return "| " + cells.map(escaped).joined(separator: " | ") + " |\n"
    }
    return "| key | default | allowed | symbol | meaning | source |\n|---|---|---|---|---|---|\n"
      + rows.joined()
  }

  /// Lines for `--help`: key with default, then meaning and what is allowed.
  public static func help(_ group: any SettingGroup.Type, section: String) -> String {
    SettingSection(section, group).entries.map { setting in
      let declaration = setting.declaration
      let notes = [declaration.symbol, declaration.allowed, declaration.source].compactMap { $0 }
      return "  \(setting.key)=\(setting.fallback)\n"
        + "      \(declaration.meaning) (\(notes.joined(separator: "; ")))\n"
    }.joined()
  }

  private static func shown(_ value: SettingScalar) -> String {
    switch value {
    case .open, .text(""): "–"
    default: "\(value)"
    }
  }

  private static func escaped(_ cell: String) -> String {
    String(cell.flatMap { $0 == "|" ? "\\|" : "\($0)" })
  }
}
