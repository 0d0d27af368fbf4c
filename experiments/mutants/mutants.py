#!/usr/bin/env python3
"""Small changes of meaning, each of which some test must notice.

All changes of mutants.toml are written into one copy of the package, each behind a switch that
an environment variable turns on, so that one build serves all of them; then the tests run once for each.

  mutants.py                      build, then try what has no result yet; survivors again where tests have changed
  mutants.py --only 101,210-215   these alone, whatever is known of them
  mutants.py --room Replay,Agents those of some rooms
  mutants.py --count 20 --seed 1  a sample
  mutants.py --check              only look whether the list fits the sources
  mutants.py --table              results so far, by room
"""
import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).resolve().with_name("mutants.toml")
WORK = ROOT / ".build-mutants"
COPY = WORK / "package"
# Beside the list and not in the build folder: a campaign takes hours, and goes on on another machine.
RESULTS = LIST.with_name("results.json")
BUNDLE = WORK / "build/release/BREDPackageTests.xctest"
SWITCH = "BRED_MUTANT"
FLAGS = ["-c", "release", "-Xswiftc", "-enable-testing"]
SWIFT = os.environ.get("SWIFT", "swift")

# Read once: kernels look at the number in their innermost loops.
SWITCH_SOURCE = f"""#include <stdlib.h>

int bred_mutant_number = 0;
int bred_mutant(void) {{ return bred_mutant_number; }}

__attribute__((constructor)) static void read_switch(void) {{
  const char *text = getenv("{SWITCH}");
  if (text) bred_mutant_number = atoi(text);
}}
"""
# One for each module; default arguments of public functions may use it.
SWIFT_HELPER = """@_silgen_name("bred_mutant") @usableFromInline func switchedMutant() -> Int32
@usableFromInline func mutant(_ number: Int32) -> Bool { switchedMutant() == number }
"""
C_HELPER = "extern int bred_mutant_number;\n"


class Fault(Exception):
    """Something is wrong with the list or the build; said in one line."""


# The list


class Mutant:
    KINDS = ("expression", "statement", "apply")
    KEYS = {"id", "file", "within", "original", "changed", "meaning", "kind", "tests", "equivalent"}

    def __init__(self, entry, rooms, nearest):
        unknown = set(entry) - Mutant.KEYS
        missing = {"id", "file", "original", "changed", "meaning"} - set(entry)
        self.id = entry.get("id", 0)
        if unknown or missing:
            raise Fault(f"mutant {self.id}: unknown keys {sorted(unknown)}, missing keys {sorted(missing)}")
        self.file, self.meaning = entry["file"], entry["meaning"]
        self.original, self.changed = entry["original"], entry["changed"]
        self.within = entry.get("within")
        self.kind = entry.get("kind", "expression")
        self.equivalent = entry.get("equivalent")
        self.room = self.file.split("/")[0]
        if self.room not in rooms:
            raise Fault(f"mutant {self.id}: no [rooms.{self.room}]")
        near = [nearest[self.file]] if self.file in nearest else []
        self.tests = near + entry.get("tests", rooms[self.room]["tests"])
        if self.kind not in Mutant.KINDS:
            raise Fault(f"mutant {self.id}: kind '{self.kind}', allowed are {', '.join(Mutant.KINDS)}")
        if self.original == self.changed:
            raise Fault(f"mutant {self.id}: nothing changes")

    @property
    def path(self):
        return ROOT / "Sources" / self.file

    def span(self, text):
        """Where the original stands; it must stand there once."""
        start, part = 0, text
        if self.within is not None:
            if text.count(self.within) != 1:
                raise Fault(f"mutant {self.id}: {self.file} has {text.count(self.within)} × {self.within!r}, expected 1")
            start, part = text.index(self.within), self.within
        if part.count(self.original) != 1:
            place = "its context" if self.within is not None else self.file
            raise Fault(f"mutant {self.id}: {place} has {part.count(self.original)} × {self.original!r}, expected 1")
        start += part.index(self.original)
        return start, start + len(self.original)

    def digest(self, text):
        key = [self.original, self.changed, self.within, self.kind, text]
        return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]


def read_list():
    try:
        import tomllib
    except ImportError:
        raise Fault(f"Python {sys.version.split()[0]} cannot read TOML; 3.11 or newer is needed") from None
    content = tomllib.loads(LIST.read_text())
    mutants = [Mutant(entry, content["rooms"], content["nearest"]) for entry in content["mutant"]]
    seen = set()
    for mutant in mutants:
        if mutant.id in seen:
            raise Fault(f"mutant {mutant.id} stands twice in the list")
        seen.add(mutant.id)
    return sorted(mutants, key=lambda mutant: mutant.id)


def by_file(mutants):
    files = {}
    for mutant in mutants:
        files.setdefault(mutant.file, []).append(mutant)
    return files


# Writing all changes at once


def switched(mutant, original, is_c):
    test = f"bred_mutant_number == {mutant.id}" if is_c else f"mutant({mutant.id})"
    if mutant.kind == "statement":
        head = f"if ({test})" if is_c else f"if {test}"
        return f"{head} {{ {mutant.changed} }} else {{ {original} }}"
    return f"({test} ? ({mutant.changed}) : ({original}))"


def render(text, mutants, is_c):
    """`text` with every change behind its switch; changes may lie within the originals of others."""
    places = []
    for mutant in mutants:
        start, end = mutant.span(text)
        places.append((start, end, mutant))
    # Outer ones first; of two on the same text, the later in the list holds the earlier.
    places.sort(key=lambda place: (place[0], -place[1], -place[2].id))

    def part(start, end, inner):
        result, at = [], start
        while inner:
            first, last, mutant = inner.pop(0)
            below = []
            while inner and inner[0][0] < last:
                if inner[0][1] > last:
                    raise Fault(f"mutants {mutant.id} and {inner[0][2].id} overlap in {mutant.file}")
                below.append(inner.pop(0))
            result += [text[at:first], switched(mutant, part(first, last, below), is_c)]
            at = last
        return "".join(result) + text[at:end]

    result = part(0, len(text), places)
    return C_HELPER + result if is_c else result


def check(mutants):
    for file, own in by_file(mutants).items():
        path = ROOT / "Sources" / file
        if not path.is_file():
            raise Fault(f"mutant {own[0].id}: Sources/{file} is not there")
        text = path.read_text()
        render(text, [mutant for mutant in own if mutant.kind != "apply"], file.endswith(".c"))
        for mutant in own:
            mutant.span(text)


def write(path, content):
    """Leaves files alone that are right already, so that builds stay short."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def targets(mutants):
    """The test targets that the filters of some mutants name."""
    return {re.match(r"\w+", filter).group() for mutant in mutants for filter in mutant.tests}


def trimmed(manifest, kept):
    """`Package.swift` with these test targets alone: the others need not be built."""
    result, at = [], 0
    for found in re.finditer(r'\n    tests\(\s*"(\w+)"', manifest):
        end, depth = manifest.index("(", found.start()) + 1, 1
        while depth:
            depth += {"(": 1, ")": -1}.get(manifest[end], 0)
            end += 1
        if found.group(1) not in kept:
            result.append(manifest[at:found.start()])
            at = end + (manifest[end] == ",")
    return "".join(result) + manifest[at:]


def make_copy(mutants, tests, applied=None):
    """The package under `COPY` with all switches and some test targets, and one change of kind `apply` in
    plain text."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True)
    names = [name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    if (ROOT / "Package.resolved").is_file():
        names.append("Package.resolved")
    files = by_file([mutant for mutant in mutants if mutant.kind != "apply"])
    for name in names:
        content = (ROOT / name).read_bytes()
        own = files.get(name.removeprefix("Sources/"), []) if name.startswith("Sources/") else []
        text = content.decode() if own or (applied and name == f"Sources/{applied.file}") else None
        if name == "Package.swift":
            write(COPY / name, trimmed(content.decode(), tests).encode())
        elif applied and name == f"Sources/{applied.file}":
            start, end = applied.span(text)
            write(COPY / name, (text[:start] + applied.changed + text[end:]).encode())
        elif own:
            write(COPY / name, render(text, own, name.endswith(".c")).encode())
        else:
            write(COPY / name, content)
            if os.access(ROOT / name, os.X_OK):
                (COPY / name).chmod(0o755)
    helpers = {"Sources/CVectorKernels/mutants.c": SWITCH_SOURCE}
    for room in {file.split("/")[0] for file in files if file.endswith(".swift")}:
        helpers[f"Sources/{room}/MutantSwitch.swift"] = SWIFT_HELPER
    for name, content in helpers.items():
        write(COPY / name, content.encode())
    known = set(names) | set(helpers) | {"Package.resolved"}
    for folder in ("Sources", "Tests", "Modules"):
        for path in (COPY / folder).rglob("*"):
            if path.is_file() and str(path.relative_to(COPY)) not in known:
                path.unlink()


def build(tests):
    started = time.monotonic()
    # Commands are tested with the executable beside the tests.
    for product in ["bred"] * ("CommandTests" in tests) + ["BREDPackageTests"]:
        command = [SWIFT, "build", *FLAGS, "--package-path", str(COPY), "--scratch-path", str(WORK / "build"),
                   "--product", product]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        (WORK / "build.log").write_text(done.stdout)
        if done.returncode != 0:
            errors = [line for line in done.stdout.splitlines() if "error:" in line]
            raise Fault("\n".join(["the mutated copy does not build:", *errors[:20], f"see {WORK / 'build.log'}"]))
    print(f"mutants: built in {time.monotonic() - started:.0f} s", flush=True)


# Running tests


class Run:
    """One run of a filter's tests, ended at the first failure."""

    ISSUE = re.compile(r"^\S+ (?:Test|Suite) (?:case passing .* to )?(.+?)(?: with .*)? recorded an issue")
    TOTAL = re.compile(r"Test run with (\d+) tests?")

    def __init__(self, filter, number, limit):
        environment = dict(os.environ, **{SWITCH: str(number)})
        environment.setdefault("BRED_SHARED", str(ROOT.parent / "shared"))
        started = time.monotonic()
        self.failure, self.count = None, 0
        log = WORK / "logs" / f"{number}-{re.sub(r'[^A-Za-z0-9]+', '-', filter)}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as output:
            process = subprocess.Popen(
                [str(BUNDLE), "--testing-library", "swift-testing", "--filter", filter], cwd=COPY,
                env=environment, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True)
            try:
                self.follow(process, log, started + limit if limit else None)
            finally:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
        self.seconds = time.monotonic() - started

    def follow(self, process, log, deadline):
        with log.open(errors="replace") as text:
            rest = ""
            while True:
                ended = process.poll() is not None
                rest += text.read()
                *lines, rest = rest.split("\n")
                for line in lines:
                    if found := Run.ISSUE.match(line):
                        self.failure = found.group(1)
                        return
                    if found := Run.TOTAL.search(line):
                        self.count = max(self.count, int(found.group(1)))
                if ended:
                    break
                if deadline and time.monotonic() > deadline:
                    self.failure = "time-out"
                    return
                time.sleep(0.05)
        if process.returncode != 0:
            self.failure = "crash" if process.returncode < 0 else f"exit {process.returncode}"


def tests_digest():
    digest = hashlib.sha256()
    for path in sorted((ROOT / "Tests").rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def load_results():
    return json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}


def save(results):
    temporary = RESULTS.with_suffix(".tmp")
    lines = [f"{json.dumps(key)}: {json.dumps(results[key], sort_keys=True)}" for key in sorted(results, key=int)]
    temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    temporary.replace(RESULTS)


def baseline(filter, limits):
    """The tests of a filter without any change: there must be some, and they must pass. Gives the time-out."""
    if filter in limits:
        return
    run = Run(filter, 0, None)
    if run.failure:
        raise Fault(f"without any change '{filter}' fails: {run.failure}; see {WORK / 'logs'}")
    if run.count == 0:
        raise Fault(f"the filter '{filter}' finds no tests")
    limits[filter] = 60 + 5 * run.seconds
    print(f"mutants: {filter} passes without any change, {run.count} tests in {run.seconds:.0f} s", flush=True)


def wanted(mutants, options):
    if options.only:
        ids = set()
        for part in options.only.split(","):
            first, _, last = part.partition("-")
            ids |= set(range(int(first), int(last or first) + 1))
        mutants = [mutant for mutant in mutants if mutant.id in ids]
    if options.room:
        mutants = [mutant for mutant in mutants if mutant.room in options.room.split(",")]
    if options.count:
        chosen = random.Random(options.seed).sample(mutants, min(options.count, len(mutants)))
        mutants = sorted(chosen, key=lambda mutant: mutant.id)
    if not mutants:
        raise Fault("no mutant of the list is meant")
    return mutants


class Campaign:
    """The nearest tests for every change first, then wider ones for those that are left."""

    def __init__(self, mutants, options):
        self.mutants, self.options = mutants, options
        self.results, self.tests, self.limits = load_results(), tests_digest(), {}
        self.texts = {mutant.file: mutant.path.read_text() for mutant in mutants}
        self.chosen = wanted(mutants, options)

    def known(self, mutant):
        """What is known of a change as it stands now; of survivors, by the tests as they stand now."""
        found = self.results.get(str(mutant.id))
        if found is None or found["digest"] != mutant.digest(self.texts[mutant.file]):
            return None
        return found if found["killed"] or found["tests"] == self.tests else None

    def run(self):
        WORK.mkdir(exist_ok=True)
        todo = [mutant for mutant in self.chosen if not mutant.equivalent]
        for mutant in todo:
            if self.options.only or self.known(mutant) is None:
                self.results.pop(str(mutant.id), None)
        together = [mutant for mutant in todo if mutant.kind != "apply" and self.is_left(mutant)]
        print(f"mutants: {len(self.chosen)} meant, {sum(map(self.is_left, todo))} to try", flush=True)
        if together:
            make_copy(self.mutants, targets(together))
            build(targets(together))
        for place in range(max((len(mutant.tests) for mutant in together), default=0)):
            left = [mutant for mutant in together if self.is_left(mutant) and place < len(mutant.tests)
                    and mutant.tests[place] not in self.survived(mutant)]
            for number, mutant in enumerate(left):
                baseline(mutant.tests[place], self.limits)
                self.attempt(mutant, mutant.tests[place], f"{number + 1}/{len(left)}")
        for mutant in [mutant for mutant in todo if mutant.kind == "apply" and self.is_left(mutant)]:
            self.alone(mutant)
        table(self.mutants, self.chosen)
        survivors = [mutant for mutant in todo if not self.results[str(mutant.id)]["killed"]]
        for mutant in survivors:
            print(f"survived: {mutant.id} {mutant.file}: {mutant.meaning}")
        return 1 if survivors else 0

    def survived(self, mutant):
        return self.results.get(str(mutant.id), {}).get("survived", [])

    def is_left(self, mutant):
        found = self.results.get(str(mutant.id))
        return found is None or not found["killed"] and not set(mutant.tests) <= set(found["survived"])

    def note(self, mutant, killed, filter, seconds=0.0):
        survived = self.survived(mutant) + ([] if killed or filter is None else [filter])
        before = self.results.get(str(mutant.id), {}).get("seconds", 0)
        self.results[str(mutant.id)] = {
            "killed": killed, "survived": survived, "seconds": round(before + seconds, 1),
            "digest": mutant.digest(self.texts[mutant.file]), "tests": self.tests}
        save(self.results)

    def attempt(self, mutant, filter, place):
        run = Run(filter, mutant.id, self.limits.get(filter, 900))
        named = run.failure in (None, "time-out", "crash")
        self.note(mutant, f"{run.failure} in {filter}" if run.failure and named else run.failure, filter, run.seconds)
        verdict = f"noticed by {self.results[str(mutant.id)]['killed']}" if run.failure else f"NOT NOTICED by {filter}"
        print(f"[{place}] {mutant.id} {mutant.file}: {mutant.meaning}: {verdict} ({run.seconds:.0f} s)", flush=True)

    def alone(self, mutant):
        """One change without a switch, built by itself."""
        make_copy(self.mutants, targets([mutant]), mutant)
        try:
            build(targets([mutant]))
        except Fault:
            # The compiler is a test too.
            self.note(mutant, "the compiler", None)
            return
        for filter in mutant.tests:
            if self.is_left(mutant):
                self.attempt(mutant, filter, "alone")


def table(mutants, chosen=None):
    results, chosen = load_results(), chosen or mutants

    def state(mutant):
        found = results.get(str(mutant.id))
        if mutant.equivalent:
            return "equivalent"
        if found is None:
            return "untried"
        if found["killed"]:
            return "noticed"
        return "untried" if set(mutant.tests) - set(found["survived"]) else "survived"

    rows = []
    for room in sorted({mutant.room for mutant in chosen}):
        states = [state(mutant) for mutant in chosen if mutant.room == room]
        kinds = ("noticed", "survived", "equivalent", "untried")
        rows.append([room, len(states), *(states.count(kind) for kind in kinds)])
    rows.append(["all", *(sum(row[i] for row in rows) for i in range(1, 6))])
    print("| room | changes | noticed | survived | change nothing | untried |\n|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only look whether the list fits the sources")
    parser.add_argument("--table", action="store_true", help="results so far, by room")
    parser.add_argument("--only", metavar="IDS", help="numbers and ranges of numbers")
    parser.add_argument("--room", metavar="ROOMS", help="folders of Sources, with commas between")
    parser.add_argument("--count", type=int, default=0, help="a random sample of so many")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--clean", action="store_true", help="forget copy and build")
    options = parser.parse_args()
    try:
        mutants = read_list()
        check(mutants)
        if options.check:
            return 0
        if options.clean:
            shutil.rmtree(WORK, ignore_errors=True)
            return 0
        if options.table:
            table(mutants)
            return 0
        return Campaign(mutants, options).run()
    except Fault as fault:
        print(f"mutants: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmutants: stopped; the same command goes on from here", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
