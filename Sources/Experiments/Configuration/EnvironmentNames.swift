/// Names of the tasks this package knows, as configurations spell them.
enum EnvironmentNames {
  static let all = ["halfcheetah", "hopper", "walker2d"]
}
