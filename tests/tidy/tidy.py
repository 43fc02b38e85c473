"""What a script can see of the rules in CONTRIBUTING.md: who may know whom, sizes, banned calls, dead files, stale pages, stale planted bugs."""
import os
import re
import sys
import tomllib
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests"), os.path.join(ROOT, "tests", "mutants")]
sys.dont_write_bytecode = True
import listing  # noqa: E402
import table  # noqa: E402
import tap  # noqa: E402

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 160

# room -> rooms whose headers it may include
KNOWS = {
    "proto": {"proto"},
    "broker/core": {"core", "proto"},
    "broker/store": {"store", "proto"},
    "broker/net": {"net", "proto"},
    "broker/shell": {"shell", "core", "store", "net", "proto"},
    "clients/lib": {"lib", "proto", "qiao"},
    "clients/cli": {"cli", "lib", "proto", "qiao"},
    "clients/workers": {"workers", "qiao"},
}
ROOM_OF_PREFIX = {"core", "store", "net", "shell", "proto", "lib", "cli", "workers", "qiao"}
BANNED = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(": "unbounded or stateful string call",
    r"\b(sleep|usleep|nanosleep)\s*\(": "nothing waits by sleeping",
}
SELF = "tests/tidy/tidy.py"


def files(*endings):
    return [path for path in listing.files(ROOT) if path.endswith(endings)]


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def functions(path):
    """(name, first line, length) of each function definition: a brace in column 0 after a line that names it."""
    lines = text(path).splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            name = next((m.group(1) for back in range(start - 1, max(0, start - 12), -1)
                         if (m := re.match(r"^([a-z_][a-z0-9_]*)\(", lines[back - 1]))), "?")
            yield name, start, number - start + 1
            start = None


def names_in_builds(path):
    """How a meson.build may name a source: whole, or by what a foreach puts into 'test_' + name + '.c'."""
    stem = os.path.splitext(os.path.basename(path))[0]
    return {stem, stem.removeprefix("test_"), stem.removesuffix("_test")}


class Tidy(unittest.TestCase):
    maxDiff = None

    def none(self, found):
        self.assertEqual([], sorted(found), "\n" + "\n".join(sorted(found)))

    def test_rooms_include_only_what_they_may_know(self):
        found = []
        for path in files(".c", ".h"):
            room = next((room for room in KNOWS if path.startswith(room + "/")), None)
            if room is None or "/tests/" in path:
                continue
            for include in re.findall(r'^#include ["<]([a-z_]+)/', text(path), re.M):
                if include in ROOM_OF_PREFIX and include not in KNOWS[room]:
                    found.append(f"{path}: includes {include}/")
        self.none(found)

    def test_the_core_has_no_clock_no_disk_no_socket_no_chance(self):
        banned = re.compile(r"#include <(time|sys/time|sys/socket|pthread|fcntl|unistd|zmq|czmq|sqlite3)\.h>|\b(rand|random|clock_gettime|time)\s*\(")
        self.none(f"{path}: {match.group(0)}" for path in files(".c", ".h") if path.startswith("broker/core/")
                  for match in banned.finditer(text(path)))

    def test_files_stay_small(self):
        self.none(f"{path}: {lines} lines" for path in files(".c", ".h", ".py")
                  if (lines := text(path).count("\n")) > FILE_LINES_MAX)

    def test_functions_read_without_scrolling(self):
        self.none(f"{path}:{line}: {name} has {length} lines" for path in files(".c")
                  for name, line, length in functions(path) if length > FUNCTION_LINES_MAX)

    def test_lines_fit_a_screen(self):
        self.none(f"{path}:{number}: {len(line)} columns" for path in files(".c", ".h", ".py")
                  for number, line in enumerate(text(path).splitlines(), 1) if len(line) > LINE_COLUMNS_MAX)

    def test_no_banned_calls(self):
        self.none(f"{path}:{number}: {why}" for path in files(".c", ".h")
                  for number, line in enumerate(text(path).splitlines(), 1)
                  for pattern, why in BANNED.items() if re.search(pattern, line.split("//")[0]))

    def test_tests_do_not_sleep(self):
        self.none(f"{path}:{number}" for path in files(".py") if path.startswith("tests/") and path != SELF
                  for number, line in enumerate(text(path).splitlines(), 1) if re.search(r"\btime\.sleep\(", line))

    def test_nothing_is_left_open_in_the_text(self):
        self.none(f"{path}:{number}: {line.strip()[:80]}" for path in files(".c", ".h", ".py", ".md", ".toml", ".yaml")
                  if path != SELF
                  for number, line in enumerate(text(path).splitlines(), 1)
                  if re.search(r"\b(TODO|FIXME|XXX|not implemented|stubbed)\b", line))

    def test_every_source_file_is_built(self):
        builds = "\n".join(text(path) for path in files("meson.build"))
        self.none(path for path in files(".c") if not any(
            f"{quote}{name}{end}" in builds for name in names_in_builds(path) for quote in "'/" for end in ("'", ".c'")))

    def test_no_machine_paths_in_the_project(self):
        pattern = re.compile(r"/(work|home|root)/[a-z]")
        self.none(f"{path}:{number}" for path in files(".c", ".h", ".py", ".md", ".toml", ".yaml", ".json", ".build") + files("setup", "demo", "test", "bench")
                  if path != SELF
                  for number, line in enumerate(text(path).splitlines(), 1) if pattern.search(line))

    def test_every_client_record_is_handled_by_the_core(self):
        schema = tomllib.loads(text("proto/schema.toml"))
        core = "\n".join(text(path) for path in files(".c", ".h") if path.startswith(("broker/core/", "broker/shell/", "broker/net/")))
        self.none(name for name, record in schema["record"].items() if record["from"] in ("client", "both")
                  and f"PROTO_TYPE_{name.upper()}" not in core and f"PROTO_{name.upper()}" not in core)

    def test_every_dependency_names_its_licence(self):
        page = text("CONTRIBUTING.md")
        names = set(re.findall(r"dependency\('([a-z0-9_-]+)'", text("meson.build"))) - {"threads"}
        self.none(name for name in names if f"`{name}`" not in page)

    def test_every_planted_bug_can_be_planted(self):
        self.none(table.faults(table.read()))


if __name__ == "__main__":
    tap.main()
