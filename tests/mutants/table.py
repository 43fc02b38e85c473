"""The planted bugs: read from the *.toml files beside this one, and checked against the source and the list of invariants.

    [[mutant]]
    name = "result_without_fence"             # unique
    invariant = "A3"                          # one of ARCHITECTURE.md
    plants = "a result counts whatever its fence is"
    file = "broker/core/handlers.c"
    old = "|| request->fence != fence) {"     # stands exactly once in the file; or a list of such texts, and a list of new ones
    new = ") {"
    tests = ["sim:3", "core/life"]            # tried in this order until one sees it

A test is `suite/name` of the build, perhaps with the words of a case behind it ("system/serve stale"); or `suite/*`, all of a suite; or
`sim:SEED`, a simulated world and, if that one does not see it, other worlds.
"""
import glob
import os
import re
import tomllib
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FIELDS = {"name", "invariant", "plants", "file", "old", "new", "tests"}
LATER = ("T",)  # invariants of patterns that do not exist yet


@dataclass
class Mutant:
    name: str
    invariant: str
    plants: str
    file: str
    old: str | list
    new: str | list
    tests: list
    room: str

    def edits(self):
        """(text, what stands there instead), usually one."""
        return list(zip(self.old, self.new, strict=True)) if isinstance(self.old, list) else [(self.old, self.new)]


def read(directory=HERE):
    mutants = []
    for path in sorted(glob.glob(os.path.join(directory, "*.toml"))):
        with open(path, "rb") as file:
            rows = tomllib.load(file).get("mutant", [])
        room = os.path.splitext(os.path.basename(path))[0]
        for row in rows:
            if set(row) != FIELDS:
                raise SystemExit(f"{path}: {row.get('name', '?')}: fields are {', '.join(sorted(FIELDS))}")
            mutants.append(Mutant(room=room, **row))
    return mutants


def invariants(root=ROOT):
    with open(os.path.join(root, "ARCHITECTURE.md"), encoding="utf-8") as page:
        names = re.findall(r"^\| ([A-Z]\d) \|", page.read(), re.M)
    return [name for name in names if not name.startswith(LATER)]


def case_is_there(root, test, word):
    """A word behind a test picks the cases whose names contain it. Options (`--cycles 4`) pick none."""
    path = os.path.join(root, "tests", test + "_test.py")
    if word.startswith("--") or word.isdigit() or not os.path.isfile(path):
        return word.startswith("--") or word.isdigit()
    with open(path, encoding="utf-8") as file:
        return re.search(rf"def test_\w*{re.escape(word)}", file.read()) is not None


def faults(mutants, root=ROOT):
    """What is wrong with the table itself: these lines fail a run before anything is built."""
    found, seen, known = [], set(), invariants(root)
    for mutant in mutants:
        if mutant.name in seen:
            found.append(f"{mutant.name}: the name is taken")
        seen.add(mutant.name)
        if mutant.invariant not in known:
            found.append(f"{mutant.name}: {mutant.invariant} is no invariant of ARCHITECTURE.md")
        if not mutant.tests or mutant.old == mutant.new:
            found.append(f"{mutant.name}: no test, or no change")
        path = os.path.join(root, mutant.file)
        text = open(path, encoding="utf-8").read() if os.path.isfile(path) else ""
        for old, _ in mutant.edits():
            if text.count(old) != 1:
                found.append(f"{mutant.name}: the mutant is stale: its text stands {text.count(old)} times in {mutant.file}")
        for spec in mutant.tests:
            found += [f"{mutant.name}: {spec}: no case of this name" for word in spec.split()[1:] if not case_is_there(root, spec.split()[0], word)]
    covered = {mutant.invariant for mutant in mutants}
    found += [f"{name}: no mutant of this invariant" for name in known if name not in covered]
    return found
