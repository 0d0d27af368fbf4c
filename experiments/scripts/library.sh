#!/bin/sh
# Puts the tasks and methods of experiments/ into the executable: writes Sources/Configuration/Library.
cd "$(dirname "$0")/../.." || exit 1
library=Sources/Configuration/Library
mkdir -p $library

# write TYPE FILES…
write() {
  type=$1
  shift
  {
    echo "// Written by \`make library\` from experiments/; change it there."
    echo
    echo "enum $type {"
    echo "  static let texts: [String: String] = ["
    for file in "$@"; do
      echo "    \"$(basename "$file" .yaml)\": \"\"\""
      sed -e 's/\\/\\\\/g' -e 's/^\(.\)/    \1/' "$file"
      echo "    \"\"\","
    done
    echo "  ]"
    echo "}"
  } >"$library/$type.swift"
}

export LC_ALL=C
write HalfCheetahTasks experiments/tasks/halfcheetah-*.yaml
write HopperTasks experiments/tasks/hopper-*.yaml
write Walker2dTasks experiments/tasks/walker2d-*.yaml
write Methods experiments/methods/*.yaml
