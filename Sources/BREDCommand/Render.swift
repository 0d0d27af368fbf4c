import ArgumentParser
import Foundation
import Physics
import RLCore
import Rendering
import Runs
import Stages

struct Render: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Film a policy, or an episode of a dataset.",
    discussion: """
      The mean action, unless --stochastic; episodes are those of bred evaluate with the same seed. A \
      second of film is a simulated second. Step, return so far and D4RL's score of it stand in the \
      picture. With --compare a second policy runs beside the first. A label in front of a path becomes \
      the title of its part: after=runs/hopper-0.

      The ending of --output says what is made: .mp4, .mkv, .gif, or PNG frames in a folder or under a \
      name with %05d.png. A video of that name is replaced. Ctrl-C ends the film where it is.

      Draws without a screen or a graphics card, by Mesa's OSMesa, and stores with ffmpeg: apt-get install \
      libosmesa6 ffmpeg. Without OSMesa a device with EGL draws; MUJOCO_GL=egl or osmesa chooses.

      Examples:
        bred render --policy runs/hopper-0 --output hopper.mp4
        bred render --policy before=runs/demo/distill \\
          --compare after=runs/demo/finetune --output demo.gif \\
          --size 320x240 --steps 200
        bred render --env hopper --policy actor.safetensors --output frames/ \\
          --episodes 3 --seed 1
        bred render --trajectory hopper_medium-v2.hdf5 --episode 12 \\
          --output episode.mp4 --camera 150,-20,4
      """)

  @Option(
    name: [.customLong("env"), .customLong("env-id"), .customLong("task")],
    help: ArgumentHelp(
      "Task: hopper, walker2d or halfcheetah. (default: the one that the file names)",
      valueName: "name"))
  var env: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Policy weights, safetensors; a folder of agents; or a run's directory.",
      valueName: "[label=]path"), completion: .file())
  var policy: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "D4RL HDF5 file whose infos/qpos and infos/qvel are shown instead of a policy.",
      valueName: "[label=]file"), completion: .file())
  var trajectory: String?

  @Option(
    name: .long, parsing: .unconditional, help: "Episode of the file that is shown first, from 0.")
  var episode: Int?

  @Option(
    name: .long,
    help: ArgumentHelp("A policy that is shown beside.", valueName: "[label=]path"),
    completion: .file())
  var compare: String?

  @Option(
    name: [.short, .long], help: "Film to write.", completion: .file(),
    transform: HomePath.expanded)
  var output: String

  @Option(name: .long, parsing: .unconditional, help: "Episodes, one after the other.")
  var episodes = 1

  @Option(
    name: .long, parsing: .unconditional, help: "Steps of each episode. (default: all of them)")
  var steps: Int?

  @Option(name: .long, parsing: .unconditional, help: "Seed of starts and actions.")
  var seed: UInt64 = 0

  @Flag(name: .long, help: "Sample actions instead of taking the mean.")
  var stochastic = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "track, the model's own at the robot's side, or one that goes along: degrees about the vertical (90: from the side), degrees of height (below 0: from above), metres.",
      valueName: "track|azimuth,elevation,distance"))
  var camera = CameraOption(value: Film.Options().camera, text: "track")

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Pixels of one robot's part of the picture, 32 to 4096 on each side.",
      valueName: "width>x<height"))
  var size = SizeOption(value: Film.Options().size)

  @Option(
    name: .long,
    help: "Frames a second. (default: up to 30, so that steps are evenly spaced)")
  var fps: Double?

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    if (policy == nil) == (trajectory == nil) {
      throw ValidationError("give --policy or --trajectory, one of the two")
    }
    if episode != nil, trajectory == nil {
      throw ValidationError("--episode is one of a file: it needs --trajectory")
    }
    for (name, value, lowest) in [
      ("--episodes", episodes, 1), ("--steps", steps ?? 1, 1), ("--episode", episode ?? 0, 0),
    ] where !(lowest...1_000_000).contains(value) {
      throw ValidationError("\(name) is \(value), allowed: \(lowest)…1000000")
    }
    if let fps, !(0.1...240).contains(fps) {
      throw ValidationError("--fps is \(fps), allowed: 0.1…240")
    }
  }

  mutating func run() throws {
    var subjects: [(title: String, subject: RenderStage.Subject)] = []
    if let policy {
      let named = LabelledPath(policy)
      subjects.append((title(named), .policy(named.path)))
    }
    if let trajectory {
      let named = LabelledPath(trajectory)
      subjects.append((title(named), .trajectory(file: named.path, episode: episode ?? 0)))
    }
    if let compare {
      let named = LabelledPath(compare)
      subjects.append((title(named), .policy(named.path)))
    }
    var played = RenderStage.Episodes()
    (played.count, played.steps, played.seed) = (episodes, steps, seed)
    played.selection = stochastic ? .sample : .mean
    var options = Film.Options()
    (options.size, options.framesPerSecond, options.camera) = (size.value, fps, camera.value)
    let interruption = Interruption()
    interruption.listen()
    let result = try RenderStage(environment: env, pool: threads.pool()).run(
      subjects, episodes: played, options: options, output: output, interruption: interruption,
      reporter: outputOptions.reporter)
    try report(result)
    if result.interrupted { throw ExitCode(130) }
  }

  /// Two robots that look alike need names.
  private func title(_ named: LabelledPath) -> String {
    named.label ?? (compare == nil ? "" : (named.path as NSString).lastPathComponent)
  }

  private func report(_ result: RenderStage.Outcome) throws {
    if outputOptions.json { return try Console.print(JSONText.line(result)) }
    guard !outputOptions.quiet else { return }
    for panel in result.panels {
      for (index, returnValue) in panel.returns.enumerated() {
        Console.log(
          (panel.title.isEmpty ? "" : "\(panel.title): ")
            + String(
              format: "episode %d: %d steps, return %.1f, normalized score %.2f", index,
              panel.lengths[index], returnValue, panel.normalizedScores[index]))
      }
    }
    Console.log(
      "\(result.interrupted ? "stopped" : "done"): \(output), \(result.frames) frames at "
        + String(format: "%g a second", result.framesPerSecond))
  }
}

/// A camera as it is written.
struct CameraOption: ExpressibleByArgument {
  let value: Camera
  let text: String

  init(value: Camera, text: String) { (self.value, self.text) = (value, text) }

  init?(argument: String) {
    text = argument
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    if parts.count == 1, argument == "track" {
      value = .named(argument)
      return
    }
    let numbers = parts.compactMap { Double($0) }
    guard parts.count == 3, numbers.count == 3, (-360...360).contains(numbers[0]),
      (-90...90).contains(numbers[1]), (0.1...100).contains(numbers[2])
    else { return nil }
    value = .following(azimuth: numbers[0], elevation: numbers[1], distance: numbers[2])
  }

  var defaultValueDescription: String { text }
}

/// A picture's size as it is written.
struct SizeOption: ExpressibleByArgument {
  let value: PictureSize

  init(value: PictureSize) { self.value = value }

  init?(argument: String) {
    let sides = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false)
      .compactMap { Int($0) }
    guard sides.count == 2, sides.allSatisfy(PictureSize.sides.contains) else { return nil }
    value = PictureSize(width: sides[0], height: sides[1])
  }

  var defaultValueDescription: String { "\(value.width)x\(value.height)" }
}
