import Foundation

/// Elements of pictures as text.
///
/// Colours are attributes, which a page's own rules override by the class: alone, a picture is dark on
/// white; in a page it follows the reader's preference.
enum SVG {
  /// Text made harmless for XML and HTML, attributes included.
  static func escape(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      // XML has no way to write control characters or these two.
      case _ where scalar.properties.generalCategory == .control, "\u{fffe}", "\u{ffff}":
        result += "\u{fffd}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  static func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String, width: Double = 1,
    class name: String
  ) -> String {
    "<line class=\"\(name)\" x1=\"\(fixed(x1))\" y1=\"\(fixed(y1))\" x2=\"\(fixed(x2))\" "
      + "y2=\"\(fixed(y2))\" stroke=\"\(color)\" stroke-width=\"\(number(width))\"/>"
  }

  static func text(
    _ text: String, _ x: Double, _ y: Double, anchor: String, size: Int = 13
  ) -> String {
    "<text x=\"\(fixed(x))\" y=\"\(fixed(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\">"
      + "\(escape(text))</text>"
  }

  /// A coordinate, to a tenth of a pixel.
  static func fixed(_ value: Double) -> String { String(format: "%.1f", value) }

  static func pair(_ x: Double, _ y: Double) -> String { "\(fixed(x)),\(fixed(y))" }

  static func number(_ value: Double) -> String { String(format: "%g", value) }
}
