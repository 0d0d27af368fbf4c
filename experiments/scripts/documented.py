#!/usr/bin/env python3
"""Lists public declarations without a doc comment: `file:line: name`, non-zero exit if any.

A requirement of a public protocol is public too. What needs none:
  - a property under @Setting, whose text is its meaning;
  - an initialiser that only stores its parameters, if any, in properties of the same names;
  - a witness: a member that a protocol of the type requires, where the protocol explains it;
  - keys of coding, and cases of enums whose comment or names explain them.
It reads files as .swift-format lays them out: a declaration starts its line, attributes on that
line or above.
"""

import re
import sys
from pathlib import Path

# Witnesses of the standard library's protocols.
STANDARD = {
    "CodingKeys", "description", "debugDescription", "errorDescription", "localizedDescription",
    "==", "<", "hash", "encode", "init(from:)", "init(rawValue:)", "rawValue", "allCases",
    "makeIterator", "Element", "Iterator", "Index", "startIndex", "endIndex",
}
ATTRIBUTE = r"(?:@\w+(?:\((?:[^()]|\([^()]*\))*\))?\s+)*"
WORDS = (
    r"(?:(?:public|open|package|internal|private|fileprivate|final|static|class|mutating|nonmutating"
    r"|indirect|prefix|postfix|infix|override|required|convenience|lazy|weak|nonisolated|unsafe"
    r"|consuming|borrowing"
    r"|(?:public|package|internal|private|fileprivate)\(set\))\s+)*"
)
DECLARATION = re.compile(
    rf"^\s*{ATTRIBUTE}(?P<words>{WORDS})(?P<kind>struct|class|enum|actor|protocol|extension|func|var"
    r"|let|init|deinit|subscript|typealias|associatedtype|case|macro)\b"
    r"[?!]?\s*(?P<rest>.*)$"
)
NARROW = {"package", "internal", "private", "fileprivate"}
TYPES = {"struct", "class", "enum", "actor", "protocol", "extension"}


def blanked(text):
    """The text with comments and the insides of strings blank, line by line."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|#"""[\s\S]*?"""#|"""[\s\S]*?"""|#"[^\n]*?"#|"(?:\\\((?:[^()"]|"[^"\n]*"'
        r'|\((?:[^()]|\([^()]*\))*\))*\)|\\.|[^"\\\n])*"',
        re.S,
    )
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


class Declaration:
    def __init__(self, kind, name, public, first, line, parent, head):
        self.kind, self.name, self.public, self.parent = kind, name, public, parent
        self.first, self.line = first, line  # of its attributes, of its keyword; from 0
        self.head, self.body, self.members = head, "", []


def name_of(kind, rest):
    if kind in ("init", "subscript"):
        labels = re.findall(r"(?:^\(|[(,])\s*(\w+)(?:\s+\w+)?\s*:", rest)
        return f"{kind}({''.join(label + ':' for label in labels)})"
    found = re.match(r"`?([\w.]+|[^\s\w(]+)", rest)
    return found.group(1) if found else rest


def declarations(lines):
    """Declarations of a file outside bodies of functions and accessors."""
    found, scopes, depth, round_, first = [], [], 0, 0, None
    for number, line in enumerate(lines):
        if round_ == 0 and first is None and line.lstrip().startswith("@"):
            first = number
        match = DECLARATION.match(line) if round_ == 0 else None
        in_types = len(scopes) == depth and all(scope.kind in TYPES for scope in scopes)
        declaration = None
        above = number if first is None else first
        if match:
            first = None
        if match and in_types:
            kind, words = match["kind"], match["words"].split()
            parent = scopes[-1] if scopes else None
            head, last = line, number
            while "{" not in head and last + 1 < len(lines) and head.count("(") > head.count(")"):
                last += 1
                head += " " + lines[last].strip()
            while kind in TYPES and "{" not in head and last + 1 < len(lines):
                last += 1
                head += " " + lines[last].strip()
            rest = head[head.index(kind, match.start("kind")) + len(kind):].lstrip("?! ")
            # Members of `public protocol` and `public extension` say nothing of it themselves.
            inherits = bool(parent) and parent.public and (
                parent.kind in ("protocol", "extension") and not set(words) & NARROW)
            public = bool({"public", "open"} & set(words)) or inherits
            declaration = Declaration(
                kind, name_of(kind, rest), public, above, number, parent, head)
            found.append(declaration)
            if parent:
                parent.members.append(declaration)
        opener = declaration or (found[-1] if found else None)
        for character in line:
            if character in "([":
                round_ += 1
            elif character in ")]":
                round_ -= 1
            elif character == "{":
                depth += 1
                if len(scopes) == depth - 1 and opener:
                    scopes.append(opener)
            elif character == "}":
                depth -= 1
                del scopes[depth:]
        for scope in scopes:
            scope.body += line + "\n"
    return found


def type_name(declaration):
    names = []
    while declaration:
        if declaration.kind in TYPES:
            names.insert(0, declaration.name)
        declaration = declaration.parent
    return ".".join(names)


def protocols_of(declaration):
    head = declaration.head.split("{")[0].split(" where ")[0]
    after = head.split(":", 1)
    if len(after) < 2:
        return []
    return re.findall(r"[\w.]+", re.sub(r"<[^<>]*>", "", after[1]))


def only_stores(declaration, stored):
    """Whether an initialiser does nothing but `self.name = name` for each parameter."""
    head = declaration.head.split("{")[0]
    parameters = set(re.findall(r"[(,]\s*(?:\w+\s+)?(\w+)\s*:", head))
    body = (declaration.body or declaration.head).partition("{")[2].replace("}", "")
    left = set()
    for statement in filter(None, (part.strip() for part in re.split(r"[\n;]", body))):
        match = re.fullmatch(r"\(?((?:self\.\w+(?:, )?)+)\)? = \(?(\w+(?:, \w+)*)\)?", statement)
        if not match:
            return False
        names = re.findall(r"self\.(\w+)", match[1])
        if names != match[2].split(", "):
            return False
        left.update(names)
    return left == parameters and left <= stored


def has_comment(raw, first):
    above = first - 1
    while above >= 0 and raw[above].lstrip().startswith("#if"):
        above -= 1
    return above >= 0 and raw[above].lstrip().startswith("///")


def main(arguments):
    files = {}
    for path in arguments:
        text = Path(path).read_text()
        files[path] = (text.split("\n"), declarations(blanked(text).split("\n")))
    everything = [d for _, found in files.values() for d in found]
    # By name: what protocols require and refine; what types conform to and store.
    required, refines, conforms, stored = {}, {}, {}, {}
    for d in everything:
        if d.kind == "protocol":
            required[d.name] = {member.name for member in d.members}
            refines[d.name] = protocols_of(d)
        elif d.kind in TYPES:
            conforms.setdefault(type_name(d), set()).update(protocols_of(d))
            stored.setdefault(type_name(d), set()).update(
                m.name for m in d.members if m.kind in ("var", "let"))

    def requirements(names, seen):
        result = set()
        for name in names:
            name = name.split(".")[-1]
            if name not in seen:
                seen.add(name)
                result |= required.get(name, set()) | requirements(refines.get(name, []), seen)
        return result

    missing = 0
    for path, (raw, found) in files.items():
        for d in found:
            if not d.public or d.kind in ("extension", "deinit") or has_comment(raw, d.first):
                continue
            owner = type_name(d.parent) if d.parent else ""
            names = set(conforms.get(owner, ())) | {owner.split(".")[-1]}
            witness = d.parent and d.parent.kind != "protocol" and d.name in requirements(
                names, set())
            is_setting = any("@Setting" in line for line in raw[d.first:d.line + 1])
            if d.name in STANDARD or witness or is_setting:
                continue
            if d.parent and d.parent.name == "CodingKeys":
                continue
            if d.kind == "init" and only_stores(d, stored.get(owner, set())):
                continue
            missing += 1
            print(f"{path}:{d.line + 1}: {owner + '.' if owner else ''}{d.name}")
    if missing:
        print(f"lint: {missing} public declarations have no doc comment", file=sys.stderr)
    return 1 if missing else 0


sys.exit(main(sys.argv[1:]))
