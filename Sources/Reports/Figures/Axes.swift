import Foundation

/// The frame of a picture: where values lie in it, with grid, round numbers and names of the axes.
struct Axes {
  struct Margins {
    var left = 72.0
    var right = 24.0
    var top = 48.0
    var bottom = 60.0
  }

  let width: Double
  let height: Double
  let margins: Margins
  private let xTicks: [Double]
  private let yTicks: [Double]
  private let x: (lower: Double, upper: Double)
  private let y: (lower: Double, upper: Double)

  /// - Parameters:
  ///   - tight: axes end with the values, not at the round numbers around them.
  ///   - counts: y counts something, so that fractions make no sense.
  init(
    x: (Double, Double), y: (Double, Double), width: Double = 760, height: Double = 460,
    margins: Margins = Margins(), tight: Bool = false,
    counts: Bool = false
  ) {
    (self.width, self.height) = (width, height)
    let (xTicks, yTicks) = (Axes.ticks(x.0, x.1), Axes.ticks(y.0, y.1))
    if tight, x.1 > x.0, y.1 > y.0 {
      (self.x, self.y) = (x, y)
      self.xTicks = xTicks.filter { $0 >= x.0 && $0 <= x.1 }
      self.yTicks = yTicks.filter { $0 >= y.0 && $0 <= y.1 }
    } else {
      self.xTicks = xTicks
      self.yTicks = counts ? yTicks.filter { $0 == $0.rounded() } : yTicks
      self.x = (xTicks.first!, xTicks.last!)
      self.y = (yTicks.first!, counts ? yTicks.last!.rounded(.up) : yTicks.last!)
    }
    // Long numbers would lie over the name of their axis: 7.5 is about a digit's width.
    let longest =
      self.yTicks.map { [shown = self.yTicks] in Axes.labels(shown)($0).count }.max() ?? 0
    self.margins = Margins(
      left: max(margins.left, 36 + 7.5 * Double(longest)), right: margins.right, top: margins.top,
      bottom: margins.bottom)
  }

  func px(_ value: Double) -> Double {
    margins.left + (value - x.lower) / (x.upper - x.lower) * (width - margins.left - margins.right)
  }

  func py(_ value: Double) -> Double {
    floor - (value - y.lower) / (y.upper - y.lower) * (height - margins.top - margins.bottom)
  }

  /// Where the horizontal axis lies.
  var floor: Double { height - margins.bottom }

  /// The start of the picture's only element.
  func opening(label: String) -> String {
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height))\" "
      + "font-family=\"sans-serif\" font-size=\"13\" role=\"img\" "
      + "aria-label=\"\(SVG.escape(label))\">"
  }

  func elements(horizontal: String, vertical: String) -> [String] {
    let right = width - margins.right
    var parts: [String] = []
    let (xLabel, yLabel) = (Axes.labels(xTicks), Axes.labels(yTicks))
    for tick in yTicks {
      parts.append(SVG.line(margins.left, py(tick), right, py(tick), "#e4e4e4", class: "grid"))
      parts.append(SVG.text(yLabel(tick), margins.left - 8, py(tick) + 4, anchor: "end"))
    }
    for tick in xTicks {
      parts.append(SVG.line(px(tick), floor, px(tick), floor + 5, "#888", class: "axis"))
      parts.append(SVG.text(xLabel(tick), px(tick), floor + 20, anchor: "middle"))
    }
    parts.append(SVG.line(margins.left, floor, right, floor, "#888", class: "axis"))
    parts.append(
      SVG.text(
        horizontal, (margins.left + right) / 2, height - margins.bottom + 44, anchor: "middle")
    )
    let middle = (margins.top + floor) / 2
    parts.append(
      "<g transform=\"rotate(-90 20 \(SVG.fixed(middle)))\">"
        + SVG.text(vertical, 20, middle, anchor: "middle") + "</g>")
    return parts
  }

  /// How the numbers of an axis are written: large ones in thousands, if all can be.
  private static func labels(_ ticks: [Double]) -> (Double) -> String {
    let thousands =
      ticks.contains { abs($0) >= 1000 }
      && ticks.allSatisfy { $0.truncatingRemainder(dividingBy: 500) == 0 }
    return { thousands && $0 != 0 ? "\(SVG.number($0 / 1000))k" : SVG.number($0) }
  }

  /// Round numbers that enclose [lower, upper], at most nine.
  static func ticks(_ lower: Double, _ upper: Double) -> [Double] {
    // Where rounding leaves no difference there is nothing to divide.
    let distinct = upper > lower && upper - lower > 1e-12 * max(abs(lower), abs(upper))
    let span = distinct ? upper - lower : max(1, abs(upper))
    let magnitude = pow(10, (log10(span / 4)).rounded(.down))
    let step = [1.0, 2, 2.5, 5, 10].map { $0 * magnitude }.first { span / $0 <= 7 } ?? span
    let first = (lower / step).rounded(.down)
    let last = max(first + 1, ((distinct ? upper : lower + span) / step).rounded(.up))
    return stride(from: first, through: last, by: 1).map { $0 * step }
  }
}
