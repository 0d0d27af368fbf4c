import Datasets

extension DatasetReport {
  /// More than this would make the page too long to read and to load.
  private static let maximumRows = 200

  func columnTable() -> String {
    var rows: [String] = []
    var leftOut = 0
    for name in ["observations", "actions", "rewards"] {
      guard let found = summary.statistics[name], let histograms = profile.histograms[name] else {
        continue
      }
      let (mean, deviation) = (found.mean, found.deviation)
      for index in 0..<min(found.size, Self.maximumRows) {
        let numbers = [
          Double(found.minimum[index]), mean[index], deviation[index], Double(found.maximum[index]),
        ].map { "<td>\($0.isFinite ? PlainText.digits($0) : "-")</td>" }
        let (title, meaning) =
          found.size == 1
          ? (name, "") : ("\(name) \(index)", label(name, index))
        rows.append(
          "<tr><td>\(title)</td><td class=\"left soft\">"
            + "\(meaning == title ? "" : SVG.escape(meaning))</td>" + numbers.joined()
            + "<td class=\"left\">\(spark(histograms[index], title))</td></tr>")
      }
      leftOut += max(0, found.size - Self.maximumRows)
    }
    let rest = leftOut > 0 ? "<p class=\"soft\">\(leftOut) more columns are left out.</p>" : ""
    return Page.table(
      "Columns",
      "<th>column</th><th class=\"left\">meaning</th><th>min</th><th>mean</th><th>deviation</th>"
        + "<th>max</th><th class=\"left\">from min to max</th>", rows) + rest
  }

  /// The shape of a column's values as a line of bars.
  private func spark(_ histogram: DatasetProfile.Histogram, _ title: String) -> String {
    let most = Double(max(1, histogram.counts.max() ?? 1))
    let step = 112 / Double(histogram.counts.count)
    var path = "M0 22"
    for count in histogram.counts {
      // A bin with few rows must not look empty.
      let height = count == 0 ? 0 : max(1, 20 * Double(count) / most)
      path += "V\(SVG.fixed(22 - height))h\(SVG.number((step * 100).rounded() / 100))"
    }
    return "<svg viewBox=\"0 0 112 22\" role=\"img\" aria-label=\"values of \(SVG.escape(title))\">"
      + "<path class=\"spark\" d=\"\(path)V22z\"/></svg>"
  }

  func storageTable() -> String {
    let rows = summary.columns.prefix(Self.maximumRows).compactMap { column -> String? in
      guard let stored = summary.storage[column.name] else { return nil }
      let shape = column.shape.map(String.init).joined(separator: " × ")
      return "<tr><td>\(SVG.escape(PlainText.line(column.name)))</td><td>\(shape)</td>"
        + "<td class=\"left\">\(column.type)</td>"
        + "<td class=\"left\">\(SVG.escape(stored.storageDescription))</td>"
        + "<td>\(PlainText.bytes(stored.storedBytes))</td></tr>"
    }
    return Page.table(
      "Storage",
      "<th>array</th><th>shape</th><th class=\"left\">type</th><th class=\"left\">stored as</th>"
        + "<th>size in the file</th>", rows)
  }

  func metadataTable() -> String {
    if summary.metadata.isEmpty { return "" }
    let rows = summary.metadata.sorted { $0.key < $1.key }.prefix(Self.maximumRows).map {
      "<tr><td>\(SVG.escape(PlainText.line($0.key)))</td>"
        + "<td class=\"text\">\(SVG.escape(PlainText.line($0.value, limit: 400)))</td></tr>"
    }
    return Page.table(
      "What the file says about itself", "<th>name</th><th class=\"left\">value</th>", Array(rows))
  }
}
