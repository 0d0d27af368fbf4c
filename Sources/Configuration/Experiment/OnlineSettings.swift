public import RLCore

/// Training by interaction: fine-tuning of offline agents, or from scratch.
public struct OnlineSettings: SettingGroup {
  /// Who acts and learns after offline training.
  public enum Actor: String, SettingChoice {
    /// One policy, distilled from the members' mixture before the first online step (BRED).
    case distilled
    /// The moment-matched mixture of the members' own policies, all of which go on learning (Off2On).
    case mixture
    /// Each member by itself.
    case independent
  }

  /// Which minibatches.
  public enum Replay: String, SettingChoice {
    /// Offline and online rows in scheduled shares (BRED, eq. 7).
    case balanced
    /// All rows alike.
    case uniform
    case onlineOnly = "online-only"
    /// Half offline, half online rows (RLPD).
    case half
    /// Rows as often as the algorithm says they should come (Off2On).
    case densityRatio = "density-ratio"
  }

  /// How the online share rises from ρ₀ to 1.
  public enum Schedule: String, SettingChoice {
    /// BRED, eq. 7.
    case linear
    /// BRED, appendix I.
    case exponential
  }

  /// Where SAC's α begins after offline training.
  public enum StartTemperature: String, SettingChoice {
    /// At the algorithm's `initialTemperature`.
    case fixed
    /// At the mean of the members' last α.
    case members
  }

  /// Where the critics' values begin after offline training.
  public enum StartValues: String, SettingChoice {
    /// As they were learned.
    case learned
    /// Each critic shifted by one number, so that its mean over the data is their mean discounted return.
    case dataReturns = "data-returns"
  }

  /// How environment steps and updates alternate.
  public enum Collection: String, SettingChoice {
    /// Whole blocks: each begins with a reset, and its last episode is cut (rlkit, BRED).
    case blocks
    /// Episodes run on across blocks, which may be as short as one step.
    case steps
    /// One episode after the other, each followed by its updates (Cal-QL's code).
    case episodes
  }

  @Setting("How the agent learns from interaction; none for no online training.", source: "BRED")
  public var algorithm = "sac"
  @Setting(
    1...64,
    "The first so many agents learn online; left open: those of the offline stage, one where there is none. A distilled policy stays that of all offline agents; the paper's N is offline.members.",
    symbol: "N")
  public var members: Int? = nil
  @Setting("Who acts and learns after offline training.", source: "BRED; Off2On: mixture")
  public var actor = Actor.distilled
  @Setting(1...Int.max, "Environment steps in total.", source: "BRED, section 6")
  public var environmentSteps = 250_000
  @Setting(
    "How steps and updates alternate: blocks of episodes, of which the last is cut, updates every few steps, or after each episode.",
    source: "BRED; rlkit; Cal-QL's code: episodes")
  public var collection = Collection.blocks
  @Setting(
    1...Int.max,
    "Environment steps between updates; with 'collection: blocks' also an epoch of progress.csv.",
    source: "BRED; rlkit")
  public var blockSteps = 1000
  @Setting(
    1...Int.max,
    "Environment steps per epoch, a row of progress.csv, with 'collection: steps' or 'episodes'.")
  public var epochSteps = 1000
  @Setting(above: 0, through: 1000, "Gradient steps per environment step.", source: "SAC, table 1")
  public var updatesPerStep = 1.0
  @Setting(
    above: 0, through: 1000, "Factor on the updates of the first block.",
    source: "BRED; Off2On's example: 5")
  public var firstBlockMultiplier = 10.0
  @Setting(0...Int.max, "Environment steps with uniformly drawn actions at the start.")
  public var randomSteps = 0
  @Setting(0...Int.max, "Environment steps before the first update.")
  public var warmupSteps = 0
  @Setting("Which minibatches.", source: "BRED, eq. 7")
  public var replay = Replay.balanced
  @Setting(
    0...1, "Online share of minibatches at the start.", symbol: "ρ₀",
    source: "ours; BRED: one of 0.25, 0.5, 0.75, 0.9")
  public var initialOnlineFraction = 0.5
  @Setting(
    1...Int.max, "Online steps after which minibatches are wholly online.", symbol: "t_final",
    source: "BRED, eq. 7")
  public var finalTimestep = 125_000
  @Setting("How the online share rises to 1.", source: "BRED, eq. 7; exponential: appendix I")
  public var schedule = Schedule.linear
  @Setting(
    1...Int.max, "Online rows that are kept; the oldest are overwritten.", source: "SAC, table 1")
  public var bufferCapacity = 1_000_000
  @Setting(
    "Where α starts: at the algorithm's initialTemperature, or at the mean of the members' last.",
    source: "Off2On")
  public var startTemperature = StartTemperature.fixed
  @Setting(
    "Where the critics' values start: as they were learned, or each critic shifted by one number, so that its mean over the data is their mean discounted return.",
    source: "docs/results/dip.md; for its purpose Cal-QL")
  public var startValues = StartValues.learned
  @Setting(
    1...Int.max, "Epochs between checkpoints; also written at the end and on interruption.")
  public var checkpointInterval = 5
  @Setting(
    0...Int.max, "Blocks between policies kept in policies/; 0 keeps none.")
  public var policyInterval = 0
  @Setting(
    0...Int.max,
    "Blocks between agents kept in agents/, each with 1000 rows of the online buffer, for bred analyse q-bias; 0 keeps none.",
    source: "BRED, appendix L: every 10,000 steps")
  public var agentInterval = 0
  @Setting(
    0...Int.max,
    "Environment steps between videos of an evaluation's first episode, kept in videos/; 0 keeps none."
  )
  public var videoInterval = 0
  @Setting(
    "Whether to measure before each update how much Q varies over ten actions of the policy: q_variance.",
    source: "BRED, appendix K")
  public var qVariance = false

  public init() {}

  public var unused: [UnusedSetting] {
    if algorithm == AlgorithmCatalog.none {
      return scalars.map(\.name).filter { $0 != "algorithm" }.map {
        UnusedSetting($0, because: "algorithm", "without an algorithm there is no online training")
      }
    }
    let epochs =
      switch collection {
      case .blocks: ("epochSteps", "with 'collection: blocks' a block is an epoch")
      case .steps: nil as (String, String)?
      case .episodes: ("blockSteps", "with 'collection: episodes' a block is an episode")
      }
    let needless =
      switch replay {
      case .balanced: [String]()
      case .densityRatio: ["finalTimestep", "schedule"]
      case .uniform, .onlineOnly, .half: ["initialOnlineFraction", "finalTimestep", "schedule"]
      }
    return (epochs.map { [UnusedSetting($0.0, because: "collection", $0.1)] } ?? [])
      + needless.map {
        UnusedSetting(
          $0, because: "replay",
          "the online share is scheduled only with 'replay: balanced', here it is "
            + "'\(replay.rawValue)'")
      }
  }

  public var contradictions: [SettingContradiction] {
    guard replay == .densityRatio, initialOnlineFraction <= 0 || initialOnlineFraction >= 1 else {
      return []
    }
    return [
      SettingContradiction(
        "initialOnlineFraction", "replay",
        reason: "with 'replay: density-ratio' the share at the start lies between 0 and 1")
    ]
  }
}
