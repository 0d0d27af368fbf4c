import Foundation
import Physics
import Testing

/// A ball on a vertical slide above the ground.
let ball = Array(
  """
  <mujoco>
    <worldbody>
      <geom type="plane" size="1 1 1"/>
      <body pos="0 0 1">
        <joint name="z" type="slide" axis="0 0 1"/>
        <geom size="0.1"/>
      </body>
    </worldbody>
    <actuator><motor joint="z" ctrllimited="true" ctrlrange="-1 1"/></actuator>
  </mujoco>
  """.utf8)

struct PhysicsModelTests {
  @Test func compilesText() throws {
    let model = try PhysicsModel(mjcf: ball, title: "ball")
    #expect(model.positionSize == 1)
    #expect(model.velocitySize == 1)
    #expect(model.controlSize == 1)
    #expect(model.timeStep == 0.002)
    #expect(model.source == "ball")
    #expect(PhysicsModel.libraryVersion.split(separator: ".").count == 3)
  }

  @Test func compilesAFile() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "bred-\(UUID()).xml")
    try Data(ball).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    #expect(try PhysicsModel(contentsOf: file.path).positionSize == 1)
  }

  @Test func badTextIsRefusedWithMuJoCosWords() {
    let text = Array("<mujoco><worldbody><bdy/></worldbody></mujoco>".utf8)
    #expect {
      try PhysicsModel(mjcf: text, title: "wrong.xml")
    } throws: { error in
      let message = "\(error)"
      return message.hasPrefix("wrong.xml: MuJoCo cannot load it") && message.contains("bdy")
    }
    for text in [
      "", "not xml", "<mujoco>", "<mujoco><worldbody><geom size='x'/></worldbody></mujoco>",
    ] {
      #expect(throws: PhysicsError.self) { try PhysicsModel(mjcf: Array(text.utf8), title: "bad") }
    }
  }

  @Test func missingFileIsRefused() {
    #expect {
      try PhysicsModel(contentsOf: "/nowhere/robot.xml")
    } throws: { "\($0)".contains("/nowhere/robot.xml") && "\($0)".contains("MuJoCo cannot load") }
  }

  @Test func modelsWithActivationAreRefused() {
    let text = String(decoding: ball, as: UTF8.self).replacing(
      "<motor joint=\"z\" ctrllimited=\"true\" ctrlrange=\"-1 1\"/>",
      with: "<general joint=\"z\" dyntype=\"integrator\"/>")
    #expect {
      try PhysicsModel(mjcf: Array(text.utf8), title: "muscle")
    } throws: { "\($0)".contains("activation") }
  }

  @Test func fieldsAreReadByName() throws {
    let fields = try PhysicsModel(mjcf: ball, title: "ball").numericFields
    #expect(fields["nq"] == [1])
    #expect(fields["opt.timestep"] == [0.002])
    #expect(fields["opt.gravity"] == [0, 0, -9.81])
    #expect(fields["jnt_axis"] == [0, 0, 1])
    #expect(fields["geom_size"]?.count == 6)
  }
}
