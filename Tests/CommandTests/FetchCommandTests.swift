import Foundation
import TestSupport
import Testing

/// `bred dataset fetch` against servers that are slow, broken, changed or absent.
@Suite struct FetchCommandTests {
  let folder = TemporaryDirectory()
  /// Any dataset does for a file of unknown size.
  private let body = try! Data(contentsOf: Resources.fixture("datasets/d4rl-v2.hdf5"))
  private let name = "hopper-random-v1"
  private let file = "hopper_random-v1.hdf5"

  /// A dataset whose bytes differ from the beginning.
  private func anotherBody() throws -> Data {
    try Data(
      contentsOf: Resources.package.appendingPathComponent(
        "experiments/datasets/halfcheetah-demo.hdf5"))
  }

  private func start(
    _ url: String, _ more: [String] = [], name: String? = nil, path: String? = nil
  ) throws -> CommandRunner.Running {
    var environment = [
      "D4RL_DATASET_DIR": folder.path, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1",
    ]
    if let path { environment["PATH"] = path }
    return try CommandRunner.start(
      ["dataset", "fetch", name ?? self.name, "--url", url] + more, environment: environment)
  }

  private func fetch(
    _ url: String, _ more: [String] = [], name: String? = nil
  ) throws -> CommandRunner.Result {
    try start(url, more, name: name).wait()
  }

  private func contents(_ name: String) -> Data? {
    FileManager.default.contents(atPath: folder.file(name))
  }

  private func record() throws -> [String: Any] {
    let data = try #require(contents("\(file).json"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func expectWhole(_ expected: Data? = nil) throws {
    #expect(folder.contents == [file, "\(file).json"])
    #expect(contents(file) == expected ?? body)
    #expect(try record()["bytes"] as? Int == (expected ?? body).count)
  }

  @Test func whole() throws {
    let server = try FileServer(.init(body: body))
    let result = try fetch(server.url + "/", ["--json"])
    #expect(result.status == 0, "\(result.errors)")
    try expectWhole()
    #expect(server.requests.count == 1)
    #expect(server.requests[0].hasPrefix("GET /\(file) HTTP/1.1"))
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    #expect(report["downloaded"] as? Bool == true)
    // sha256sum Tests/Fixtures/datasets/d4rl-v2.hdf5
    #expect(
      report["sha256"] as? String
        == "a0da9a7255b39052fc79c2163e7f50e65a2a72fc56a6919cb9a6e9c8e78f73f0")
    #expect(try record()["sha256"] as? String == report["sha256"] as? String)
    #expect(try record()["url"] as? String == "\(server.url)/\(file)")
    #expect((try record()["date"] as? String)?.hasSuffix("Z") == true)

    // Nothing to do the second time, with or without a server.
    let again = try fetch("http://127.0.0.1:9", ["--json"])
    #expect(again.status == 0 && again.output.contains("\"downloaded\":false"))
    #expect(server.requests.count == 1)
    try fetch(server.url, ["--force", "--quiet"]).requireSuccess()
    #expect(server.requests.count == 2)
  }

  @Test func cutConnections() throws {
    var behaviour = FileServer.Behaviour(body: body)
    behaviour.cuts = [1000, 20_000]
    behaviour.tag = "\"one\""
    let server = try FileServer(behaviour)
    let result = try fetch(server.url)
    #expect(result.status == 0, "\(result.errors)")
    try expectWhole()
    #expect(server.requests.count == 3)
    #expect(server.requests[1].contains("Range: bytes=1000-"))
    #expect(server.requests[2].contains("Range: bytes=21000-"))
    #expect(server.requests[2].contains("If-Range: \"one\""))
    #expect(result.errors.contains("going on after 21000 bytes"))
  }

  @Test func connectionsThatNeverHold() throws {
    var behaviour = FileServer.Behaviour(body: body)
    behaviour.cuts = [Int](repeating: 100, count: 5)
    behaviour.tag = "\"one\""
    let server = try FileServer(behaviour)
    let result = try fetch(server.url, ["--quiet"])
    #expect(result.status == 1)
    #expect(result.errorLines.count == 1)
    #expect(result.errors.contains("breaks off again and again; 500 bytes are kept in"))
    #expect(contents("\(file).partial") == body.prefix(500))
    #expect(contents(file) == nil)
    // The same command goes on.
    try fetch(server.url).requireSuccess()
    try expectWhole()
    #expect(server.requests.last?.contains("Range: bytes=500-") == true)
  }

  @Test func connectionsWithoutAByte() throws {
    var behaviour = FileServer.Behaviour(body: body)
    behaviour.cuts = [0, 0]
    let server = try FileServer(behaviour)
    let result = try fetch(server.url, ["--quiet"])
    #expect(result.status == 1 && result.errorLines.count == 1)
    #expect(server.requests.count == 1)
    #expect(folder.contents == [])
  }

  @Test func noRanges() throws {
    var behaviour = FileServer.Behaviour(body: body)
    behaviour.ranges = false
    behaviour.cuts = [1000]
    behaviour.tag = "\"one\""
    let server = try FileServer(behaviour)
    let result = try fetch(server.url)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("does not continue this file; starting again"))
    try expectWhole()
    #expect(server.requests.count == 3)
  }

  @Test func fileChangedMeanwhile() throws {
    var behaviour = FileServer.Behaviour(body: body)
    behaviour.cuts = [Int](repeating: 1000, count: 5)
    behaviour.tag = "\"old\""
    let server = try FileServer(behaviour)
    #expect(try fetch(server.url, ["--quiet"]).status == 1)
    let other = try anotherBody()
    server.change {
      $0.tag = "\"new\""
      $0.body = other
    }
    try fetch(server.url).requireSuccess()
    try expectWhole(other)
  }

  /// The same size, other bytes, and nothing that would tell: what is there is no beginning of it.
  @Test func changedWithoutASign() throws {
    var behaviour = FileServer.Behaviour(body: body)
    behaviour.cuts = [30_000]
    behaviour.successor = (Data(body.reversed()), nil)
    let server = try FileServer(behaviour)
    let result = try fetch(server.url)
    #expect(server.requests.count == 2 && !server.requests[1].contains("Range:"))
    #expect(result.errors.contains("no sign by which a changed file is known"))
    // Backwards it is no dataset; half of each could have been one.
    #expect(result.status == 1 && result.errors.contains("is not a dataset and was removed"))
    #expect(folder.contents == [])
  }

  /// A server that sends parts of whatever it has now, with another break after that.
  @Test(arguments: [[30_000], [30_000, 1000]]) func partsOfAChangedFile(cuts: [Int]) throws {
    let other = try anotherBody()
    var behaviour = FileServer.Behaviour(body: other.prefix(body.count) as Data)
    behaviour.cuts = cuts
    behaviour.tag = "\"old\""
    behaviour.successor = (body, "\"new\"")
    behaviour.ignoresIfRange = true
    let server = try FileServer(behaviour)
    let result = try fetch(server.url)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.contains("does not continue this file; starting again"))
    try expectWhole()
  }

  /// Fewer bytes than there are, or more.
  @Test(arguments: [-1, -1000, 1, 1000]) func sizesThatAreNotTrue(difference: Int) throws {
    var behaviour = FileServer.Behaviour(body: body)
    behaviour.claimedLength = body.count + difference
    behaviour.tag = "\"one\""
    behaviour.ranges = false
    let server = try FileServer(behaviour)
    let result = try fetch(server.url, ["--quiet"])
    #expect(result.status == 1 && result.errorLines.count == 1, "\(result.errors)")
    #expect(contents(file) == nil)
  }

  /// Without a tag everything comes again.
  @Test func sizeChangedMeanwhile() throws {
    var behaviour = FileServer.Behaviour(body: body)
    behaviour.cuts = [Int](repeating: 1000, count: 5)
    let server = try FileServer(behaviour)
    #expect(try fetch(server.url, ["--quiet"]).status == 1)
    let other = try anotherBody()
    server.change { $0.body = other }
    try fetch(server.url).requireSuccess()
    try expectWhole(other)
  }

  @Test func anotherServerStartsAnew() throws {
    var behaviour = FileServer.Behaviour(body: body)
    behaviour.cuts = [Int](repeating: 1000, count: 5)
    let first = try FileServer(behaviour)
    #expect(try fetch(first.url, ["--quiet"]).status == 1)
    let second = try FileServer(.init(body: body))
    try fetch(second.url).requireSuccess()
    #expect(second.requests.count == 1 && !second.requests[0].contains("Range:"))
    try expectWhole()
  }

  @Test(arguments: [404, 403, 500])
  func refusedByTheServer(status: Int) throws {
    var behaviour = FileServer.Behaviour(body: body)
    behaviour.status = status
    let server = try FileServer(behaviour)
    let result = try fetch(server.url)
    #expect(result.status == 1 && result.errorLines.count == 1)
    #expect(result.errors.contains("HTTP status \(status)"))
    #expect(result.errors.contains("put it at \(folder.file(file))"))
    #expect(folder.contents == [])
  }

  @Test func wrongSize() throws {
    let server = try FileServer(.init(body: body))
    let result = try fetch(server.url, name: "hopper-medium-v2")
    #expect(result.status == 1)
    #expect(result.errors.contains("has \(body.count) bytes, expected 152756557"))
    #expect(folder.contents == [])
    try fetch(server.url, ["--any-size"], name: "hopper-medium-v2").requireSuccess()
    #expect(contents("hopper_medium-v2.hdf5") == body)
    // Now that a record says where it comes from, it is taken as it is.
    #expect(try fetch(server.url, name: "hopper-medium-v2").status == 0)
  }

  @Test func fileOfAnotherSizeIsLeft() throws {
    try Data("mine".utf8).write(to: URL(fileURLWithPath: folder.file("hopper_medium-v2.hdf5")))
    let result = try fetch("http://127.0.0.1:9", name: "hopper-medium-v2")
    #expect(result.status == 1)
    #expect(result.errors.contains("has 4 bytes, expected 152756557"))
    #expect(contents("hopper_medium-v2.hdf5") == Data("mine".utf8))
  }

  @Test func notADataset() throws {
    let server = try FileServer(.init(body: Data("<html>please log in</html>".utf8)))
    let result = try fetch(server.url)
    #expect(result.status == 1)
    #expect(result.errors.contains("is not a dataset and was removed"))
    #expect(folder.contents == [])
  }

  @Test func withoutANetwork() throws {
    // Nobody listens at the discard port.
    let result = try fetch("http://127.0.0.1:9")
    #expect(result.status == 1 && result.errorLines.count == 1 && result.output.isEmpty)
    #expect(
      result.errors.contains(
        "download http://127.0.0.1:9/\(file) elsewhere and put it at \(folder.file(file))"))
    #expect(folder.contents == [])
  }

  @Test func withoutCurl() throws {
    let result = try start("http://127.0.0.1:9", path: folder.path).wait()
    #expect(result.status == 1)
    #expect(result.errors.contains("curl is not installed"))
    #expect(folder.contents == [])
  }

  /// What transfers may have inherited that signals are blocked or ignored.
  @Test(.timeLimit(.minutes(2))) func aTransferThatHeedsNoSignal() throws {
    let programs = TemporaryDirectory()
    let mark = programs.file("running")
    try "#!/bin/sh\ntrap '' INT TERM HUP\n: >'\(mark)'\nwhile :; do /bin/sleep 0.1; done\n".write(
      toFile: programs.file("curl"), atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: programs.file("curl"))
    let running = try start("http://127.0.0.1:9", path: programs.path)
    while running.process.isRunning, !FileManager.default.fileExists(atPath: mark) {
      usleep(10_000)
    }
    running.process.interrupt()
    #expect(try running.wait().status == 130)
    #expect(folder.contents == [])
  }

  /// Ctrl-C keeps what is there.
  @Test func interrupted() throws {
    var behaviour = FileServer.Behaviour(body: body)
    behaviour.stall = 5000
    behaviour.tag = "\"one\""
    let server = try FileServer(behaviour)
    let running = try start(server.url)
    let deadline = Date().addingTimeInterval(30)
    while contents("\(file).partial")?.count != 5000, Date() < deadline { usleep(10_000) }
    // Another one keeps off meanwhile.
    let other = try fetch(server.url)
    #expect(other.status == 1 && other.errors.contains("another process"))
    running.process.interrupt()
    let result = try running.wait()
    #expect(result.status == 130)
    #expect(result.errors.contains("5000 bytes are kept in"))
    #expect(contents("\(file).partial") == body.prefix(5000))
    server.change { $0.stall = nil }
    try fetch(server.url).requireSuccess()
    #expect(server.requests.last?.contains("Range: bytes=5000-") == true)
    try expectWhole()
  }
}
