package import RLCore

/// Where a group of settings stands in a configuration.
package struct SettingSection: Sendable {
  /// Dotted, as in `online.sac`; empty for the settings outside of all sections.
  package let path: String
  package let group: any SettingGroup.Type
  /// Alternatives of a text that only the running program knows, by the setting's name.
  package let choices: [String: [String]]

  package init(_ path: String, _ group: any SettingGroup.Type, choices: [String: [String]] = [:]) {
    self.path = path
    self.group = group
    self.choices = choices
  }

  /// What the section declares.
  package var entries: [SettingSchema.Entry] {
    group.declared.map { setting in
      SettingSchema.Entry(
        key: key(setting.name), fallback: setting.value,
        declaration: choices[setting.name].map(setting.declaration.choosing(among:))
          ?? setting.declaration)
    }
  }

  package func key(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}

/// Every key that a configuration may have, in order.
package struct SettingSchema: Sendable {
  package struct Entry: Sendable {
    package let key: String
    package let fallback: SettingScalar
    package let declaration: SettingDeclaration
  }

  package let sections: [SettingSection]
  package let entries: [Entry]
  /// Older spellings of keys that exist.
  let aliases: [String: SettingAlias]
  private let places: [String: Int]
  /// Keys by their section's path.
  private let keys: [String: [String]]
  /// Sections and the parents of sections, older ones included.
  private let folders: Set<String>

  package init(_ sections: [SettingSection], aliases: [SettingAlias] = []) {
    self.sections = sections
    let bySection = sections.map { (path: $0.path, entries: $0.entries) }
    entries = bySection.flatMap(\.entries)
    keys = Dictionary(uniqueKeysWithValues: bySection.map { ($0.path, $0.entries.map(\.key)) })
    let places = Dictionary(
      uniqueKeysWithValues: entries.enumerated().map { ($0.element.key, $0.offset) })
    self.places = places
    self.aliases = Dictionary(
      uniqueKeysWithValues: aliases.filter { places[$0.key] != nil }.map { ($0.alias, $0) })
    var folders: Set<String> = []
    for key in Array(places.keys) + self.aliases.keys {
      var folder = Substring(key)
      while let dot = folder.lastIndex(of: ".") {
        folder = folder[..<dot]
        folders.insert(String(folder))
      }
    }
    self.folders = folders
  }

  package func entry(_ key: String) -> Entry? { places[key].map { entries[$0] } }

  /// Keys of a section in the order of declaration, without those of sections in it.
  func keys(of section: String) -> [String] { keys[section] ?? [] }

  func isFolder(_ path: String) -> Bool { folders.contains(path) }

  /// What may stand in a section, without older spellings unless the section is one itself.
  func names(in folder: String) -> [String] {
    let prefix = folder.isEmpty ? "" : folder + "."
    func children(_ keys: some Sequence<String>) -> [String] {
      var seen: Set<String> = []
      return keys.filter { $0.hasPrefix(prefix) }
        .compactMap { $0.dropFirst(prefix.count).split(separator: ".").first.map(String.init) }
        .filter { seen.insert($0).inserted }
    }
    let current = children(entries.map(\.key))
    return current.isEmpty ? children(aliases.keys.sorted()) : current
  }

  /// The refusal of a key, with what was probably meant: a neighbour of nearly this name, or a key of
  /// this name in another section.
  func unknown(_ key: String, origin: String) -> ConfigurationError {
    let parts = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let folder = parts.dropLast().joined(separator: ".")
    let name = parts.last ?? ""
    let prefix = folder.isEmpty ? "" : folder + "."
    let allowed = names(in: folder)
    var candidates = allowed
    if folder.isEmpty { candidates += names(ofOlderSectionsBeside: allowed) }
    let suggestion =
      nearest(to: name, among: candidates).map { prefix + $0 }
      ?? entries.map(\.key).first { $0.hasSuffix(".\(name)") }
    return .unknownKey(file: origin, key: key, suggestion: suggestion, allowed: allowed)
  }

  private func names(ofOlderSectionsBeside current: [String]) -> [String] {
    Set(aliases.keys.compactMap { $0.split(separator: ".").first.map(String.init) })
      .subtracting(current).sorted()
  }
}

/// An older spelling of a key.
package struct SettingAlias: Sendable, Equatable {
  package let alias: String
  package let key: String
  /// Older spellings of values.
  package let values: [String: String]

  package init(_ alias: String, _ key: String, values: [String: String] = [:]) {
    (self.alias, self.key, self.values) = (alias, key, values)
  }
}
