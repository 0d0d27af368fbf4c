package import Runs

/// A picture of learning curves as SVG, which every browser shows.
package struct LearningCurvePicture {
  package var title: String
  package var horizontalLabel: String
  package var verticalLabel: String
  package var curves: [Curve]

  package init(
    title: String, horizontalLabel: String, verticalLabel: String, curves: [Curve]
  ) {
    self.title = title
    self.horizontalLabel = horizontalLabel
    self.verticalLabel = verticalLabel
    self.curves = curves
  }

  package func svg() -> String {
    let (x, y) = CurveDrawing.extent(curves)
    // The legend stands to the right of the curves, as wide as its longest name.
    let plot = 664.0
    var margins = Axes.Margins()
    margins.right = 66 + 7.2 * Double(curves.map(\.label.count).max() ?? 0)
    let axes = Axes(
      x: x, y: y,
      width: (margins.left + plot + margins.right).rounded(),
      height: max(460, 100 + 18 * Double(curves.count)), margins: margins)
    var parts = [
      axes.opening(label: title),
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      SVG.text(title, margins.left + plot / 2, 26, anchor: "middle", size: 16),
    ]
    parts += axes.elements(horizontal: horizontalLabel, vertical: verticalLabel)
    parts += CurveDrawing.elements(curves, axes)
    for (index, curve) in curves.enumerated() { parts += key(curve, index, axes) }
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }

  private func key(_ curve: Curve, _ index: Int, _ axes: Axes) -> [String] {
    let y = axes.margins.top + 10 + 18 * Double(index)
    let x = axes.width - axes.margins.right + 16
    return [
      "<line class=\"key\" x1=\"\(SVG.fixed(x))\" y1=\"\(SVG.fixed(y))\" "
        + "x2=\"\(SVG.fixed(x + 26))\" y2=\"\(SVG.fixed(y))\" \(CurveDrawing.stroke(index))/>",
      SVG.text(curve.label, x + 34, y + 4, anchor: "start"),
    ]
  }

  /// Writes the picture, whole or not at all.
  package func write(to path: String) throws(RunError) { try AtomicText.write(svg(), to: path) }
}
