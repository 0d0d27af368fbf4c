import DenseMath
import Environments
import Foundation
import Physics
import RLCore
import Runs
import TestSupport
import Testing

@testable import Rendering

/// Whether this machine draws and stores films.
enum Equipment {
  static let draws = (try? PhysicsRenderer.library()) != nil
  static let films = draws && (try? VideoFile.program()) != nil
  static let advice: Comment = "apt-get install libosmesa6 ffmpeg"
}

@Suite struct FilmTests {
  let folder = TemporaryDirectory()

  private func footage(_ kind: EnvironmentKind, steps: Int = 60) throws -> Footage {
    let specification = kind.specification
    let rollouts = try Rollouts(kind, pool: WorkerPool(threads: 1))
    let policy = UniformPolicy(
      observationSize: specification.observationSize, actionSize: specification.actionSize)
    // A robot that moves at random may fall within ten steps: the longest of many.
    let episode = try #require(
      rollouts.episodes(policy, count: 40, selection: .sample, seed: 3).max { $0.count < $1.count })
    return try #require(Footage(episode)).prefix(steps)
  }

  // MARK: Pictures

  /// Pixels of the robot: its limbs are orange, the ground grey-green and the sky blue or black.
  private static func robot(_ picture: [UInt8], width: Int) -> Set<Int> {
    Set(
      (0..<picture.count / 3).filter { pixel in
        let (red, green, blue) = (
          Int(picture[3 * pixel]), Int(picture[3 * pixel + 1]), Int(picture[3 * pixel + 2])
        )
        return red > blue + 30 && red > green + 10
      })
  }

  @Test(
    .enabled(if: Equipment.draws, Equipment.advice),
    arguments: EnvironmentKind.allCases)
  func theRobotIsInThePictureAndMoves(kind: EnvironmentKind) throws {
    let size = PictureSize(width: 160, height: 120)
    let renderer = try PhysicsRenderer(
      model: kind.model(), size: size, camera: .named("track"))
    let footage = try footage(kind)
    let count = footage.states.count
    let pictures = (0..<20).map { frame in
      let state = footage.states[frame * (count - 1) / 19]
      return renderer.draw([.init(position: state.position, velocity: state.velocity)])
    }
    #expect(pictures.allSatisfy { $0.count == 3 * 160 * 120 })
    let robots = pictures.map { FilmTests.robot($0, width: 160) }
    for robot in robots {
      // Some hundred of 19,200 pixels, around the middle, where the camera keeps the robot.
      #expect((150...6000).contains(robot.count), "\(robot.count) pixels of \(kind)")
      let columns = robot.map { $0 % 160 }
      let middle = columns.reduce(0, +) / max(1, columns.count)
      #expect((40..<120).contains(middle))
    }
    // Limbs move against the camera, which follows the centre.
    let moved = zip(robots, robots.dropFirst()).map { $0.symmetricDifference($1).count }
    #expect(moved.filter { $0 > 5 }.count > 10, "\(moved)")
    #expect(Set(pictures).count >= 19)
    // The same state gives the same picture, whatever was drawn before.
    let first = footage.states[0]
    let again = renderer.draw([.init(position: first.position, velocity: first.velocity)])
    #expect(again == pictures[0])
  }

  @Test(.enabled(if: Equipment.draws, Equipment.advice))
  func panelsStandSideBySide() throws {
    let size = PictureSize(width: 100, height: 80)
    let model = try EnvironmentKind.hopper.model()
    let states = try footage(.hopper).states
    let (first, last) = (states[0], states[states.count - 1])
    let one = try PhysicsRenderer(model: model, size: size, camera: .named("track"))
    let two = try PhysicsRenderer(model: model, size: size, panels: 2, camera: .named("track"))
    #expect(two.size == PictureSize(width: 200, height: 80))
    func panel(_ state: PhysicalState) -> PhysicsRenderer.Panel {
      .init(position: state.position, velocity: state.velocity)
    }
    let both = two.draw([panel(first), panel(last)])
    let alone = [first, last].map { one.draw([panel($0)]) }
    #expect(alone[0] != alone[1])
    for row in 0..<80 {
      for (side, picture) in alone.enumerated() {
        let start = 3 * (row * 200 + side * 100)
        let (part, whole) = (
          both[start..<start + 300], picture[3 * row * 100..<3 * (row + 1) * 100]
        )
        // A panel further to the right is rounded otherwise.
        #expect(zip(part, whole).allSatisfy { abs(Int($0) - Int($1)) <= 3 }, "row \(row)")
      }
    }
  }

  /// The ground is under a robot that has left the plane of its model, 40 m wide.
  @Test(.enabled(if: Equipment.draws, Equipment.advice))
  func theGroundDoesNotEnd() throws {
    let renderer = try PhysicsRenderer(
      model: EnvironmentKind.halfcheetah.model(), size: PictureSize(width: 160, height: 120),
      camera: .named("track"))
    var state = try footage(.halfcheetah).states[0]
    let near = renderer.draw([.init(position: state.position, velocity: state.velocity)])
    // A whole number of squares further, of which 1.5 go into a metre of the model's plane of 80 m.
    state.position[0] += 400
    let far = renderer.draw([.init(position: state.position, velocity: state.velocity)])
    let different = zip(near, far).count { abs(Int($0) - Int($1)) > 40 }
    #expect(different < near.count / 50, "\(different) of \(near.count)")
  }

  @Test(.enabled(if: Equipment.draws, Equipment.advice))
  func captionsAreDrawn() throws {
    let renderer = try PhysicsRenderer(
      model: EnvironmentKind.hopper.model(), size: PictureSize(width: 200, height: 150),
      camera: .named("track"))
    let state = try footage(.hopper).states[0]
    func draw(_ captions: [Caption]) -> [UInt8] {
      renderer.draw([
        .init(position: state.position, velocity: state.velocity, captions: captions)
      ])
    }
    let plain = draw([])
    let words = draw([Caption(.topLeft, [("return", "12.5")])])
    func changed(_ picture: [UInt8], rows: Range<Int>) -> Int {
      (rows.lowerBound * 600..<rows.upperBound * 600).count { picture[$0] != plain[$0] }
    }
    #expect(changed(words, rows: 0..<75) > 100)
    #expect(changed(words, rows: 75..<150) == 0)
    // Any text is harmless.
    _ = draw([
      Caption(.bottomRight, [("é\u{1f600}\u{0}\u{7f}", String(repeating: "x", count: 2000))])
    ])
  }

  @Test(.enabled(if: Equipment.draws, Equipment.advice))
  func unknownCamerasAreRefused() throws {
    let error = #expect(throws: PhysicsError.self) {
      try PhysicsRenderer(
        model: EnvironmentKind.hopper.model(), size: PictureSize(width: 100, height: 100),
        camera: .named("nobody"))
    }
    #expect(error?.description.contains("no camera 'nobody'; it has track") == true)
  }

  // MARK: Time

  @Test func framesAreThoseOfTheirMoments() {
    // 125 steps a second: every fifth at 25 frames a second.
    #expect(Film.usualRate(0.008) == 25)
    #expect(Film.usualRate(0.05) == 20)
    #expect(Film.steps(of: 12, stepDuration: 0.008, framesPerSecond: 25) == [0, 5, 10, 11])
    #expect(Film.steps(of: 11, stepDuration: 0.008, framesPerSecond: 25) == [0, 5, 10])
    // More frames than steps: a step is seen twice.
    #expect(Film.steps(of: 3, stepDuration: 0.05, framesPerSecond: 40) == [0, 0, 1, 1, 2, 2])
    #expect(Film.steps(of: 1, stepDuration: 0.05, framesPerSecond: 1) == [0])
    let second = Film.steps(of: 1000, stepDuration: 0.008, framesPerSecond: 30)
    #expect(second.count == 240 + 1 && second[30] == 125)
  }

  @Test func pathsSayTheFormat() throws {
    #expect(try VideoFormat(path: "a/b.mp4") == .mp4)
    #expect(try VideoFormat(path: "b.MKV") == .matroska)
    #expect(try VideoFormat(path: "/x/b.gif") == .gif)
    for (path, pattern) in [
      ("/x/frames", "/x/frames/%05d.png"), ("/x/v1.2/", "/x/v1.2/%05d.png"),
      ("/50%/%03d.png", "/50%%/%03d.png"),
    ] { #expect(try VideoFormat(path: path) == .frames(pattern: pattern)) }
    for path in ["a.avi", "one.png", "%d-%d.png", "a.mp3"] {
      let error = #expect(throws: RenderingError.self) { try VideoFormat(path: path) }
      #expect(error?.description.hasPrefix("\(path): expected") == true)
    }
  }

  // MARK: Films

  /// Width, height and frames of what ffmpeg wrote, by its own reading.
  private func probe(_ path: String) throws -> [String] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries",
      "stream=width,height,nb_read_frames", "-of", "csv=p=0", path,
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text.split(whereSeparator: { ",\n".contains($0) }).map(String.init)
  }

  @Test(.enabled(if: Equipment.films, Equipment.advice), arguments: ["mp4", "mkv", "gif"])
  func filmsCanBePlayed(ending: String) throws {
    var options = Film.Options()
    options.size = PictureSize(width: 96, height: 64)
    let film = try Film(.hopper, options)
    let path = folder.file("film.\(ending)")
    let one = try footage(.hopper, steps: 8)
    let other = one.prefix(3)
    let scenes = [[one, other], [other, other]]
    #expect(film.frameCount(scenes) == 3 + 2)
    var seen: [Int] = []
    let outcome = try film.write(scenes, titles: ["a", "b"], to: path) { seen.append($0) }
    #expect(outcome == Film.Outcome(frames: 5, framesPerSecond: 25, isInterrupted: false))
    #expect(seen == Array(1...5))
    #expect(try probe(path) == ["192", "64", "5"])
    #expect(folder.contents == ["film.\(ending)"])
  }

  @Test(.enabled(if: Equipment.films, Equipment.advice))
  func framesAreFiles() throws {
    var options = Film.Options()
    options.size = PictureSize(width: 64, height: 48)
    let film = try Film(.hopper, options)
    let scene = [try footage(.hopper, steps: 8)]
    _ = try film.write([scene], titles: [""], to: folder.file("100%/"))
    #expect(TemporaryDirectory.names(folder.file("100%")) == (1...3).map { "0000\($0).png" })
    let error = #expect(throws: RenderingError.self) {
      try film.write([scene], titles: [""], to: folder.file("100%"))
    }
    #expect(error?.description.contains("00001.png: cannot write: the file exists already") == true)
  }

  @Test(.enabled(if: Equipment.films, Equipment.advice))
  func anInterruptedFilmCanBePlayed() throws {
    var options = Film.Options()
    options.size = PictureSize(width: 64, height: 48)
    let interruption = Interruption()
    let path = folder.file("film.mp4")
    let outcome = try Film(.hopper, options).write(
      [[try footage(.hopper)]], titles: [""], to: path, interruption: interruption
    ) { if $0 == 2 { interruption.request() } }
    #expect(outcome.isInterrupted && outcome.frames == 2)
    #expect(try probe(path) == ["64", "48", "2"])
  }

  @Test(.enabled(if: Equipment.films, Equipment.advice))
  func whatCannotBeWrittenIsOneError() throws {
    let scene = [try footage(.hopper, steps: 20)]
    var odd = Film.Options()
    odd.size = PictureSize(width: 65, height: 48)
    var fast = Film.Options()
    fast.framesPerSecond = 60
    try "mine".write(toFile: folder.file("file"), atomically: true, encoding: .utf8)
    for (options, name, words) in [
      (odd, "a.mp4", "even numbers"), (fast, "a.gif", "at most 50 frames"),
      (Film.Options(), "file/a.mp4", "cannot write"),
    ] {
      let error = #expect(throws: RenderingError.self) {
        try Film(.hopper, options).write([scene], titles: [""], to: folder.file(name))
      }
      #expect(error?.description.contains(words) == true, "\(error.map { "\($0)" } ?? "-")")
    }
    // A folder in the way of the finished film.
    let taken = folder.file("taken.mp4")
    try FileManager.default.createDirectory(atPath: taken, withIntermediateDirectories: true)
    #expect(throws: RenderingError.self) {
      try Film(.hopper).write([scene], titles: [""], to: taken)
    }
    #expect(folder.contents == ["file", "taken.mp4"])
  }
}
