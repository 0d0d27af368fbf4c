import Datasets
import Foundation

extension DatasetReport {
  /// The pictures with their captions; those that the file has nothing for are left out.
  func charts() -> [String] {
    [returnHistogram(), lengthHistogram(), returnsInOrder(), rewardsByStep(), coverage()]
      .compactMap { $0 }
  }

  /// Episodes that are judged: the complete ones, or all where none is.
  private var episodes: [DatasetSummary.EpisodeRecord] {
    let complete = summary.episodeList.filter(\.isComplete)
    return (complete.isEmpty ? summary.episodeList : complete).filter(\.returnValue.isFinite)
  }

  private func axes(
    _ x: (Double, Double), _ y: (Double, Double), tight: Bool = false, counts: Bool = false
  ) -> Axes {
    Axes(
      x: x, y: y, width: 560, height: 330,
      margins: .init(left: 70, right: 18, top: 14, bottom: 54), tight: tight, counts: counts)
  }

  private func svg(_ axes: Axes, _ label: String, _ parts: [String]) -> String {
    ([axes.opening(label: label)] + parts + ["</svg>"]).joined(separator: "\n")
  }

  // MARK: Histograms

  private func returnHistogram() -> String? {
    let values = episodes.map(\.returnValue)
    guard !values.isEmpty else { return nil }
    let histogram = DatasetProfile.Histogram(values, bins: bins(for: values.count))
    let caption =
      "mean \(PlainText.number(summary.returnMean)) ± \(PlainText.number(summary.returnDeviation)) "
      + "(orange); percentiles "
      + zip(["5 %", "50 %", "95 %"], [0, 2, 4]).compactMap { name, index in
        summary.returnPercentiles.indices.contains(index)
          ? "\(name) \(PlainText.number(summary.returnPercentiles[index]))" : nil
      }.joined(separator: ", ")
    return Page.figure(
      "Returns of \(count(values.count, "episode"))", caption,
      bars(histogram, name: "return", mean: summary.returnMean))
  }

  private func lengthHistogram() -> String? {
    let lengths = episodes.map(\.length)
    guard let shortest = lengths.min(), let longest = lengths.max() else { return nil }
    // Around lengths that are (nearly) the same there is room to see so.
    let margin = longest - shortest < 10 ? 5.5 : 0.5
    let (lower, upper) = (Double(shortest) - margin, Double(longest) + margin)
    var histogram = DatasetProfile.Histogram(
      lower: lower, upper: upper, bins: min(bins(for: lengths.count), Int(upper - lower)))
    for length in lengths { histogram.add(Double(length)) }
    return Page.figure(
      "Lengths of \(count(lengths.count, "episode"))",
      "mean \(PlainText.number(summary.lengthMean)) (orange), \(shortest) to \(longest) rows",
      bars(histogram, name: "rows", mean: summary.lengthMean))
  }

  private func bins(for count: Int) -> Int {
    max(12, min(40, 2 * Int(Double(count).squareRoot())))
  }

  private func bars(
    _ histogram: DatasetProfile.Histogram, name: String, mean: Double
  ) -> String {
    let single = histogram.upper == histogram.lower
    let (lower, upper) =
      single ? (histogram.lower - 0.5, histogram.upper + 0.5) : (histogram.lower, histogram.upper)
    let axes = axes((lower, upper), (0, Double(max(1, histogram.counts.max() ?? 1))), counts: true)
    let step = (upper - lower) / Double(histogram.counts.count)
    var parts = axes.elements(horizontal: name, vertical: "episodes")
    for (index, count) in histogram.counts.enumerated() where count > 0 {
      let left = lower + Double(index) * step
      let (x, top) = (axes.px(left), axes.py(Double(count)))
      let width = max(1, axes.px(left + step) - x - 1)
      parts.append(
        "<rect class=\"bar\" x=\"\(SVG.fixed(x))\" y=\"\(SVG.fixed(top))\" width=\"\(SVG.fixed(width))\" "
          + "height=\"\(SVG.fixed(axes.floor - top))\" fill=\"#1f6fb4\"><title>"
          + "\(PlainText.number(left)) to \(PlainText.number(left + step)): "
          + "\(self.count(count, "episode"))</title></rect>")
    }
    if mean >= lower, mean <= upper {
      let x = axes.px(mean)
      parts.append(
        SVG.line(x, axes.margins.top, x, axes.floor, "#c4511b", width: 1.5, class: "mean"))
    }
    return svg(axes, "histogram of \(name)", parts)
  }

  private func count(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
  }

  // MARK: Curves

  private func returnsInOrder() -> String? {
    let values = episodes.map(\.returnValue)
    guard values.count >= 3, let least = values.min(), let most = values.max() else { return nil }
    let axes = axes((0, Double(values.count)), (least, most))
    var parts = axes.elements(horizontal: "episode", vertical: "return")
    let many = values.count > 1_500
    if many {
      let groups = 300
      let ranges = (0..<groups).map {
        values.count * $0 / groups..<values.count * ($0 + 1) / groups
      }
      let middles = ranges.map { Double($0.lowerBound + $0.upperBound) / 2 }
      let lower = ranges.map { values[$0].min()! }
      let upper = ranges.map { values[$0].max()! }
      let means = ranges.map { values[$0].reduce(0, +) / Double($0.count) }
      parts.append(band(axes, middles, lower, upper))
      parts.append(line(axes, middles, means))
    } else {
      let path = values.enumerated().map {
        "M\(SVG.fixed(axes.px(Double($0) + 0.5))) \(SVG.fixed(axes.py($1)))h0"
      }.joined()
      parts.append(
        "<path class=\"dots\" stroke=\"#1f6fb4\" stroke-opacity=\".6\" stroke-width=\"4.5\" "
          + "stroke-linecap=\"round\" d=\"\(path)\"/>")
    }
    return Page.figure(
      "Returns in the order of the file",
      many
        ? "mean, and least to largest, of groups of \(values.count / 300) episodes or so"
        : "one point for each episode",
      svg(axes, "returns in the order of the file", parts))
  }

  private func rewardsByStep() -> String? {
    let rewards = profile.rewards
    guard rewards.count > 1, let last = rewards.last else { return nil }
    let width = Double(profile.stepsPerBin)
    let steps = rewards.map { Double($0.step) + (width - 1) / 2 }
    let lower = rewards.map { $0.mean - $0.deviation }
    let upper = rewards.map { $0.mean + $0.deviation }
    let axes = axes((0, Double(last.step) + width), (lower.min()!, upper.max()!))
    let most = Double(max(1, rewards[0].episodes))
    let height = axes.floor - axes.margins.top
    let alive = rewards.map { axes.floor - height * Double($0.episodes) / most }
    var parts = [
      "<polygon class=\"alive\" fill=\"#eee\" points=\""
        + ([SVG.pair(axes.px(steps[0]), axes.floor)]
        + zip(steps, alive).map { SVG.pair(axes.px($0), $1) }
        + [SVG.pair(axes.px(steps.last!), axes.floor)]).joined(separator: " ") + "\"/>"
    ]
    parts += axes.elements(horizontal: "step of the episode", vertical: "reward")
    parts.append(band(axes, steps, lower, upper))
    parts.append(line(axes, steps, rewards.map(\.mean)))
    return Page.figure(
      "Reward along the episodes",
      "mean ± one deviation over \(count(summary.episodes, "episode"))"
        + (profile.stepsPerBin > 1 ? ", \(profile.stepsPerBin) steps together" : "")
        + "; grey: share of the episodes that last so long",
      svg(axes, "reward along the episodes", parts))
  }

  private func line(_ axes: Axes, _ x: [Double], _ y: [Double]) -> String {
    "<polyline class=\"line\" fill=\"none\" stroke=\"#1f6fb4\" stroke-width=\"1.6\" points=\""
      + zip(x, y).map { SVG.pair(axes.px($0), axes.py($1)) }.joined(separator: " ") + "\"/>"
  }

  private func band(_ axes: Axes, _ x: [Double], _ lower: [Double], _ upper: [Double]) -> String {
    let there = zip(x, upper).map { SVG.pair(axes.px($0), axes.py($1)) }
    let back = zip(x, lower).reversed().map { SVG.pair(axes.px($0), axes.py($1)) }
    return "<polygon class=\"band\" fill=\"#1f6fb4\" fill-opacity=\".22\" points=\""
      + (there + back).joined(separator: " ") + "\"/>"
  }

  // MARK: Coverage

  private static let densityColors = [
    "#d6e6f4", "#b7d4ec", "#8fbfe2", "#64a6d5", "#3f8bc4", "#226fae", "#115391", "#08306b",
  ]

  private func coverage() -> String? {
    guard let found = profile.coverage, let most = found.counts.max(), most > 0 else { return nil }
    let axes = axes(
      (found.x.lowerBound, found.x.upperBound), (found.y.lowerBound, found.y.upperBound),
      tight: true)
    let levels = Self.densityColors.count
    var paths = [String](repeating: "", count: levels)
    let (left, floor) = (axes.margins.left, axes.floor)
    let cellWidth = (axes.width - left - axes.margins.right) / Double(found.size)
    let cellHeight = (floor - axes.margins.top) / Double(found.size)
    func level(_ count: Int) -> Int? {
      if count == 0 { return nil }
      if most == 1 { return levels - 1 }
      return min(levels - 1, Int(Double(levels) * log(Double(count)) / log(Double(most))))
    }
    for row in 0..<found.size {
      var column = 0
      while column < found.size {
        let start = column
        let here = level(found.counts[row * found.size + column])
        // Neighbours of one colour are one rectangle.
        repeat {
          column += 1
        } while column < found.size
          && level(found.counts[row * found.size + column]) == here
        guard let here else { continue }
        let width = SVG.fixed(Double(column - start) * cellWidth)
        paths[here] +=
          "M\(SVG.fixed(left + Double(start) * cellWidth)) "
          + "\(SVG.fixed(floor - Double(row + 1) * cellHeight))h\(width)v\(SVG.fixed(cellHeight))h-\(width)z"
      }
    }
    let (x, y) = (label("observations", found.columns.x), label("observations", found.columns.y))
    var parts = axes.elements(horizontal: x, vertical: y)
    for (index, path) in paths.enumerated() where !path.isEmpty {
      parts.append(
        "<path class=\"d\(index + 1)\" fill=\"\(Self.densityColors[index])\" d=\"\(path)\"/>")
    }
    return Page.figure(
      "Coverage: observations \(found.columns.x) and \(found.columns.y)",
      "rows in a cell, up to \(most), on a logarithmic scale"
        + (found.outside > 0 ? "; \(count(found.outside, "row")) beyond five deviations" : ""),
      svg(axes, "coverage of \(x) and \(y)", parts))
  }
}
