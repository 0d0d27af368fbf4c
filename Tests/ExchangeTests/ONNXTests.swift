import Agents
import Autodiff
import Foundation
import RLCore
import SwiftProtobuf
import TestSupport
import Testing

@testable import Exchange

/// Runs an ONNX graph as the operators are defined, in double precision, for the few that policies need.
private struct GraphInterpreter {
  /// Rows of one width; constants are one row.
  typealias Value = [[Double]]

  private(set) var values: [String: Value] = [:]

  init(_ bytes: [UInt8], observations: Value) throws {
    let model = try Onnx_ModelProto(serializedBytes: bytes)
    for tensor in model.graph.initializer {
      let numbers = tensor.rawData.withUnsafeBytes {
        $0.bindMemory(to: Float.self).map(Double.init)
      }
      let width = tensor.dims.count == 2 ? Int(tensor.dims[1]) : numbers.count
      values[tensor.name] = stride(from: 0, to: numbers.count, by: width).map {
        Array(numbers[$0..<($0 + width)])
      }
    }
    values[try #require(model.graph.input.first).name] = observations
    for node in model.graph.node {
      let inputs = try node.input.map { try #require(values[$0]) }
      values[node.output[0]] = try GraphInterpreter.apply(node, inputs)
    }
  }

  private static func apply(_ node: Onnx_NodeProto, _ x: [Value]) throws -> Value {
    func each(_ function: (Double) -> Double) -> Value { x[0].map { $0.map(function) } }
    func pairs(_ function: (Double, Double) -> Double) -> Value {
      let rows = max(x[0].count, x[1].count)
      return (0..<rows).map { row in
        let (a, b) = (x[0][x[0].count == 1 ? 0 : row], x[1][x[1].count == 1 ? 0 : row])
        return (0..<max(a.count, b.count)).map {
          function(a[a.count == 1 ? 0 : $0], b[b.count == 1 ? 0 : $0])
        }
      }
    }
    switch node.opType {
    case "Identity", "Shape": return x[0]
    case "Relu": return each { max($0, 0) }
    case "Tanh": return each { tanh($0) }
    case "Exp": return each { exp($0) }
    case "Log": return each { log($0) }
    case "Clip": return each { min(max($0, x[1][0][0]), x[2][0][0]) }
    case "Sub": return pairs(-)
    case "Add": return pairs(+)
    case "Mul": return pairs(*)
    case "Div": return pairs(/)
    case "Max": return pairs(max)
    case "Expand": return x[1].map { _ in x[0][0] }
    case "Mean":
      return x[0].indices.map { row in
        x[0][row].indices.map { column in
          x.reduce(0) { $0 + $1[row][column] } / Double(x.count)
        }
      }
    case "Gemm":
      #expect(node.attribute.first?.name == "transB" && node.attribute.first?.i == 1)
      return x[0].map { row in
        x[1].indices.map { output in
          zip(row, x[1][output]).reduce(x[2][0][output]) { $0 + $1.0 * $1.1 }
        }
      }
    case "LayerNormalization":
      let epsilon = Double(try #require(node.attribute.first).f)
      return x[0].map { row in
        let mean = row.reduce(0, +) / Double(row.count)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        return row.indices.map {
          (row[$0] - mean) / (variance + epsilon).squareRoot() * x[1][0][$0] + x[2][0][$0]
        }
      }
    default:
      Issue.record("operator \(node.opType)")
      return x[0]
    }
  }
}

@Suite struct ONNXTests {
  @Test(arguments: TestPolicies.all.map(\.name))
  func theGraphActsAsThePolicy(name: String) throws {
    let entry = try #require(TestPolicies.all.first { $0.name == name })
    let export = try PolicyExport(TestPolicies.stored(entry.policy), producer: "bred test")
    let folder = TemporaryDirectory()
    try export.write(.onnx, to: folder.file("policy.onnx"))
    let bytes = [UInt8](try Data(contentsOf: folder.url.appendingPathComponent("policy.onnx")))

    let examples = export.examples(20, seed: 3)
    let observations = try examples.floats("observation", count: 20 * 5)
    let rows = (0..<20).map { row in observations[row * 5..<row * 5 + 5].map(Double.init) }
    let graph = try GraphInterpreter(bytes, observations: rows)
    let outputs = entry.isDistribution ? ["action", "mean", "log_std"] : ["action"]
    let model = try Onnx_ModelProto(serializedBytes: bytes)
    #expect(model.graph.output.map(\.name) == outputs)
    #expect(examples.tensors.keys.sorted() == (outputs + ["observation"]).sorted())
    for output in outputs {
      let expected = try examples.floats(output, count: 20 * 3)
      #expect(expected.contains { abs($0) > 0.1 })
      let actual = try #require(graph.values[output]).flatMap { $0 }
      #expect(normalizedError(actual, expected) < 2e-6, "\(output)")
    }
  }

  @Test func theGraphSaysWhatItIs() throws {
    let export = try PolicyExport(
      TestPolicies.stored(TestPolicies.gaussian(seed: 1)), producer: "bred test")
    let folder = TemporaryDirectory()
    try export.write(.onnx, to: folder.file("a.onnx"))
    try export.write(.onnx, to: folder.file("b.onnx"))
    let bytes = try Data(contentsOf: folder.url.appendingPathComponent("a.onnx"))
    #expect(try bytes == Data(contentsOf: folder.url.appendingPathComponent("b.onnx")))
    let model = try Onnx_ModelProto(serializedBytes: bytes)
    #expect(model.opsetImport.map(\.version) == [17] && model.irVersion == 8)
    #expect(model.producerName == "bred test")
    let metadata = model.metadataProps.map { "\($0.key)=\($0.value)" }
    #expect(metadata == ["algorithm=cql", "environment=hopper", "kind=tanh-gaussian"])
    let input = try #require(model.graph.input.first)
    #expect(input.type.tensorType.shape.dim.map(\.dimParam) == ["batch", ""])
    #expect(input.type.tensorType.shape.dim[1].dimValue == 5)
  }

  @Test func policiesThatDrawCandidatesAreRefused() {
    let policy = BatchConstrainedPolicy(
      decoder: Network(shape: NetworkShape(inputSize: 9, hiddenSizes: [4], outputSize: 3)),
      perturbation: Network(shape: NetworkShape(inputSize: 8, hiddenSizes: [4], outputSize: 3)),
      critic: Network(shape: NetworkShape(inputSize: 8, hiddenSizes: [4], outputSize: 1)),
      range: 0.05, candidates: 10)
    let error = #expect(throws: ExchangeError.self) {
      try PolicyExport(TestPolicies.stored(policy), producer: "bred test")
    }
    #expect(error?.description.contains("BatchConstrainedPolicy") == true)
  }
}
