// swift-tools-version: 6.1
import PackageDescription

// One list of settings for every Swift target.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A Swift target of this package together with the settings all of them share.
func library(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [],
  resources: [Resource]? = nil
) -> Target {
  .target(
    name: name, dependencies: dependencies, exclude: exclude, resources: resources,
    swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)",
    swiftSettings: settings)
}

let package = Package(
  name: "BRED",
  products: [
    .library(name: "BRED", targets: ["BRED"]),
    .executable(name: "bred", targets: ["BREDCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.30.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
  ],
  targets: [
    // C libraries of the system.
    .systemLibrary(
      name: "COpenBLAS", path: "Modules/COpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(
      name: "CMuJoCo", path: "Modules/CMuJoCo", providers: [.apt(["libmujoco-dev"])]),
    .systemLibrary(
      name: "CHDF5", path: "Modules/CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    .target(name: "CHDF5Driver", dependencies: ["CHDF5"]),
    .target(name: "CHDF5Probe", dependencies: ["CHDF5"]),
    // Comes with libhdf5-dev, which needs it too.
    .systemLibrary(name: "CZlib", path: "Modules/CZlib", providers: [.apt(["zlib1g-dev"])]),

    // Numerics and vocabulary.
    .target(name: "CVectorKernels"),
    library("DenseMath", ["COpenBLAS", "CVectorKernels"]),
    library("RLCore", ["DenseMath"]),
    library("Autodiff", ["RLCore", "DenseMath", "CVectorKernels"]),
    library("Algorithms", ["Autodiff", "RLCore", "DenseMath", "CVectorKernels"]),
    library("Agents", ["Algorithms", "Autodiff", "RLCore", "DenseMath"]),
    library("Replay", ["RLCore", "DenseMath"]),

    // The world: simulator and files.
    .target(name: "CRenderContext", linkerSettings: [.linkedLibrary("dl")]),
    library("Physics", ["CMuJoCo", "CRenderContext"]),
    library(
      "Environments", ["Physics", "RLCore", "DenseMath"],
      resources: [
        // Inside the code, so that the executable can be moved and run from any folder.
        .embedInCode("Resources/hopper.xml"),
        .embedInCode("Resources/walker2d.xml"),
        .embedInCode("Resources/walker2d-v5.xml"),
        .embedInCode("Resources/halfcheetah.xml"),
      ]),
    library("HDF5", ["CHDF5", "CHDF5Driver", "CHDF5Probe", "CZlib", "RLCore", "DenseMath"]),
    library("Datasets", ["HDF5", "Environments", "Physics", "RLCore", "DenseMath"]),

    // Both together.
    library("Configuration", ["Environments", "RLCore", "Yams"]),
    library(
      "Runs",
      [
        "Configuration", "Agents", "RLCore", "DenseMath", "Physics", "HDF5",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["Metrics/event.proto", "Metrics/generate-events.sh"]),
    library(
      "Rendering", ["Runs", "Configuration", "Environments", "Physics", "RLCore", "DenseMath"]),
    library(
      "Stages",
      [
        "Runs", "Configuration", "Agents", "Algorithms", "Autodiff", "Replay", "Rendering",
        "RLCore", "DenseMath", "Datasets", "Environments", "Physics",
        .product(name: "Logging", package: "swift-log"),
      ]),
    library(
      "Sweeps",
      [
        "Runs", "Stages", "Configuration", "Agents", "Algorithms", "Datasets", "Environments",
        "RLCore", "DenseMath", "Yams", .product(name: "Logging", package: "swift-log"),
      ]),
    library(
      "Analysis",
      [
        "Runs", "Stages", "Configuration", "Agents", "Algorithms", "Autodiff", "Replay", "Datasets",
        "HDF5", "Environments", "Physics", "RLCore", "DenseMath",
      ]),
    library(
      "Reports",
      [
        "Analysis", "Sweeps", "Stages", "Rendering", "Runs", "Configuration", "Datasets", "HDF5",
        "Environments", "Physics", "RLCore", "DenseMath",
      ]),
    library(
      "Exchange",
      [
        "Agents", "Autodiff", "Datasets", "RLCore", "DenseMath", "CZlib",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["onnx.proto", "generate-onnx.sh"]),
    library(
      "Benchmarks",
      [
        "Runs", "Agents", "Algorithms", "Autodiff", "Replay", "Datasets",
        "Environments", "Physics", "RLCore", "DenseMath",
      ]),
    library(
      "BRED",
      [
        "Configuration", "Runs", "Rendering", "Stages", "Sweeps", "Analysis", "Reports",
        "Benchmarks", "Exchange", "Algorithms", "Agents", "Autodiff", "Replay", "RLCore",
        "DenseMath", "Datasets", "Environments", "Physics",
      ]),
    .executableTarget(
      name: "BREDCommand",
      dependencies: [
        "BRED", "Configuration", "Runs", "Rendering", "Stages", "Sweeps", "Analysis", "Reports",
        "Benchmarks", "Exchange", "Datasets", "Environments", "Physics", "Agents", "Algorithms",
        "Autodiff", "RLCore",
        "DenseMath",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),

    // Tests.
    .target(
      name: "TestSupport", dependencies: ["DenseMath", "RLCore"], path: "Tests/TestSupport",
      swiftSettings: settings),
    .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
    .target(name: "CFaults", path: "Tests/CFaults"),
    // Built for `make torture-soak` only.
    .executableTarget(
      name: "ShortRuns",
      dependencies: [
        "CAllocationCounter", "Configuration", "DenseMath", "Environments", "Runs", "Stages",
      ],
      path: "Tests/ShortRuns", swiftSettings: settings),
    tests("DenseMathTests", ["DenseMath", "CVectorKernels"]),
    tests("AutodiffTests", ["Autodiff", "RLCore", "DenseMath"]),
    tests(
      "AlgorithmsTests",
      [
        "Algorithms", "Agents", "Autodiff", "Replay", "RLCore", "DenseMath",
        "CAllocationCounter",
      ]),
    tests("AgentsTests", ["Agents", "Algorithms", "Autodiff", "RLCore", "DenseMath"]),
    tests("ReplayTests", ["Replay", "RLCore", "DenseMath"]),
    tests("PhysicsTests", ["Physics", "Environments"]),
    tests("EnvironmentsTests", ["Environments", "Physics", "RLCore", "DenseMath"]),
    tests("HDF5Tests", ["HDF5", "CFaults", "CZlib"]),
    tests("DatasetsTests", ["Datasets", "HDF5", "Environments", "RLCore", "DenseMath"]),
    tests(
      "ConfigurationTests", ["Configuration", "Environments", "RLCore", "DenseMath", "Yams"]),
    tests(
      "RunsTests",
      [
        "Runs", "Configuration", "RLCore",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    tests(
      "RenderingTests", ["Rendering", "Runs", "Environments", "Physics", "RLCore", "DenseMath"]),
    tests(
      "StagesTests",
      [
        "Stages", "Runs", "Configuration", "Algorithms", "Agents", "Replay", "Datasets",
        "Environments", "RLCore", "DenseMath",
      ]),
    tests(
      "SweepsTests",
      [
        "Sweeps", "Stages", "Runs", "Configuration", "Agents", "Algorithms", "Environments",
        "RLCore", "DenseMath", .product(name: "Logging", package: "swift-log"),
      ]),
    tests("BenchmarksTests", ["Benchmarks", "Algorithms", "Datasets", "RLCore", "DenseMath"]),
    tests(
      "AnalysisTests",
      [
        "Analysis", "Stages", "Runs", "Configuration", "Agents", "Algorithms", "Autodiff", "Replay",
        "Datasets", "Environments", "RLCore", "DenseMath",
      ]),
    tests(
      "ReportsTests",
      [
        "Reports", "Analysis", "Stages", "Runs", "Configuration", "Datasets", "Environments",
        "RLCore", "DenseMath",
      ]),
    tests(
      "ExchangeTests",
      [
        "Exchange", "Agents", "Autodiff", "HDF5", "RLCore", "DenseMath",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    // Uses BRED alone; the rooms behind it are named so that a change in one of them rebuilds the tests,
    // which otherwise keep the old layout of its types.
    tests(
      "BREDTests",
      [
        "BRED", "Configuration", "Runs", "Stages", "Analysis", "Reports", "Benchmarks",
        "Algorithms", "Autodiff", "Agents", "Replay", "RLCore", "DenseMath", "Datasets",
        "Environments",
      ]),
    tests(
      "CommandTests",
      [
        "BREDCommand", "Configuration", "Stages", "Sweeps", "Agents", "Datasets", "Environments",
        "Physics", "HDF5", "RLCore", "Runs",
      ]),
  ]
)
