// The README shows the lines between the markers; a test compares the two and runs this one.

// README begin
import BRED

func pipeline(data: String, output: String, updates: Int, steps: Int) throws -> EvaluationResult {
  let lab = try Lab(environment: "hopper", dataset: data, output: output, seed: 0)

  // Five conservative agents on the dataset, their policies in one.
  let agents = try lab.train("cql", members: 5, updates: updates)
  try lab.distill(agents)

  // Online with balanced replay and the mean of all critics.
  let tuned = try lab.finetune(
    agents, steps: steps,
    settings: ["online.replay=balanced", "online.initialOnlineFraction=0.5"])
  return try lab.evaluate(tuned, episodes: 10)
}
// README end
