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
    let escape = SVG.escape
    let subtitle = [
      summary.environment ?? "unknown robot", summary.kind,
      "D4RL layout \(summary.version.rawValue)", PlainText.bytes(summary.bytes),
    ].compactMap { $0 }.joined(separator: " · ")
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta name="generator" content="\(PackageVersion.producer)"/>
      <title>\(escape(PlainText.line(name)))</title>
      <style>
      \(Self.style)
      </style>
      </head>
      <body>
      <main>
      <header>
      <h1>\(escape(PlainText.line(name)))</h1>
      <p class="soft">\(escape(subtitle))</p>
      </header>
      \(tiles())
      \(warnings())
      <section class="charts">
      \(charts().joined(separator: "\n"))
      </section>
      \(columnTable())
      \(storageTable())
      \(metadataTable())
      <footer class="soft">bred \(PackageVersion.number), bred dataset inspect --report</footer>
      </main>
      </body>
      </html>

      """
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
    return "<section class=\"tiles\">\n"
      + tiles.map {
        "<div><span class=\"soft\">\($0.0)</span><b>\($0.1)</b><span class=\"soft\">\($0.2)</span></div>"
      }.joined(separator: "\n") + "\n</section>"
  }

  private func warnings() -> String {
    if summary.warnings.isEmpty { return "<p class=\"good\">Nothing odd was found.</p>" }
    let items = summary.warnings.prefix(100).map {
      "<li>\(SVG.escape(PlainText.line($0, limit: 600)))</li>"
    }
    return "<section class=\"warnings\">\n<h2>Warnings</h2>\n<ul>\n"
      + items.joined(separator: "\n") + "\n</ul>\n</section>"
  }

  static let style = """
    :root{color-scheme:light dark;--page:#fff;--ink:#1b2530;--soft:#5a6773;--line:#e0e5ea;--panel:#f6f8fa;
    --accent:#1f6fb4;--mean:#c4511b;--warn:#7a4a00;--warnpanel:#fff5e0;--warnline:#eccb8b;--good:#1d6b3a;
    --d1:#d6e6f4;--d2:#b7d4ec;--d3:#8fbfe2;--d4:#64a6d5;--d5:#3f8bc4;--d6:#226fae;--d7:#115391;--d8:#08306b}
    @media (prefers-color-scheme:dark){:root{--page:#11161c;--ink:#e3e9ef;--soft:#9aa7b3;--line:#2a333d;
    --panel:#182029;--accent:#5aa7e8;--mean:#f0935e;--warn:#f2cf8f;--warnpanel:#2c2312;--warnline:#5c4a22;
    --good:#7fd09b;--d1:#16304a;--d2:#1b4468;--d3:#225b88;--d4:#2d75a9;--d5:#4391c8;--d6:#6aaee0;--d7:#9bcbf0;
    --d8:#d9ecfc}}
    *{box-sizing:border-box}
    body{margin:0;background:var(--page);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
    main{max-width:1180px;margin:0 auto;padding:24px 20px 40px}
    h1{font-size:24px;margin:0;overflow-wrap:anywhere}
    h2{font-size:17px;margin:32px 0 8px}
    header p{margin:4px 0 20px}
    .soft,figcaption span{color:var(--soft)}
    .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:10px}
    .tiles div{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
    .tiles span{display:block;font-size:13px}
    .tiles b{font-size:21px;font-weight:600;font-variant-numeric:tabular-nums}
    .warnings{background:var(--warnpanel);border:1px solid var(--warnline);color:var(--warn);border-radius:8px;
    padding:10px 16px;margin-top:16px}
    .warnings h2{margin:0 0 4px;font-size:15px}
    .warnings ul{margin:0;padding-left:20px}
    .warnings li{overflow-wrap:anywhere}
    .good{color:var(--good);margin:16px 0 0}
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:18px;margin-top:20px}
    figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:12px 14px 4px}
    figcaption b{display:block;font-weight:600}
    figcaption span{font-size:13px}
    svg{width:100%;height:auto;display:block}
    svg text{fill:var(--soft)}
    .grid{stroke:var(--line)}
    .axis{stroke:var(--soft)}
    .bar,.band,.spark,.dots{fill:var(--accent)}
    .band{fill-opacity:.22}
    .line,.dots{stroke:var(--accent)}
    .mean{stroke:var(--mean)}
    .alive{fill:var(--line);fill-opacity:.6}
    .d1{fill:var(--d1)}.d2{fill:var(--d2)}.d3{fill:var(--d3)}.d4{fill:var(--d4)}
    .d5{fill:var(--d5)}.d6{fill:var(--d6)}.d7{fill:var(--d7)}.d8{fill:var(--d8)}
    .wide{overflow-x:auto}
    table{border-collapse:collapse;width:100%;font-size:13px}
    th,td{text-align:right;padding:4px 10px;border-bottom:1px solid var(--line);white-space:nowrap;
    font-variant-numeric:tabular-nums}
    th{color:var(--soft);font-weight:500}
    th:first-child,td:first-child,.left{text-align:left}
    td.text{white-space:normal;overflow-wrap:anywhere;text-align:left}
    td.text{width:75%}
    td svg{width:112px;height:22px}
    footer{margin-top:32px;font-size:13px}
    """
}
