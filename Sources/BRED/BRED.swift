// The public face: `import BRED` gives a researcher everything that is public in these modules.
@_exported public import Agents
@_exported public import Algorithms
@_exported public import Analysis
@_exported public import Autodiff
@_exported public import Benchmarks
@_exported public import Configuration
@_exported public import Datasets
@_exported public import DenseMath
@_exported public import Environments
@_exported public import Exchange
@_exported public import RLCore
@_exported public import Replay
@_exported public import Reports
@_exported public import Runs
@_exported public import Stages
@_exported public import Sweeps
