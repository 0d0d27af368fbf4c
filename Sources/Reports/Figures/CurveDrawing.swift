/// Curves within axes, each in a style of its own.
enum CurveDrawing {
  static let colors = [
    "#1f6fb4", "#d9602b", "#2f8f4e", "#8b4fa8", "#b08c1d", "#555555", "#17a2a2", "#d6488f",
    "#7a4a2b", "#6a7fd6", "#9bbf3b", "#b02a2a",
  ]
  /// The same on a dark page.
  static let darkColors = [
    "#5aa7e8", "#f0935e", "#6cc98a", "#c08fe0", "#d8b84e", "#b4bcc4", "#4fd0d0", "#f085b8",
    "#c89a78", "#a0b0f5", "#bfe066", "#f07070",
  ]
  /// When the colours have all been used, lines are dashed.
  private static let dashes = ["", "7 4", "2 3", "9 3 2 3"]

  /// From the least to the largest value, bands included.
  static func extent(_ curves: [Curve]) -> (x: (Double, Double), y: (Double, Double)) {
    let xs = curves.flatMap(\.x)
    let ys = curves.flatMap { curve in
      curve.band.isEmpty ? curve.y : zip(curve.y, curve.band).flatMap { [$0 - $1, $0 + $1] }
    }
    return ((xs.min() ?? 0, xs.max() ?? 1), (ys.min() ?? 0, ys.max() ?? 1))
  }

  /// Bands first, so that no line lies below one.
  static func elements(_ curves: [Curve], _ axes: Axes) -> [String] {
    curves.enumerated().flatMap { band($1, $0, axes) }
      + curves.enumerated().flatMap { line($1, $0, axes) }
  }

  /// Attributes of a line; a page's own rules override the colour by the class.
  static func stroke(_ index: Int) -> String {
    let dash = dashes[index / colors.count % dashes.count]
    return "stroke=\"\(colors[index % colors.count])\" stroke-width=\"2\""
      + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"")
  }

  static func strokeClass(_ index: Int) -> String { "c\(index % colors.count)" }
  private static func fillClass(_ index: Int) -> String { "f\(index % colors.count)" }

  private static func band(_ curve: Curve, _ index: Int, _ axes: Axes) -> [String] {
    guard !curve.band.isEmpty else { return [] }
    func edge(_ sign: Double) -> [String] {
      curve.x.indices.map {
        SVG.pair(axes.px(curve.x[$0]), axes.py(curve.y[$0] + sign * curve.band[$0]))
      }
    }
    return [
      "<polygon class=\"band \(fillClass(index))\" fill=\"\(colors[index % colors.count])\" "
        + "fill-opacity=\"0.18\" points=\""
        + (edge(1) + edge(-1).reversed()).joined(separator: " ") + "\"/>"
    ]
  }

  private static func line(_ curve: Curve, _ index: Int, _ axes: Axes) -> [String] {
    let points = zip(curve.x, curve.y).map { SVG.pair(axes.px($0), axes.py($1)) }
    var parts = [
      "<polyline class=\"\(strokeClass(index))\" fill=\"none\" \(stroke(index)) "
        + "points=\"\(points.joined(separator: " "))\"/>"
    ]
    if points.count == 1 {
      parts.append(
        "<circle class=\"\(fillClass(index))\" fill=\"\(colors[index % colors.count])\" "
          + "cx=\"\(SVG.fixed(axes.px(curve.x[0])))\" cy=\"\(SVG.fixed(axes.py(curve.y[0])))\" r=\"3\"/>"
      )
    }
    return parts
  }
}
