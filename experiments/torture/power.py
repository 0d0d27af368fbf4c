#!/usr/bin/env python3
"""Power losses: what a run wrote is replayed up to some moment, with parts of what was not synced missing.

    python3 experiments/torture/power.py --seed 1 --count 300

The record of a run's changes is played into a model of a disk that promises no more than POSIX does: the bytes
of a file are there once it was synced, a name once its folder was. Of the rest, nothing, all or any part is
there, in any order, the last piece torn. From each image `--resume` must end with the bytes of an undisturbed
run, and must not go back behind a checkpoint whose saving was over.
"""
import os
import random
import struct

from common import Campaign, Loss, Pipeline, ROBOTS, begin, compare, parser, results, resumed, shim, spread, step

HEAD = struct.Struct("<cqqII")


class File:
    def __init__(self):
        self.bytes, self.durable, self.pending = bytearray(), bytes(), []

    def apply(self, change):
        apply(self.bytes, change)
        self.pending.append(change)

    def sync(self):
        self.durable, self.pending = bytes(self.bytes), []


def apply(data, change):
    """A change is (offset, bytes), or (length, None) for a truncation."""
    offset, piece = change
    if len(data) < offset:
        data.extend(bytes(offset - len(data)))
    if piece is None:
        del data[offset:]
    else:
        data[offset:offset + len(piece)] = piece


class Folder:
    """Names with what they stand for; a change is a list of (name, thing or None) that happens at once."""

    def __init__(self):
        self.names, self.durable, self.pending = {}, {}, []

    def apply(self, change):
        alter(self.names, change)
        self.pending.append(change)

    def sync(self):
        self.durable, self.pending = dict(self.names), []


def alter(names, change):
    for name, thing in change:
        if thing is None:
            names.pop(name, None)
        else:
            names[name] = thing


class Disk:
    """What a run sees, and what would be left of it."""

    def __init__(self, root):
        self.root, self.top, self.open = root, Folder(), {}

    def find(self, path):
        place = self.top
        for name in os.path.relpath(path, self.root).split("/"):
            if name != ".":
                place = place.names.get(name) if isinstance(place, Folder) else None
        return place

    def place(self, path):
        return self.find(os.path.dirname(path)), os.path.basename(path)

    def play(self, what, a, b, first, second):
        if what == "o":
            self.opened(a, b, first.decode())
        elif what == "c":
            self.open.pop(a, None)
        elif what == "w":
            file, position, appends = self.open[a]
            offset = b if b >= 0 else len(file.bytes) if appends else position
            file.apply((offset, first))
            if b < 0:
                self.open[a] = (file, offset + len(first), appends)
        elif what == "t":
            self.open[a][0].apply((b, None))
        elif what == "s":
            self.open[a][0].sync()
        else:
            self.renamed(what, first.decode(), second.decode())

    def opened(self, descriptor, flags, path):
        thing = self.find(path)
        if thing is None:
            folder, name = self.place(path)
            thing = File()
            folder.apply([(name, thing)])
        elif flags & 2 and thing.bytes:
            thing.apply((0, None))
        self.open[descriptor] = (thing, 0, flags & 1)

    def renamed(self, what, path, other):
        folder, name = self.place(path)
        if what == "m":
            folder.apply([(name, Folder())])
        elif what == "u":
            folder.apply([(name, None)])
        elif what in "rl":
            source, old = self.place(other)
            change = [(name, source.names[old])] + ([(old, None)] if what == "r" else [])
            if source is not folder:
                raise Loss(f"{other} goes to another folder")
            folder.apply(change)
        else:
            raise Loss(f"a change of unknown kind: {what} {path}")


def left(kind, thing, choose):
    """The content of a file or folder after a loss: `kind` says what there is of the unsynced."""
    state = bytearray(thing.durable) if isinstance(thing, File) else dict(thing.durable)
    for change in thing.pending:
        if kind == "none" or kind == "any" and choose.random() < 0.5:
            continue
        if isinstance(thing, Folder):
            alter(state, change)
        else:
            offset, piece = change
            if kind == "any" and piece and choose.random() < 0.3:
                piece = piece[:choose.randrange(len(piece))]
            apply(state, (offset, piece))
    return state


def write_image(folder, path, bytes_kind, names_kind, choose):
    os.makedirs(path, exist_ok=True)
    for name, thing in left(names_kind, folder, choose).items():
        below = os.path.join(path, name)
        if isinstance(thing, Folder):
            write_image(thing, below, bytes_kind, names_kind, choose)
        else:
            with open(below, "wb") as file:
                file.write(left(bytes_kind, thing, choose))


def read_record(path):
    with open(path, "rb") as file:
        data = file.read()
    changes, position = [], 0
    while position < len(data):
        what, a, b, n, m = HEAD.unpack_from(data, position)
        position += HEAD.size
        changes.append((what.decode(), a, b, data[position:position + n], data[position + n:position + n + m]))
        position += n + m
    return changes


def promises(changes, moment):
    """What was promised at that moment: each stage's last saved checkpoint, and the stages that had ended."""
    saved, ended, renamed, open_folders = {}, set(), None, {}
    for what, a, _, first, _ in changes[:moment]:
        if what == "o":
            open_folders[a] = first.decode()
        elif what == "r":
            renamed = first.decode()
        elif what == "s" and renamed and open_folders.get(a) == os.path.dirname(renamed):
            stage = renamed.split("/run/")[1].split("/")[0]
            if "/checkpoints/step-" in renamed:
                saved[stage] = step(renamed)
            if renamed.endswith("/summary.json"):
                ended.add(stage)
            renamed = None
    return saved, ended


def one(pipeline, changes, moment, bytes_kind, names_kind, choose, directory):
    disk = Disk(pipeline.whole)
    for change in changes[:moment]:
        disk.play(*change)
    write_image(disk.top, directory, bytes_kind, names_kind, choose)
    saved, ended = promises(changes, moment)
    for stage in ended:
        place = f"{directory}/run/{stage}"
        if not os.path.exists(place if stage == "summary.json" else f"{place}/summary.json"):
            raise Loss(f"{stage} had ended, and this is lost")
    if "summary.json" in ended:
        compare(results(directory), pipeline.results)
    # The name of a summary may be there before anybody was promised it.
    ended |= {stage for stage in saved if os.path.exists(f"{directory}/run/{stage}/summary.json")}
    errors = pipeline.resume(directory)
    later = resumed(errors)
    for stage, progress in saved.items():
        if stage not in ended and later.get(stage, -1) < progress:
            raise Loss(f"{stage} was saved at {progress} and goes on from {later.get(stage)}: {errors}")
    return f"bytes {bytes_kind}, names {names_kind}"


def check_record(pipeline, changes, folder):
    """All changes together make the files of the run."""
    disk = Disk(pipeline.whole)
    for change in changes:
        disk.play(*change)
    write_image(disk.top, folder, "all", "all", random.Random(0))
    compare(results(folder), pipeline.results)


def main():
    arguments = begin(parser(__doc__, 300, "power").parse_args())
    library = shim(arguments.output)
    every = []
    for robot in ROBOTS:
        pipeline = Pipeline(arguments.bred, robot, arguments.output, library)
        changes = read_record(pipeline.record)
        check_record(pipeline, changes, os.path.join(pipeline.folder, "replayed"))
        kinds = [(b, n) for b in ("none", "any", "all") for n in ("none", "any", "all") if (b, n) != ("all", "all")]
        every += [(pipeline, changes, moment, *kind) for moment in range(1, len(changes) + 1) for kind in kinds]
    chosen = spread(every, arguments.count, arguments.seed)
    print(f"power: {len(chosen)} of {len(every)} images")
    campaign = Campaign("power", arguments, len(chosen))
    for index, (pipeline, changes, moment, bytes_kind, names_kind) in enumerate(chosen):
        choose = random.Random(f"{arguments.seed}/{index}")
        campaign.trial(
            f"{pipeline.robot}, after change {moment} of {len(changes)}, bytes {bytes_kind}, names {names_kind}",
            lambda directory: one(pipeline, changes, moment, bytes_kind, names_kind, choose, directory))
    campaign.end()


if __name__ == "__main__":
    main()
