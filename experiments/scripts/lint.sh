#!/bin/sh
# Formatting and the house rules that a machine can check. `lint.sh --list` names the Swift files.
cd "$(dirname "$0")/../.." || exit 1
files=$(find Sources Tests -name '*.swift' ! -name '*.pb.swift' | sort)
if [ "$1" = "--list" ]; then
  echo "$files"
  exit 0
fi
status=0
complain() {
  echo "lint: $1" >&2
  status=1
}

# shellcheck disable=SC2086
${SWIFT:-swift} format lint --strict --configuration .swift-format Package.swift $files || status=1

for file in $files; do
  lines=$(wc -l <"$file")
  [ "$lines" -le 500 ] || complain "$file has $lines lines, at most 500"
done

marks='TO''DO|FIX''ME|X''XX'
found=$(grep -rnE "$marks" --include='*.swift' --include='*.c' --include='*.h' --include='*.md' \
  --include='*.sh' --include='*.py' --include='*.yaml' Sources Tests Modules docs experiments ./*.md)
[ -z "$found" ] || complain "unfinished work is marked:
$found"

# C libraries stay behind the one target that wraps each.
only_in() {
  found=$(grep -rlE "^(@_exported )?(internal |package |public |private |fileprivate )?import $1\$" \
    --include='*.swift' Sources | grep -v "^Sources/$2/")
  [ -z "$found" ] || complain "only $2 may import $1: $found"
}
only_in COpenBLAS DenseMath
only_in CMuJoCo Physics
only_in CRenderContext Physics
only_in CHDF5 HDF5
# What libhdf5 calls constants are calls; HDF5Entry has them behind the lock.
found=$(grep -rlE 'bred_h5[tpf]_' --include='*.swift' Sources | grep -v '/HDF5Library.swift$')
[ -z "$found" ] || complain "only HDF5Entry may ask libhdf5 for its constants: $found"
only_in CHDF5Driver HDF5
only_in CHDF5Probe HDF5

# Who must not know whom.
never() {
  found=$(grep -rlE "import $2\$" --include='*.swift' "Sources/$1")
  [ -z "$found" ] || complain "$1 must not import $2: $found"
}
for learner in Autodiff Algorithms Replay; do
  for world in Environments Physics Datasets HDF5 Foundation; do never "$learner" "$world"; done
done
for world in Environments Physics Datasets HDF5; do never Agents "$world"; done
for network in Autodiff Algorithms Agents; do never Environments "$network"; done
never Autodiff Algorithms
never Algorithms Agents
for upper in Runs Rendering Stages Sweeps Analysis Reports Exchange Benchmarks BRED; do
  for lower in Configuration Datasets Environments Physics HDF5 RLCore DenseMath; do
    never "$lower" "$upper"
  done
done
for room in Rendering Stages Sweeps Analysis Reports Benchmarks; do never Runs "$room"; done
for room in Agents Datasets Stages Sweeps Analysis Reports Benchmarks; do never Rendering "$room"; done
for room in Sweeps Analysis Reports Benchmarks; do never Stages "$room"; done
for room in Sweeps Reports Benchmarks; do never Analysis "$room"; done
for room in Algorithms Agents Autodiff Replay; do never Configuration "$room"; done

# Whoever calls a public symbol reads what it is.
if command -v python3 >/dev/null; then
  # shellcheck disable=SC2046
  python3 experiments/scripts/documented.py \
    $(find Sources -name '*.swift' ! -name '*.pb.swift' | sort) || status=1
else
  echo "lint: doc comments are not checked, which takes Python 3" >&2
fi

# Changes that tests must notice stand where the list says.
if python3 -c 'import tomllib' 2>/dev/null; then
  python3 experiments/mutants/mutants.py --check || status=1
else
  echo "lint: experiments/mutants/mutants.toml is not checked, which takes Python 3.11" >&2
fi

exit $status
