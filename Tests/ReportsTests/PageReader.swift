import Foundation
import FoundationXML
import Testing

/// What a page consists of, by a parser that forgives nothing.
final class PageReader: NSObject, XMLParserDelegate {
  var elements: [String: Int] = [:]
  var attributes: Set<String> = []
  var text = ""
  var titles: [String] = []

  init(_ html: String) throws {
    super.init()
    let parser = XMLParser(data: Data(html.utf8))
    parser.delegate = self
    let wellFormed = parser.parse()
    try #require(wellFormed, "\(parser.parserError.map { "\($0)" } ?? "")")
  }

  /// Whether nothing is from outside and nothing runs.
  var isSelfContained: Bool {
    attributes.isDisjoint(with: ["src", "href", "onload", "onclick"])
      && elements["script"] == nil && elements["link"] == nil
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes found: [String: String]
  ) {
    elements[name, default: 0] += 1
    attributes.formUnion(found.keys)
    if name == "title" { titles.append("") }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    text += string
    if !titles.isEmpty { titles[titles.count - 1] += string }
  }
}
