import Foundation

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
  private static let (width, height) = (760.0, 460.0)
  private static let (left, right, top, bottom) = (72.0, 24.0, 48.0, 60.0)

  package init(
    title: String, horizontalLabel: String, verticalLabel: String, curves: [Curve]
  ) {
    self.title = title
    self.horizontalLabel = horizontalLabel
    self.verticalLabel = verticalLabel
    self.curves = curves
  }

  package func svg() -> String {
    typealias P = LearningCurvePicture
    let xs = curves.flatMap(\.x)
    let ys = curves.flatMap(\.y)
    let xTicks = P.ticks(xs.min() ?? 0, xs.max() ?? 1)
    let yTicks = P.ticks(min(0, ys.min() ?? 0), ys.max() ?? 1)
    let (x0, x1) = (xTicks.first!, xTicks.last!)
    let (y0, y1) = (yTicks.first!, yTicks.last!)
    func px(_ x: Double) -> Double {
      P.left + (x - x0) / (x1 - x0) * (P.width - P.left - P.right)
    }
    func py(_ y: Double) -> Double {
      P.height - P.bottom - (y - y0) / (y1 - y0) * (P.height - P.top - P.bottom)
    }
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(P.width)) \(Int(P.height))\" "
        + "font-family=\"sans-serif\" font-size=\"13\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      P.text(title, P.width / 2, 26, anchor: "middle", size: 16),
    ]
    for tick in yTicks {
      parts.append(P.line(P.left, py(tick), P.width - P.right, py(tick), "#e4e4e4"))
      parts.append(P.text(P.number(tick), P.left - 8, py(tick) + 4, anchor: "end"))
    }
    for tick in xTicks {
      parts.append(P.line(px(tick), P.height - P.bottom, px(tick), P.height - P.bottom + 5, "#888"))
      parts.append(P.text(P.number(tick), px(tick), P.height - P.bottom + 20, anchor: "middle"))
    }
    parts.append(P.line(P.left, P.height - P.bottom, P.width - P.right, P.height - P.bottom, "#888"))
    parts.append(P.text(horizontalLabel, P.width / 2, P.height - 16, anchor: "middle"))
    parts.append(
      "<g transform=\"rotate(-90 20 \(P.height / 2))\">"
        + P.text(verticalLabel, 20, P.height / 2, anchor: "middle") + "</g>")
    for (index, curve) in curves.enumerated() {
      let color = P.colors[index % P.colors.count]
      let points = zip(curve.x, curve.y).map { P.pair(px($0), py($1)) }
      parts.append(
        "<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"2\" points=\""
          + points.joined(separator: " ") + "\"/>")
      if points.count == 1 {
        parts.append("<circle cx=\"\(px(curve.x[0]))\" cy=\"\(py(curve.y[0]))\" r=\"3\"/>")
      }
      let y = P.top + 10 + 18 * Double(index)
      parts.append(P.line(P.left + 14, y, P.left + 40, y, color, width: 3))
      parts.append(P.text(curve.label, P.left + 48, y + 4, anchor: "start"))
    }
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }

  /// Writes the picture, whole or not at all.
  package func write(to path: String) throws(RunError) { try AtomicText.write(svg(), to: path) }

  /// Round numbers that enclose [lower, upper], at most nine.
  static func ticks(_ lower: Double, _ upper: Double) -> [Double] {
    let span = upper > lower ? upper - lower : max(1, abs(upper))
    let magnitude = pow(10, floor(log10(span / 4)))
    let step = [1.0, 2, 2.5, 5, 10].map { $0 * magnitude }.first { span / $0 <= 7 } ?? span
    let first = floor(lower / step)
    let last = max(first + 1, ceil((upper > lower ? upper : lower + span) / step))
    return stride(from: first, through: last, by: 1).map { $0 * step }
  }

  private static func number(_ value: Double) -> String {
    abs(value) >= 1000 && value.truncatingRemainder(dividingBy: 500) == 0
      ? String(format: "%gk", value / 1000) : String(format: "%g", value)
  }

  private static func pair(_ x: Double, _ y: Double) -> String {
    String(format: "%.1f,%.1f", x, y)
  }

  private static func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String, width: Double = 1
  ) -> String {
    String(
      format: "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%@\" "
        + "stroke-width=\"%g\"/>", x1, y1, x2, y2, color, width)
  }

  private static func text(
    _ text: String, _ x: Double, _ y: Double, anchor: String, size: Int = 13
  ) -> String {
    let escaped = text.replacingOccurrences(of: "&", with: "&amp;")
      .replacingOccurrences(of: "<", with: "&lt;").replacingOccurrences(of: ">", with: "&gt;")
    return String(
      format: "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%@\" font-size=\"%d\">%@</text>", x, y,
      anchor, size, escaped)
  }
}
