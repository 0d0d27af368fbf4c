public import Datasets
import Environments
import Foundation
import RLCore
public import Runs

/// One self-contained page about a dataset: its numbers, warnings, pictures and columns.
///
/// HTML with pictures and style inside, no scripts and nothing from outside; light or dark as the
/// reader prefers. The same file gives the same bytes. Stays below a megabyte for any file.
public struct DatasetReport {
  /// What the page calls the file.
  let name: String
  let summary: DatasetSummary
  let profile: DatasetProfile
  let kind: EnvironmentKind?

  /// Reads the file once more for the pictures.
  ///
  /// - Parameters:
  ///   - summary: of the same file.
  ///   - coverage: the two columns of the observations whose coverage is drawn, such as `0,1` or
  ///     `height,forward velocity`; two that say much about the robot if left out.
  /// - Throws: where the file cannot be read or has no such columns.
  public init(
    _ dataset: D4RLDataset, summary: DatasetSummary, coverage: String? = nil
  ) throws(DatasetError) {
    name = dataset.path.split(separator: "/").last.map(String.init) ?? dataset.path
    self.summary = summary
    kind = summary.environment.flatMap { try? EnvironmentKind(named: $0) }
    let columns: (x: Int, y: Int)?
    if let coverage {
      columns = try Self.columns(coverage, kind, dataset)
    } else {
      columns = Self.usualColumns(kind, dataset)
    }
    profile = try DatasetProfile(dataset, summary, coverage: columns)
  }

  /// Refuses, before any work, a page that would take the place of the dataset or of another file.
  public static func checkTarget(
    _ path: String, of dataset: String, replacing: Bool
  ) throws(DatasetError) {
    func real(_ path: String) -> String {
      URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }
    let exists = FileManager.default.fileExists(atPath: path)
    if exists, !replacing || real(path) == real(dataset) { throw .exists(file: path) }
  }

  /// Writes the page, whole or not at all.
  ///
  /// - Throws: where `path` exists and is not to be replaced, or cannot be written.
  public func write(to path: String, replacing: Bool) throws(RunError) {
    try AtomicText.write(html(), to: path, replacing: replacing)
  }

  // MARK: Columns

  /// Height and pitch decide whether a robot has fallen; the cheetah cannot, there it is speed.
  private static func usualColumns(
    _ kind: EnvironmentKind?, _ dataset: D4RLDataset
  ) -> (x: Int, y: Int)? {
    guard dataset.observationSize > 1 else { return nil }
    return kind == .halfcheetah && dataset.observationSize > 8 ? (8, 1) : (1, 0)
  }

  private static func columns(
    _ text: String, _ kind: EnvironmentKind?, _ dataset: D4RLDataset
  ) throws(DatasetError) -> (x: Int, y: Int) {
    let names = text.split(separator: ",", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces).lowercased()
    }
    guard names.count == 2 else {
      throw .mismatch(
        file: dataset.path, field: "observations",
        expected: "two columns to draw, such as 0,1 (--coverage)", actual: "'\(text)'")
    }
    let meanings = kind?.observationTable.map(\.label) ?? []
    var found: [Int] = []
    for name in names {
      // A whole name is meant even where it is part of another.
      let whole = meanings.indices.filter { meanings[$0].lowercased() == name }
      let fits =
        Int(name).map { (0..<dataset.observationSize).contains($0) ? [$0] : [] }
        ?? (whole.isEmpty
          ? meanings.indices.filter { meanings[$0].lowercased().contains(name) } : whole)
      guard fits.count == 1, !name.isEmpty else {
        let known = meanings.enumerated().map { "\($0) \($1)" }.joined(separator: "; ")
        throw .mismatch(
          file: dataset.path, field: "observations",
          expected: "a column from 0 to \(dataset.observationSize - 1)"
            + (known.isEmpty ? "" : " or a part of one of their names (\(known))"),
          actual: "'\(name)'"
            + (fits.count > 1
              ? ", which fits \(fits.map(String.init).joined(separator: ", "))" : ""))
      }
      found.append(fits[0])
    }
    return (found[0], found[1])
  }

  /// What a column means, or its number.
  func label(_ array: String, _ index: Int) -> String {
    let table =
      array == "observations"
      ? kind?.observationTable : array == "actions" ? kind?.actionTable : nil
    guard let table, table.indices.contains(index) else { return "\(array) \(index)" }
    return table[index].label
  }

  // MARK: Page

  func html() -> String {
    let subtitle = [
      summary.environment ?? "unknown robot", summary.kind,
      "D4RL layout \(summary.version.rawValue)", PlainText.bytes(summary.bytes),
    ].compactMap { $0 }.joined(separator: " · ")
    return Page(
      title: PlainText.line(name), subtitle: subtitle, command: "bred dataset inspect --report",
      body: [
        tiles(), warnings(),
        "<section class=\"charts\">\n\(charts().joined(separator: "\n"))\n</section>",
        columnTable(), storageTable(), metadataTable(),
      ]
    ).html()
  }

  private func tiles() -> String {
    let number = PlainText.number
    var tiles: [(String, String, String)] = [
      ("rows", "\(summary.rows)", "\(summary.transitions) transitions"),
      (
        "episodes", "\(summary.episodes)",
        "\(summary.completeEpisodes) complete, \(summary.terminals) terminals, "
          + "\(summary.timeouts) time-outs"
      ),
      (
        "return", number(summary.returnMean),
        "± \(number(summary.returnDeviation)), \(number(summary.returnMin)) to "
          + number(summary.returnMax)
      ),
    ]
    if let score = summary.normalizedScore, let specification = kind?.specification {
      let range = [summary.returnMin, summary.returnMax]
        .map { number(specification.normalizedScore(ofReturn: $0)) }.joined(separator: " to ")
      tiles.append(("D4RL score", number(score), "of the mean return; \(range)"))
    }
    tiles += [
      (
        "episode length", number(summary.lengthMean),
        "\(summary.lengthMin) to \(summary.lengthMax) rows"
      ),
      (
        "actions at ±1", String(format: "%.1f %%", 100 * summary.actionSaturation),
        "\(summary.duplicates) repeated rows; behaviour policy "
          + (summary.hasPolicy ? "stored" : "not stored")
      ),
    ]
    return Page.tiles(tiles)
  }

  private func warnings() -> String {
    Page.warnings(summary.warnings, none: "Nothing odd was found.")
  }
}
