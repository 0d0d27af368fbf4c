import ArgumentParser
import Configuration
import Foundation
import Stages
import TestSupport
import Testing

@testable import BREDCommand

/// What README and docs say one can type exists, and links lead somewhere. `make docs-check` runs the tutorials.
@Suite struct DocumentationTests {
  static let root = Resources.package

  /// README, all pages below `docs` and `experiments`, and DocC's articles.
  static let pages: [String] = {
    let folders = ["docs", "experiments", "Sources"].flatMap { folder in
      (FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)?
        .compactMap { $0 as? String } ?? []).map { "\(folder)/\($0)" }
    }
    return ["README.md", "CHANGELOG.md"] + folders.filter { $0.hasSuffix(".md") }.sorted()
  }()

  private static let schema = AlgorithmCatalog.registered.schema

  private static func text(_ page: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(page), encoding: .utf8)
  }

  /// Lines of the page's shell blocks, continued ones joined, comments and redirections taken off.
  private static func commands(_ page: String) throws -> [[String]] {
    var (commands, isShell, pending): ([[String]], Bool, String) = ([], false, "")
    for line in try text(page).components(separatedBy: "\n") {
      if line.hasPrefix("```") {
        isShell = line == "```sh"
        continue
      }
      guard isShell else { continue }
      if line.hasSuffix("\\") {
        pending += line.dropLast() + " "
        continue
      }
      commands.append(words(pending + line))
      pending = ""
    }
    return commands
  }

  /// Words up to a comment, a redirection or the next command.
  private static func words(_ line: String) -> [String] {
    var (result, word, quote): ([String], String?, Character?) = ([], nil, nil)
    for character in line {
      if let open = quote {
        if character == open { quote = nil } else { word! += String(character) }
      } else if character == "\"" || character == "'" {
        (quote, word) = (character, word ?? "")
      } else if character == " " {
        if let finished = word { result.append(finished) }
        word = nil
      } else if ">;|&".contains(character) || (character == "#" && word == nil) {
        break
      } else {
        word = (word ?? "") + String(character)
      }
    }
    if let word { result.append(word) }
    return result
  }

  @Test func everyCommandOfThePagesCanBeParsed() throws {
    var count = 0
    for page in Self.pages {
      for words in try Self.commands(page) {
        // Loops, and commands of which the page shows a part.
        guard let start = words.firstIndex(of: "bred"), words[0] != "for",
          !words.contains(where: { $0.contains("$") || $0 == "…" })
        else { continue }
        count += 1
        do {
          _ = try Bred.parseAsRoot(Array(words[(start + 1)...]))
        } catch {
          Issue.record("\(page): \(words.joined(separator: " ")): \(Bred.message(for: error))")
        }
      }
    }
    // So that a change of the pages' form does not empty the test.
    #expect(count > 60)
  }

  /// Older spellings of keys work, and are not what a reader should learn.
  @Test func everyKeyOfThePagesExists() throws {
    var count = 0
    for page in Self.pages {
      for words in try Self.commands(page) where words.contains("bred") {
        for (option, value) in zip(words, words.dropFirst()) where option == "--set" {
          count += 1
          let key = String(value.prefix { $0 != "=" })
          #expect(
            Self.schema.entry(key) != nil, "\(page): --set \(value)")
        }
      }
    }
    #expect(count > 20)
  }

  @Test func wrongCommandsWouldBeSeen() {
    #expect(throws: (any Error).self) {
      try Bred.parseAsRoot(["evaluate", "--policy", "x", "--episode", "3"])
    }
    #expect(Self.schema.entry("finetune.replay") == nil)
  }

  @Test func everyRuleOfThePagesExists() throws {
    let makefiles = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent("experiments").path
    ).flatMap { folder in
      ((try? FileManager.default.contentsOfDirectory(
        atPath: Self.root.appendingPathComponent("experiments/\(folder)").path)) ?? [])
        .filter { $0.hasSuffix(".mk") }.map { "experiments/\(folder)/\($0)" }
    }
    let rules = try (["Makefile"] + makefiles).map { try Self.text($0) }.joined(separator: "\n")
    let figures = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent("experiments/figures").path
    ).filter { $0.hasPrefix("figure-") && $0.hasSuffix(".yaml") }.map { $0.dropLast(5) }
    var count = 0
    for page in Self.pages {
      for words in try Self.commands(page) where words.first == "make" {
        for target in words.dropFirst() where !target.contains("=") && !target.hasPrefix("-") {
          count += 1
          let isThere = rules.contains("\n\(target):") || figures.contains(target[...])
          #expect(isThere, "\(page): make \(target)")
        }
      }
    }
    #expect(count > 15)
  }

  @Test func everyLinkLeadsSomewhere() throws {
    var count = 0
    for page in Self.pages {
      let text = try Self.text(page)
      let folder = Self.root.appendingPathComponent(page).deletingLastPathComponent()
      for match in text.matches(of: #/\]\(([^)\s]+)\)/#) {
        let target = String(match.1)
        guard !target.contains("://") else { continue }
        count += 1
        let parts = target.split(separator: "#", omittingEmptySubsequences: false)
        let file =
          parts[0].isEmpty
          ? Self.root.appendingPathComponent(page)
          : folder.appendingPathComponent(String(parts[0])).standardized
        #expect(
          FileManager.default.fileExists(atPath: file.path), "\(page): link to \(target)")
        guard parts.count > 1, file.pathExtension == "md" else { continue }
        let anchors = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
          .filter { $0.hasPrefix("#") }.map(Self.anchor)
        #expect(anchors.contains(String(parts[1])), "\(page): anchor of \(target)")
      }
    }
    #expect(count > 50)
  }

  /// As GitHub makes them: small letters, digits, hyphens for spaces.
  private static func anchor(_ heading: Substring) -> String {
    heading.drop { $0 == "#" || $0 == " " }.lowercased().compactMap { character in
      character == " "
        ? "-"
        : character.isLetter || character.isNumber || "-_".contains(character)
          ? String(character) : nil
    }.joined()
  }
}
