extension SettingTable {
  /// The page `docs/settings.md`: a table for every section.
  public static func document(_ catalog: AlgorithmCatalog) -> String {
    var text = """
      # Settings

      Every key of a configuration, generated from the declarations in `Sources` by `make settings`.
      A resolved `config.yaml` holds those of them that a run used. Ranges with `(` leave out the bound.
      Sources: *BRED* is arXiv:2107.00591's first version, *Off2On* its follow-up's code, *CQL*
      arXiv:2006.04779, *SAC* arXiv:1812.05905, *ours* a choice where all sources are silent.

      """
    for section in catalog.schema.sections {
      text += "\n## \(section.path.isEmpty ? "General" : "`\(section.path)`")\n\n"
      text += markdown(section)
    }
    text += "\n## Older spellings\n\n"
    text += "These go on working; a key and its older spelling exclude each other.\n\n"
    text += "| older | key |\n|---|---|\n"
    for alias in ConfigurationAliases.all {
      text += "| `\(alias.alias)` | `\(alias.key)` |\n"
    }
    return text
  }
}
