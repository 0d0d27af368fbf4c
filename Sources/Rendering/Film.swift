import Foundation
public import Environments
public import Physics
import RLCore
public import Runs

/// Makes a film of episodes of one robot, one beside the other where they are compared.
///
/// Time in it is the robot's: a second of film is a simulated second. Step, return so far and D4RL's score
/// of that return stand in the picture.
public struct Film {
  /// What the film looks like.
  public struct Options: Sendable, Equatable {
    /// Of one episode's part of the picture.
    public var size = PictureSize(width: 480, height: 360)
    /// `nil`: as many, up to 30, as the robot takes whole steps for.
    public var framesPerSecond: Double?
    /// The robots' models have one that goes along at their side.
    public var camera = Camera.named("track")

    public init() {}
  }

  /// What was written.
  public struct Outcome: Sendable, Equatable {
    /// Pictures in the file.
    public var frames: Int
    /// Pictures for each second of the robot's time, which is the film's too.
    public var framesPerSecond: Double
    /// Whether it was stopped before its end; what is there can be played.
    public var isInterrupted: Bool
  }

  private let kind: EnvironmentKind
  private let options: Options
  private let framesPerSecond: Double
  private let stepDuration: Double

  /// A film of this robot; nothing is written yet.
  /// - Throws: `PhysicsError` where its model cannot be loaded.
  public init(_ kind: EnvironmentKind, _ options: Options = Options()) throws(PhysicsError) {
    (self.kind, self.options) = (kind, options)
    stepDuration = try kind.stepDuration()
    framesPerSecond = options.framesPerSecond ?? Film.usualRate(stepDuration)
  }

  /// Refuses at once what could not be filmed later: no library that draws, no `ffmpeg`.
  ///
  /// - Throws: `PhysicsError.cannotDraw` or ``RenderingError/missingProgram(name:package:)``, which
  ///   name the package.
  public static func check() throws {
    _ = try VideoFile.program()
    _ = try PhysicsRenderer.library()
  }

  /// Films scenes one after the other.
  ///
  /// - Parameters:
  ///   - scenes: each with the episodes that are seen side by side, as many in every scene.
  ///   - titles: of the panels, from the left; empty ones are left out.
  ///   - path: see ``VideoFormat/init(path:)``.
  ///   - interruption: ends the film early.
  ///   - progress: gets the frames so far.
  /// - Throws: `PhysicsError`, ``RenderingError``; then there is no video.
  public func write(
    _ scenes: [[Footage]], titles: [String], to path: String, interruption: Interruption? = nil,
    progress: (_ frames: Int) -> Void = { _ in }
  ) throws -> Outcome {
    let panels = titles.count
    precondition(
      !scenes.isEmpty && scenes.allSatisfy { $0.count == panels }, "\(panels) titles of panels")
    let renderer = try PhysicsRenderer(
      model: kind.model(), size: options.size, panels: panels, camera: options.camera)
    let file = try VideoFile(path, size: renderer.size, framesPerSecond: framesPerSecond)
    var isInterrupted = false
    film: for (number, scene) in scenes.enumerated() {
      let reels = zip(scene, titles).map {
        Reel(
          $0, title: $1, number: number + 1, of: scenes.count, specification: kind.specification)
      }
      for step in steps(of: scene) {
        // A film of at least one frame can be played.
        if interruption?.isRequested == true, file.count > 0 {
          isInterrupted = true
          break film
        }
        try file.append(renderer.draw(reels.map { $0.panel(at: step) }))
        progress(file.count)
      }
    }
    try file.finish()
    return Outcome(
      frames: file.count, framesPerSecond: framesPerSecond, isInterrupted: isInterrupted)
  }

  /// How many frames ``write(_:titles:to:interruption:progress:)`` makes of these scenes.
  public func frameCount(_ scenes: [[Footage]]) -> Int {
    scenes.reduce(0) { $0 + steps(of: $1).count }
  }

  private func steps(of scene: [Footage]) -> [Int] {
    Film.steps(
      of: scene.map(\.states.count).max() ?? 0, stepDuration: stepDuration,
      framesPerSecond: framesPerSecond)
  }

  /// Frames per second, at most 30, between which there are equally many whole steps.
  static func usualRate(_ stepDuration: Double) -> Double {
    let rate = 1 / stepDuration
    return rate / (rate / 30 - 1e-9).rounded(.up)
  }

  /// The steps that are seen, one for each frame: those of the moments of the frames, and the last.
  static func steps(
    of count: Int, stepDuration: Double, framesPerSecond: Double
  ) -> [Int] {
    var result: [Int] = []
    for frame in 0... {
      // Moments that are those of steps but for rounding are theirs.
      let step = Int(Double(frame) / (framesPerSecond * stepDuration) + 1e-6)
      if step >= count { break }
      result.append(step)
    }
    if result.last != count - 1 { result.append(count - 1) }
    return result
  }
}

/// An episode with what is written into its pictures.
private struct Reel {
  let footage: Footage
  /// Return up to and with each step.
  let returns: [Double]
  let title: String
  /// Such as `2/3`; empty for one of one.
  let number: String
  let specification: EnvironmentSpecification

  init(
    _ footage: Footage, title: String, number: Int, of count: Int,
    specification: EnvironmentSpecification
  ) {
    (self.footage, self.title, self.specification) = (footage, title, specification)
    self.number = count > 1 ? "\(number)/\(count)" : ""
    var sum = 0.0
    returns = footage.rewards.map { reward in
      sum += reward
      return sum
    }
  }

  /// An episode that is over stands still.
  func panel(at step: Int) -> PhysicsRenderer.Panel {
    let last = footage.states.count - 1
    let index = min(step, last)
    var lines: [(label: String, value: String)] = []
    if !number.isEmpty { lines.append(("episode", number)) }
    lines.append(("step", Reel.padded("\(index + 1)")))
    lines.append(("return", Reel.number(returns[index])))
    lines.append(("score", Reel.number(specification.normalizedScore(ofReturn: returns[index]))))
    if index == last, !footage.ending.isEmpty { lines.append(("end", footage.ending)) }
    // Above, where there is nothing but sky.
    var captions = [Caption(.topRight, lines)]
    if !title.isEmpty { captions.append(Caption(.topLeft, [(title, "")])) }
    return PhysicsRenderer.Panel(
      position: footage.states[index].position, velocity: footage.states[index].velocity,
      captions: captions)
  }

  private static func number(_ value: Double) -> String { padded(String(format: "%.1f", value)) }

  /// The same width throughout, so that words stay where they are.
  private static func padded(_ text: String) -> String {
    String(repeating: " ", count: max(0, 7 - text.count)) + text
  }
}
