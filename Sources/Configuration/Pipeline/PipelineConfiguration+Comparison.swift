extension PipelineConfiguration {
  /// `key: theirs, now ours` for each key on which two configurations differ.
  ///
  /// The dataset's path is left out: its contents are compared by digest.
  package func differences(from other: PipelineConfiguration) -> [String] {
    let mine = flatValues
    let theirs = other.flatValues
    return mine.keys.sorted().filter { $0 != "dataset.path" && mine[$0] != theirs[$0] }
      .map { "\($0) (was \(mine[$0] ?? "absent"), now \(theirs[$0] ?? "absent"))" }
  }

  /// Every value as text, by dotted key.
  var flatValues: [String: String] {
    var result: [String: String] = [:]
    func walk(_ value: Any, _ path: String) {
      let children = Mirror(reflecting: value).children
      guard !children.isEmpty else {
        result[path] = "\(value)"
        return
      }
      for child in children {
        let label = child.label ?? ""
        walk(child.value, path.isEmpty ? label : "\(path).\(label)")
      }
    }
    walk(self, "")
    return result
  }
}
