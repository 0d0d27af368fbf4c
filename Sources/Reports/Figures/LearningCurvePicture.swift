package import Runs

/// A picture of learning curves as SVG, which every browser shows.
package struct LearningCurvePicture {
  package var title: String
  package var horizontalLabel: String
  package var verticalLabel: String
  package var curves: [Curve]

  private static let colors = [
    "#1f6fb4", "#d9602b", "#2f8f4e", "#8b4fa8", "#b08c1d", "#555555", "#17a2a2", "#d6488f",
    "#7a4a2b", "#6a7fd6", "#9bbf3b", "#b02a2a",
  ]
  /// When the colours have all been used, lines are dashed.
  private static let dashes = ["", "7 4", "2 3", "9 3 2 3"]

  package init(
    title: String, horizontalLabel: String, verticalLabel: String, curves: [Curve]
  ) {
    self.title = title
    self.horizontalLabel = horizontalLabel
    self.verticalLabel = verticalLabel
    self.curves = curves
  }

  package func svg() -> String {
    let ys = curves.flatMap { curve in
      curve.band.isEmpty
        ? curve.y
        : zip(curve.y, curve.band).flatMap { [$0 - $1, $0 + $1] }
    }
    let xs = curves.flatMap(\.x)
    // The legend stands to the right of the curves, as wide as its longest name.
    let plot = 664.0
    var margins = Axes.Margins()
    margins.right = 66 + 7.2 * Double(curves.map(\.label.count).max() ?? 0)
    let axes = Axes(
      x: (xs.min() ?? 0, xs.max() ?? 1), y: (ys.min() ?? 0, ys.max() ?? 1),
      width: (margins.left + plot + margins.right).rounded(),
      height: max(460, 100 + 18 * Double(curves.count)), margins: margins)
    var parts = [
      axes.opening(label: title),
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      SVG.text(title, margins.left + plot / 2, 26, anchor: "middle", size: 16),
    ]
    parts += axes.elements(horizontal: horizontalLabel, vertical: verticalLabel)
    for (index, curve) in curves.enumerated() { parts += band(curve, index, axes) }
    for (index, curve) in curves.enumerated() { parts += line(curve, index, axes) }
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }

  private func color(_ index: Int) -> String {
    LearningCurvePicture.colors[index % LearningCurvePicture.colors.count]
  }

  private func band(_ curve: Curve, _ index: Int, _ axes: Axes) -> [String] {
    guard !curve.band.isEmpty else { return [] }
    func edge(_ sign: Double) -> [String] {
      curve.x.indices.map {
        SVG.pair(axes.px(curve.x[$0]), axes.py(curve.y[$0] + sign * curve.band[$0]))
      }
    }
    return [
      "<polygon class=\"band\" fill=\"\(color(index))\" fill-opacity=\"0.18\" points=\""
        + (edge(1) + edge(-1).reversed()).joined(separator: " ") + "\"/>"
    ]
  }

  private func line(_ curve: Curve, _ index: Int, _ axes: Axes) -> [String] {
    let color = color(index)
    let round = index / LearningCurvePicture.colors.count
    let dash = LearningCurvePicture.dashes[round % LearningCurvePicture.dashes.count]
    let stroke =
      "stroke=\"\(color)\" stroke-width=\"2\""
      + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"")
    let points = zip(curve.x, curve.y).map { SVG.pair(axes.px($0), axes.py($1)) }
    var parts = [
      "<polyline fill=\"none\" \(stroke) points=\"\(points.joined(separator: " "))\"/>"
    ]
    if points.count == 1 {
      parts.append(
        "<circle fill=\"\(color)\" cx=\"\(SVG.fixed(axes.px(curve.x[0])))\" "
          + "cy=\"\(SVG.fixed(axes.py(curve.y[0])))\" r=\"3\"/>")
    }
    let y = axes.margins.top + 10 + 18 * Double(index)
    let x = axes.width - axes.margins.right + 16
    parts.append(
      "<line class=\"key\" x1=\"\(SVG.fixed(x))\" y1=\"\(SVG.fixed(y))\" "
        + "x2=\"\(SVG.fixed(x + 26))\" y2=\"\(SVG.fixed(y))\" \(stroke)/>")
    parts.append(SVG.text(curve.label, x + 34, y + 4, anchor: "start"))
    return parts
  }

  /// Writes the picture, whole or not at all.
  package func write(to path: String) throws(RunError) { try AtomicText.write(svg(), to: path) }
}
