import Agents
import Autodiff
import RLCore
import SwiftProtobuf

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A policy as an ONNX graph: `observation` `[batch, observationSize]` → `action` and, for distributions,
/// `mean` and `log_std`, each `[batch, actionSize]`, float32.
///
/// Normaliser, squashing and the moments of a mixture (BRED, eq. 9) are nodes of the graph.
struct ONNXModel {
  /// The first version with LayerNormalization.
  static let operatorSet: Int64 = 17
  private static let formatVersion: Int64 = 8
  private static let float: Int32 = 1
  /// Added to a layer's variance, as PyTorch does by default.
  private static let layerNormMargin: Float = 1e-5
  /// What log σ̄² of a mixture is taken of at least.
  private static let leastVariance: Float = 1.2e-38

  private(set) var model = Onnx_ModelProto()
  private var graph = Onnx_GraphProto()

  init(_ policy: PolicyNetworks, producer: String, metadata: [String: String]) {
    graph.name = "policy"
    graph.input = [ONNXModel.value("observation", columns: policy.observationSize)]
    var outputs = ["action"]
    if let logStd = addDistribution(policy) {
      add("Identity", [logStd], as: "log_std")
      outputs += ["mean", "log_std"]
    }
    graph.output = outputs.map { ONNXModel.value($0, columns: policy.actionSize) }
    model.irVersion = ONNXModel.formatVersion
    model.producerName = producer
    var operators = Onnx_OperatorSetIdProto()
    operators.version = ONNXModel.operatorSet
    model.opsetImport = [operators]
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      var entry = Onnx_StringStringEntryProto()
      (entry.key, entry.value) = (key, value)
      model.metadataProps.append(entry)
    }
    model.graph = graph
  }

  func bytes() -> [UInt8] {
    do {
      return try model.serializedBytes()
    } catch {
      preconditionFailure("a model of ours cannot be serialised: \(error)")
    }
  }

  // MARK: The policy

  /// Adds `action` and, where there is a distribution, `mean`.
  ///
  /// - Returns: the name of log σ.
  private mutating func addDistribution(_ policy: PolicyNetworks) -> String? {
    var input = "observation"
    if let normalizer = policy.normalizer {
      let mean = constant("normalizer.mean", normalizer.mean)
      let std = constant("normalizer.std", normalizer.std)
      input = add("Div", [add("Sub", [input, mean]), std])
    }
    if policy.members.count > 1 {
      let (mean, logStd) = mixture(policy.members, input)
      add("Identity", [mean], as: "mean")
      add("Tanh", [mean], as: "action")
      return logStd
    }
    let member = policy.members[0]
    let hidden = body(member, input, prefix: "")
    let head = linear(member, "last_fc", hidden, prefix: "")
    switch member.role {
    case .policy:
      add("Identity", [head], as: "mean")
      add("Tanh", [head], as: "action")
      return logStd(member, hidden, prefix: "")
    case .gaussian:
      add(member.squashesMean ? "Tanh" : "Identity", [head], as: "mean")
      add("Clip", ["mean", scalar(-1), scalar(1)], as: "action")
      return add("Expand", [constant("log_std_values", member.logStds!), add("Shape", [head])])
    case .deterministic, .critic, .network:
      add("Tanh", [head], as: "action")
      return nil
    }
  }

  /// μ̄ and log σ̄ of equally weighted members.
  private mutating func mixture(
    _ members: [NetworkFile], _ input: String
  ) -> (mean: String, logStd: String) {
    var (means, logStds): ([String], [String]) = ([], [])
    for (index, member) in members.enumerated() {
      let prefix = "member-\(index)/"
      let hidden = body(member, input, prefix: prefix)
      means.append(linear(member, "last_fc", hidden, prefix: prefix))
      logStds.append(logStd(member, hidden, prefix: prefix))
    }
    let mean = add("Mean", means)
    let spreads = zip(means, logStds).map { member, logStd in
      let away = add("Sub", [member, mean])
      let sigma = add("Exp", [logStd])
      return add("Add", [add("Mul", [away, away]), add("Mul", [sigma, sigma])])
    }
    let variance = add("Max", [add("Mean", spreads), scalar(ONNXModel.leastVariance)])
    return (mean, add("Mul", [scalar(0.5), add("Log", [variance])]))
  }

  private mutating func logStd(
    _ member: NetworkFile, _ hidden: String, prefix: String
  ) -> String {
    let raw = linear(member, "last_fc_log_std", hidden, prefix: prefix)
    let bounds = member.logStdBounds
    return add("Clip", [raw, scalar(bounds.lower), scalar(bounds.upper)])
  }

  /// All layers but the head.
  private mutating func body(
    _ member: NetworkFile, _ input: String, prefix: String
  ) -> String {
    let shape = member.network.shape
    return shape.hiddenSizes.indices.reduce(input) { previous, index in
      var values = linear(member, "fc\(index)", previous, prefix: prefix)
      if shape.normalizesLayers {
        let tensors = ["weight", "bias"].map {
          tensor(member, "ln\(index).\($0)", prefix: prefix)
        }
        var epsilon = Onnx_AttributeProto()
        (epsilon.name, epsilon.type, epsilon.f) = ("epsilon", .float, ONNXModel.layerNormMargin)
        values = add("LayerNormalization", [values] + tensors, attribute: epsilon)
      }
      return add("Relu", [values])
    }
  }

  private mutating func linear(
    _ member: NetworkFile, _ layer: String, _ input: String, prefix: String
  ) -> String {
    var transposed = Onnx_AttributeProto()
    (transposed.name, transposed.type, transposed.i) = ("transB", .int, 1)
    let tensors = ["weight", "bias"].map { tensor(member, "\(layer).\($0)", prefix: prefix) }
    return add("Gemm", [input] + tensors, attribute: transposed)
  }

  // MARK: Nodes and constants

  /// - Returns: the output's name.
  @discardableResult
  private mutating func add(
    _ operation: String, _ inputs: [String], as name: String? = nil,
    attribute: Onnx_AttributeProto? = nil
  ) -> String {
    var node = Onnx_NodeProto()
    node.opType = operation
    node.input = inputs
    let name = name ?? "\(operation)_\(graph.node.count)"
    (node.name, node.output) = (name, [name])
    if let attribute { node.attribute = [attribute] }
    graph.node.append(node)
    return name
  }

  private mutating func tensor(_ member: NetworkFile, _ name: String, prefix: String) -> String {
    let tensor = member.tensors[name]!
    guard case .float32(let values) = tensor.elements else {
      preconditionFailure("'\(name)' is not of float32")
    }
    return constant(prefix + name, values, shape: tensor.shape)
  }

  private mutating func scalar(_ value: Float) -> String {
    let name = "constant_\(value)"
    guard !graph.initializer.contains(where: { $0.name == name }) else { return name }
    return constant(name, [value], shape: [])
  }

  private mutating func constant(_ name: String, _ values: [Float], shape: [Int]? = nil) -> String {
    var tensor = Onnx_TensorProto()
    tensor.name = name
    tensor.dims = (shape ?? [values.count]).map(Int64.init)
    tensor.dataType = ONNXModel.float
    tensor.rawData = values.withUnsafeBytes { Data($0) }
    graph.initializer.append(tensor)
    return name
  }

  private static func value(_ name: String, columns: Int) -> Onnx_ValueInfoProto {
    var (batch, width) = (
      Onnx_TensorShapeProto.Dimension(), Onnx_TensorShapeProto.Dimension()
    )
    batch.dimParam = "batch"
    width.dimValue = Int64(columns)
    var type = Onnx_TypeProto.Tensor()
    type.elemType = ONNXModel.float
    type.shape.dim = [batch, width]
    var result = Onnx_ValueInfoProto()
    result.name = name
    result.type.tensorType = type
    return result
  }
}
