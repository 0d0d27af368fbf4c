import Foundation
package import Runs

/// One line of a picture: points and a name.
package struct Curve: Sendable, Equatable {
  package var label: String
  package var x: [Double]
  package var y: [Double]

  package init(label: String, x: [Double], y: [Double]) {
    precondition(x.count == y.count)
    self.label = label
    self.x = x
    self.y = y
  }

  /// The evaluated rows of a run's `progress.csv`.
  ///
  /// - Parameters:
  ///   - directory: a run directory.
  ///   - horizontal, vertical: columns of the table.
  package init(
    directory: String, label: String? = nil, horizontal: String, vertical: String
  ) throws(RunError) {
    let path = "\(directory)/progress.csv"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw .missing(path: path, what: "a table of progress")
    }
    let rows = text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let header = rows.first?.map(String.init) ?? []
    func column(_ name: String) throws(RunError) -> Int {
      guard let index = header.firstIndex(of: name) else {
        throw .missing(path: path, what: "column '\(name)'")
      }
      return index
    }
    let (horizontalIndex, verticalIndex) = (try column(horizontal), try column(vertical))
    self.init(label: label ?? (directory as NSString).lastPathComponent, x: [], y: [])
    for row in rows.dropFirst() where row.count == header.count {
      guard let x = Double(row[horizontalIndex]), let y = Double(row[verticalIndex]) else {
        continue
      }
      self.x.append(x)
      self.y.append(y)
    }
  }
}

/// A picture of learning curves as SVG, which every browser shows.
package struct LearningCurvePicture {
  package var title: String
  package var horizontalLabel: String
  package var verticalLabel: String
  package var curves: [Curve]

  private static let colors = ["#1f6fb4", "#d9602b", "#2f8f4e", "#8b4fa8", "#b08c1d", "#555555"]
  package init(
    title: String, horizontalLabel: String, verticalLabel: String, curves: [Curve]
  ) {
    self.title = title
    self.horizontalLabel = horizontalLabel
    self.verticalLabel = verticalLabel
    self.curves = curves
  }

  package func svg() -> String {
    let xs = curves.flatMap(\.x)
    let ys = curves.flatMap(\.y)
    let axes = Axes(
      x: (xs.min() ?? 0, xs.max() ?? 1), y: (min(0, ys.min() ?? 0), ys.max() ?? 1))
    var parts = [
      axes.opening(label: title),
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      SVG.text(title, axes.width / 2, 26, anchor: "middle", size: 16),
    ]
    parts += axes.elements(horizontal: horizontalLabel, vertical: verticalLabel)
    for (index, curve) in curves.enumerated() {
      let color = LearningCurvePicture.colors[index % LearningCurvePicture.colors.count]
      let points = zip(curve.x, curve.y).map { SVG.pair(axes.px($0), axes.py($1)) }
      parts.append(
        "<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"2\" points=\""
          + points.joined(separator: " ") + "\"/>")
      if points.count == 1 {
        parts.append(
          "<circle cx=\"\(axes.px(curve.x[0]))\" cy=\"\(axes.py(curve.y[0]))\" r=\"3\"/>")
      }
      let y = axes.margins.top + 10 + 18 * Double(index)
      let x = axes.margins.left + 14
      parts.append(SVG.line(x, y, x + 26, y, color, width: 3, class: "key"))
      parts.append(SVG.text(curve.label, x + 34, y + 4, anchor: "start"))
    }
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }

  /// Writes the picture, whole or not at all.
  package func write(to path: String) throws(RunError) { try AtomicText.write(svg(), to: path) }
}
