extension ConfigurationLibrary {
  /// The tasks of `experiments/tasks`: a robot, a dataset and what depends on them.
  public static let tasks = ConfigurationLibrary(
    .task,
    [HalfCheetahTasks.texts, HopperTasks.texts, Walker2dTasks.texts].reduce(into: [:]) {
      $0.merge($1) { first, _ in first }
    })

  /// The methods of `experiments/methods`: what learns offline, what is handed over, what learns online.
  public static let methods = ConfigurationLibrary(.method, Methods.texts)
}

extension ConfigurationLayer {
  /// The first sentence of the comment that a text of the library begins with.
  public var summary: String {
    let text = yaml.split(separator: "\n").prefix { $0.hasPrefix("#") }
      .map { $0.dropFirst().drop { $0 == " " } }.joined(separator: " ")
    // A sentence ends with a point before a capital letter, as no abbreviation in these comments does.
    guard let end = text.firstRange(of: /\. (?=[A-Z])/) else { return String(text) }
    return String(text[..<end.lowerBound]) + "."
  }
}
