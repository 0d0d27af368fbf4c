import RLCore

extension ExperimentConfiguration: Equatable {
  /// Equal where the stages are and every value that is used.
  public static func == (first: ExperimentConfiguration, second: ExperimentConfiguration) -> Bool {
    first.stages == second.stages && first.values == second.values
  }
}

extension ExperimentConfiguration {
  /// Every value that is used, in the order of a configuration file. One that is left open, as it is
  /// unless somebody says otherwise, is not there.
  package var values: [SettingLine] {
    let unused = unusedKeys
    let schema = catalog.schema
    return groups.flatMap { section, group -> [SettingLine] in
      let keys = schema.keys(of: section)
      // Of most algorithms nothing is used, and to read a group's values is slow.
      guard keys.contains(where: { unused[$0] == nil }) else { return [] }
      return zip(keys, group.scalars).map { SettingLine(key: $0, value: $1.value) }
    }.filter { line in
      unused[line.key] == nil
        && !(line.value == .open && schema.entry(line.key)?.fallback == .open)
    }
  }

  /// What `config.yaml` holds: every value that is used and nothing that is not.
  public func yaml() -> String { SettingYAML.text(values) }

  /// `key (was theirs, now ours)` for each used key on which two configurations differ.
  ///
  /// The dataset's path is left out: its contents are compared by digest.
  public func differences(from other: ExperimentConfiguration) -> [String] {
    func texts(_ configuration: ExperimentConfiguration) -> [String: String] {
      Dictionary(
        configuration.values.map { ($0.key, "\($0.value)") }, uniquingKeysWith: { $1 })
    }
    let (mine, theirs) = (texts(self), texts(other))
    return Set(mine.keys).union(theirs.keys).sorted()
      .filter { $0 != "dataset.path" && mine[$0] != theirs[$0] }
      .map { "\($0) (was \(mine[$0] ?? "absent"), now \(theirs[$0] ?? "absent"))" }
  }

  /// `bred NAME …` with everything set that is used and not the default.
  package func command(_ name: String) -> String {
    let schema = catalog.schema
    let own: Set<String> = ["environment", "seed", "dataset.path"]
    let settings = values.filter { line in
      !own.contains(line.key) && schema.entry(line.key)?.fallback != line.value
    }
    return "bred \(name) --env \(environment) --seed \(seed)"
      + settings.map { " --set \($0.key)=\($0.value)" }.joined()
  }
}
