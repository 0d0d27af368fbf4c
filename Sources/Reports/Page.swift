import Runs

/// One self-contained page: HTML with pictures and style inside, no scripts and nothing from outside, light or
/// dark as the reader prefers, light on paper.
struct Page {
  /// Plain text; the page makes it harmless.
  let title: String
  let subtitle: String
  /// What makes the page.
  let command: String
  /// Elements, as HTML.
  let body: [String]

  func html() -> String {
    let title = SVG.escape(title)
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta name="generator" content="\(PackageVersion.producer)"/>
      <title>\(title)</title>
      <style>
      \(Page.style)
      </style>
      </head>
      <body>
      <main>
      <header>
      <h1>\(title)</h1>
      <p class="soft">\(SVG.escape(subtitle))</p>
      </header>
      \(body.filter { !$0.isEmpty }.joined(separator: "\n"))
      <footer class="soft">\(PackageVersion.producer), \(SVG.escape(command))</footer>
      </main>
      </body>
      </html>

      """
  }

  // MARK: Elements

  /// Numbers at a glance: name, value, remark, all harmless already.
  static func tiles(_ tiles: [(String, String, String)]) -> String {
    "<section class=\"tiles\">\n"
      + tiles.map {
        "<div><span class=\"soft\">\($0.0)</span><b>\($0.1)</b><span class=\"soft\">\($0.2)</span></div>"
      }.joined(separator: "\n") + "\n</section>"
  }

  /// - Parameters:
  ///   - warnings: plain text.
  ///   - none: what stands there without one.
  static func warnings(
    _ warnings: [String], title: String = "Warnings", none: String
  ) -> String {
    if warnings.isEmpty { return none.isEmpty ? "" : "<p class=\"good\">\(none)</p>" }
    let items = warnings.prefix(100).map {
      "<li>\(SVG.escape(PlainText.line($0, limit: 600)))</li>"
    }
    return "<section class=\"warnings\">\n<h2>\(title)</h2>\n<ul>\n"
      + items.joined(separator: "\n") + "\n</ul>\n</section>"
  }

  /// - Parameters:
  ///   - title, caption: plain text.
  ///   - picture: SVG, and whatever else belongs to it.
  static func figure(_ title: String, _ caption: String, _ picture: String) -> String {
    "<figure>\n<figcaption><b>\(SVG.escape(title))</b><span>\(SVG.escape(caption))</span></figcaption>\n"
      + picture + "\n</figure>"
  }

  /// - Parameters:
  ///   - head: cells, as HTML.
  ///   - rows: as HTML.
  static func table(_ title: String, _ head: String, _ rows: [String], note: String = "") -> String
  {
    "<section>\n<h2>\(title)</h2>\n" + (note.isEmpty ? "" : "<p class=\"soft\">\(note)</p>\n")
      + "<div class=\"wide\"><table>\n<thead><tr>\(head)</tr></thead>\n<tbody>\n"
      + rows.joined(separator: "\n") + "\n</tbody>\n</table></div>\n</section>"
  }

  // MARK: Style

  /// Values of the style's variables.
  private enum Palette {
    static let light = """
      --page:#fff;--ink:#1b2530;--soft:#5a6773;--line:#e0e5ea;--panel:#f6f8fa;
      --accent:#1f6fb4;--mean:#c4511b;--warn:#7a4a00;--warnpanel:#fff5e0;--warnline:#eccb8b;--good:#1d6b3a;
      --d1:#d6e6f4;--d2:#b7d4ec;--d3:#8fbfe2;--d4:#64a6d5;--d5:#3f8bc4;--d6:#226fae;--d7:#115391;--d8:#08306b;
      \(curves(CurveDrawing.colors))
      """
    static let dark = """
      --page:#11161c;--ink:#e3e9ef;--soft:#9aa7b3;--line:#2a333d;
      --panel:#182029;--accent:#5aa7e8;--mean:#f0935e;--warn:#f2cf8f;--warnpanel:#2c2312;--warnline:#5c4a22;
      --good:#7fd09b;--d1:#16304a;--d2:#1b4468;--d3:#225b88;--d4:#2d75a9;--d5:#4391c8;--d6:#6aaee0;--d7:#9bcbf0;
      --d8:#d9ecfc;
      \(curves(CurveDrawing.darkColors))
      """

    private static func curves(_ colors: [String]) -> String {
      colors.enumerated().map { "--c\($0):\($1)" }.joined(separator: ";")
    }
  }

  private static let style = """
    :root{color-scheme:light dark;\(Palette.light)}
    @media (prefers-color-scheme:dark){:root{\(Palette.dark)}}
    *{box-sizing:border-box}
    body{margin:0;background:var(--page);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
    main{max-width:1180px;margin:0 auto;padding:24px 20px 40px}
    h1{font-size:24px;margin:0;overflow-wrap:anywhere}
    h2{font-size:17px;margin:32px 0 8px}
    header p{margin:4px 0 20px}
    .soft,figcaption span{color:var(--soft)}
    .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:10px}
    .tiles div{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
    .tiles span{display:block;font-size:13px}
    .tiles b{font-size:21px;font-weight:600;font-variant-numeric:tabular-nums}
    .warnings{background:var(--warnpanel);border:1px solid var(--warnline);color:var(--warn);border-radius:8px;
    padding:10px 16px;margin-top:16px}
    .warnings h2{margin:0 0 4px;font-size:15px}
    .warnings ul{margin:0;padding-left:20px}
    .warnings li{overflow-wrap:anywhere}
    .good{color:var(--good);margin:16px 0 0}
    .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,480px),1fr));gap:18px;margin-top:20px}
    figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:12px 14px 4px}
    figcaption b{display:block;font-weight:600}
    figcaption span{font-size:13px}
    svg{width:100%;height:auto;display:block}
    svg text{fill:var(--soft)}
    .grid{stroke:var(--line)}
    .axis{stroke:var(--soft)}
    .bar,.band,.spark,.dots{fill:var(--accent)}
    .band{fill-opacity:.22}
    .line,.dots{stroke:var(--accent)}
    .mean{stroke:var(--mean)}
    .alive{fill:var(--line);fill-opacity:.6}
    .d1{fill:var(--d1)}.d2{fill:var(--d2)}.d3{fill:var(--d3)}.d4{fill:var(--d4)}
    .d5{fill:var(--d5)}.d6{fill:var(--d6)}.d7{fill:var(--d7)}.d8{fill:var(--d8)}
    .wide{overflow-x:auto}
    table{border-collapse:collapse;width:100%;font-size:13px}
    th,td{text-align:right;padding:4px 10px;border-bottom:1px solid var(--line);white-space:nowrap;
    font-variant-numeric:tabular-nums}
    th{color:var(--soft);font-weight:500}
    th:first-child,td:first-child,.left{text-align:left}
    td:first-child{white-space:normal;overflow-wrap:anywhere}
    td.text{white-space:normal;overflow-wrap:anywhere;text-align:left}
    td.text{width:75%}
    td svg{width:112px;height:22px}
    footer{margin-top:32px;font-size:13px}
    .legend{display:flex;flex-wrap:wrap;gap:2px 16px;margin:4px 0 6px;padding:0;list-style:none;font-size:13px}
    .legend svg{display:inline-block;width:26px;height:10px;margin-right:6px;vertical-align:middle}
    .marked td{background:var(--warnpanel)}
    .mark{color:var(--warn)}
    pre{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:10px 12px;margin:6px 0;
    white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.45 ui-monospace,monospace}
    .bar0{fill:var(--c0)}.bar1{fill:var(--c1)}.bar2{fill:var(--c2)}.bar3{fill:var(--c3)}.bar4{fill:var(--c4)}
    .bar5{fill:var(--c5)}.bar6{fill:var(--soft)}
    .c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}
    .c5{stroke:var(--c5)}.c6{stroke:var(--c6)}.c7{stroke:var(--c7)}.c8{stroke:var(--c8)}.c9{stroke:var(--c9)}
    .c10{stroke:var(--c10)}.c11{stroke:var(--c11)}
    .f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}.f4{fill:var(--c4)}
    .f5{fill:var(--c5)}.f6{fill:var(--c6)}.f7{fill:var(--c7)}.f8{fill:var(--c8)}.f9{fill:var(--c9)}
    .f10{fill:var(--c10)}.f11{fill:var(--c11)}
    @media print{:root{\(Palette.light)}
    :root{color-scheme:light}
    body{font-size:12px}main{max-width:none;padding:0}
    figure,tr,pre,.tiles div,.warnings{break-inside:avoid}h2{break-after:avoid}
    .charts{grid-template-columns:1fr 1fr}.wide{overflow:visible}
    td.text{width:auto}th,td{white-space:normal;padding:3px 6px}
    *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
    """
}
