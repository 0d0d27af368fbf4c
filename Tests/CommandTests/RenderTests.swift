import Foundation
import Physics
import Runs
import Stages
import TestSupport
import Testing

/// `bred render` and `online.videoInterval`, as a user runs them.
@Suite struct RenderTests {
  private let folder = TemporaryDirectory()
  private let workshop = Workshop.shared
  private var actor: String { "\(workshop.ensemble)/member-0/actor.safetensors" }

  private static let films: Bool = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return (try? PhysicsRenderer.library()) != nil
      && path.split(separator: ":").contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/ffmpeg")
      }
  }()
  private static let advice: Comment = "apt-get install libosmesa6 ffmpeg"

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  /// What is filmed are the episodes that are evaluated.
  @Test(.enabled(if: films, advice)) func filmsAreOfTheEvaluatedEpisodes() throws {
    let evaluated = try object(
      CommandRunner.run(
        "evaluate", "--policy", actor, "--episodes", "2", "--seed", "7", "--json"
      ).output)
    let path = folder.file("film.gif")
    let result = try CommandRunner.run(
      "render", "--policy", "one=\(actor)", "--compare", workshop.ensemble, "--output", path,
      "--episodes", "2", "--seed", "7", "--size", "96x64", "--json")
    #expect(result.status == 0, "\(result.errors)")
    let film = try object(result.output)
    let panels = try #require(film["panels"] as? [[String: Any]])
    #expect(panels.map { $0["title"] as? String } == ["one", "weights"])
    #expect(panels[0]["returns"] as? [Double] == evaluated["returns"] as? [Double])
    #expect(panels[0]["lengths"] as? [Int] == evaluated["lengths"] as? [Int])
    #expect(film["environment"] as? String == "hopper" && film["framesPerSecond"] as? Int == 25)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(bytes.prefix(6) == Data("GIF89a".utf8) && bytes.count > 1000)
    #expect(folder.contents == ["film.gif"])
  }

  @Test(.enabled(if: films, advice)) func storedEpisodesAreFilmed() throws {
    let summary = try object(
      CommandRunner.run("dataset", "inspect", workshop.dataset, "--json").output)
    let episodes = try #require(summary["episodes"] as? Int)
    func render(_ more: String...) throws -> CommandRunner.Result {
      try CommandRunner.run(
        ["render", "--trajectory", workshop.dataset, "--size", "64x48", "--json"] + more)
    }
    let path = folder.file("frames")
    let result = try render(
      "--output", path, "--episode", "0", "--episodes", "\(episodes)", "--steps", "9",
      "--camera", "150,-20,4")
    #expect(result.status == 0, "\(result.errors)")
    let film = try object(result.output)
    let panel = try #require((film["panels"] as? [[String: Any]])?.first)
    #expect((panel["lengths"] as? [Int])?.count == episodes)
    #expect(film["frames"] as? Int == TemporaryDirectory.names(path).count)
    let refused = try render("--output", folder.file("a.mp4"), "--episode", "\(episodes)")
    #expect(
      refused.status == 1
        && refused.errors.contains("expected numbers from 0 to \(episodes - 1), found \(episodes)"),
      "\(refused.errors)")
  }

  @Test func usageIsChecked() throws {
    for (arguments, words) in [
      ([], "one of the two"),
      (["--policy", actor, "--trajectory", workshop.dataset], "one of the two"),
      (["--policy", actor, "--episode", "1"], "needs --trajectory"),
      (["--policy", actor, "--episodes", "0"], "--episodes is 0, allowed: 1…1000000"),
      (["--policy", actor, "--fps", "0"], "--fps is 0.0, allowed"),
      (["--policy", actor, "--size", "10x10"], "--size"),
      (["--policy", actor, "--camera", "90,0"], "--camera"),
    ] {
      let result = try CommandRunner.run(
        ["render", "--output", folder.file("a.mp4")] + arguments)
      #expect(result.status == 2 && result.errors.contains(words), "\(result.errors)")
    }
    let ending = try CommandRunner.run("render", "--policy", actor, "--output", "a.avi")
    #expect(ending.status == 1 && ending.errors.contains("a.avi: expected .mp4"))
    #expect(folder.contents.isEmpty)
  }

  /// One sentence says what is missing, and a run that wants videos does not begin.
  @Test func missingProgramsAreNamed() throws {
    let environment = ["PATH": folder.file("empty")]
    let render = try CommandRunner.start(
      ["render", "--policy", actor, "--output", folder.file("a.mp4")], environment: environment
    ).wait()
    #expect(render.status == 1)
    #expect(
      render.errors == "error: ffmpeg is missing; install it: apt-get install ffmpeg\n",
      "\(render.errors)")
    let run = try CommandRunner.start(
      sac("run", "--set", "online.videoInterval=20"), environment: environment
    ).wait()
    #expect(run.status == 1, "\(run.errors)")
    #expect(
      run.errors.contains("online.videoInterval") && run.errors.contains("apt-get install ffmpeg"))
    #expect(folder.contents.isEmpty)
  }

  @Test(.enabled(if: films, advice)) func aFailingProgramIsOneError() throws {
    let programs = folder.file("programs")
    try FileManager.default.createDirectory(atPath: programs, withIntermediateDirectories: true)
    let program = "\(programs)/ffmpeg"
    try "#!/bin/sh\necho 'No space left on device' >&2\nexit 1\n".write(
      toFile: program, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let path = folder.file("a.mp4")
    let result = try CommandRunner.start(
      ["render", "--policy", actor, "--output", path, "--quiet"], environment: ["PATH": programs]
    ).wait()
    #expect(result.status == 1)
    #expect(
      result.errors == "error: \(path): cannot write: ffmpeg: No space left on device\n",
      "\(result.errors)")
    #expect(folder.contents == ["programs"])
  }

  @Test(.enabled(if: films, advice)) func theFilmOfAnInterruptedCommandCanBePlayed() throws {
    let path = folder.file("long.mp4")
    let run = try CommandRunner.start([
      "render", "--policy", actor, "--output", path, "--size", "64x48", "--episodes", "200",
      "--fps", "125",
    ])
    while run.process.isRunning && folder.contents.isEmpty { usleep(1000) }
    kill(run.process.processIdentifier, SIGINT)
    let result = try run.wait()
    #expect(result.status == 130, "\(result.errors)")
    #expect(result.errors.contains("stopped: \(path)"))
    // A whole MP4 has its index.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(bytes.range(of: Data("moov".utf8)) != nil)
    #expect(folder.contents == ["long.mp4"])
  }

  /// Whoever stops while the episodes are played gets a film of those that have been.
  @Test(.enabled(if: films, advice)) func playingCanBeStopped() throws {
    let interruption = Interruption()
    interruption.request()
    var episodes = RenderStage.Episodes()
    episodes.count = 20_000
    let result = try RenderStage().run(
      [("", .policy(actor))], episodes: episodes, output: folder.file("short.mp4"),
      interruption: interruption, reporter: ProgressReporter(style: .quiet))
    #expect(result.interrupted && result.frames == 1)
    #expect(result.panels[0].returns.count == 1)
  }

  // MARK: Runs

  private func sac(_ output: String, _ more: String...) -> [String] {
    [
      "sac", "--env", "hopper", "--output", folder.file(output), "--quiet", "--set",
      "networks.hiddenUnits=8", "--set", "online.environmentSteps=100", "--set",
      "online.blockSteps=20", "--set", "online.updatesPerStep=0.2", "--set",
      "evaluation.episodes=2",
    ] + more
  }

  @Test(.enabled(if: films, advice)) func videosChangeNothingElse() throws {
    #expect(try CommandRunner.run(sac("plain")).status == 0)
    let filmed = try CommandRunner.run(sac("filmed", "--set", "online.videoInterval=50"))
    #expect(filmed.status == 0 && filmed.errors.isEmpty, "\(filmed.errors)")
    let plain = untimedResults(in: folder.file("plain"))
    #expect(plain.count > 2 && untimedResults(in: folder.file("filmed")) == plain, "\(plain.keys)")
    // At the start, and where 50 and 100 steps were passed.
    #expect(
      TemporaryDirectory.names(folder.file("filmed/videos"))
        == ["00000000.mp4", "00000060.mp4", "00000100.mp4"])
    #expect(!FileManager.default.fileExists(atPath: folder.file("plain/videos")))
  }
}
