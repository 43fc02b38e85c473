"""A copy of the tree in a scratch directory: built once, then changed, rebuilt and tested for each planted bug.

The product's source holds none of them: no #ifdef, nothing that a release could contain by mistake. A bug is put into the copy only.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import listing  # noqa: E402

PARTS = ("ARCHITECTURE.md", "meson.build", "meson_options.txt", "PROTOCOL.md", "README.md", "broker", "clients", "deploy", "proto", "tests")
SEEDS = 100        # simulated worlds that a mutant of the core gets
WORLD_STEPS = 20000
HANG_S = 30        # and ten times of what the test takes without a bug
CONTROLS = 3       # times that a test may be asked, without a bug, until it passes
LINES = 160


@dataclass
class Seen:
    """What one test said. name: the case that failed, or how the program ended; empty: it passed."""
    name: str
    seconds: float
    detail: str = ""


class Failure(Exception):
    pass


def run(command, **options):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


def sources(root, revision):
    """Paths of the copy. The working tree as it stands, new files included; or one commit."""
    if not revision:
        return listing.files(root, PARTS)
    return subprocess.run(["git", "-C", root, "ls-tree", "-r", "--name-only", revision, "--", *PARTS], check=True, capture_output=True,
                          text=True).stdout.splitlines()


def digest(root):
    """A number of what is tested and what tests it: the same wherever the same sources lie, with or without their history."""
    sum_ = hashlib.sha256()
    for path in sources(root, None):
        if path.endswith((".c", ".h", ".py", ".toml")):
            sum_.update(f"{path}\n".encode() + hashlib.sha256(content(root, None, path)).digest())
    return int.from_bytes(sum_.digest()[:6], "big")


def content(root, revision, path):
    if revision:
        return subprocess.run(["git", "-C", root, "show", f"{revision}:{path}"], check=True, capture_output=True).stdout
    with open(os.path.join(root, path), "rb") as file:
        return file.read()


class Tree:
    def __init__(self, root, scratch, revision=None, jobs=2):
        self.source, self.build, self.jobs = os.path.join(scratch, "tree"), os.path.join(scratch, "build"), jobs
        self.limits = {}
        self.copy(root, revision)

    def configure(self):
        if not os.path.exists(os.path.join(self.build, "build.ninja")):
            # -O1: what is compiled once and run once is done soonest so.
            setup = run(["meson", "setup", self.build, self.source, "-Dbuildtype=debug", "-Doptimization=1", "-Ddebug=false", "-Dwhole=false"])
            if setup.returncode != 0:
                raise Failure(setup.stdout[-2000:])
        elif run(["ninja", "-C", self.build, "build.ninja"]).returncode != 0:
            raise Failure(f"{self.build} cannot be used again")
        self.introspect()

    def copy(self, root, revision):
        """Only what differs is written, so that a scratch directory can be used again."""
        wanted = sources(root, revision)
        for path in wanted:
            self.write(path, content(root, revision, path))
            mode = os.stat(os.path.join(root, path)).st_mode if os.path.exists(os.path.join(root, path)) else 0o644
            os.chmod(os.path.join(self.source, path), mode & 0o755 | 0o600)
        kept = set(wanted)
        for folder, _, names in os.walk(self.source):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.relpath(path, self.source) not in kept and "__pycache__" not in path:
                    os.unlink(path)

    def write(self, path, data):
        target = os.path.join(self.source, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.exists(target):
            with open(target, "rb") as file:
                if file.read() == data:
                    return
        with open(target, "wb") as file:
            file.write(data)

    def introspect(self):
        def ask(what):
            return json.loads(subprocess.run(["meson", "introspect", self.build, what], check=True, capture_output=True, text=True).stdout)
        targets = ask("--targets")
        files = {target["id"]: [os.path.relpath(name, self.build) for name in target["filename"]] for target in targets}
        self.headers = [name for target in targets if target["type"] == "custom" for name in files[target["id"]] if name.endswith(".h")]
        self.tests = {}
        for test in ask("--tests"):
            test["targets"] = [name for depend in test["depends"] for name in files.get(depend, [])]
            self.tests[f"{test['suite'][0].split(':')[-1]}/{test['name']}"] = test

    def test_of(self, spec):
        name = "sim/sim" if spec.startswith("sim:") else spec.split()[0]
        if name not in self.tests:
            raise Failure(f"{spec}: the build has no test of this name")
        return self.tests[name]

    def expand(self, specs):
        """`core/*` is every test of the suite that is not there by name already."""
        return [name for spec in specs if spec.endswith("/*") for name in sorted(self.tests) if name.startswith(spec[:-1]) and name not in specs]

    def make(self, specs):
        """The programs of these tests."""
        targets = sorted({target for spec in specs for target in self.test_of(spec)["targets"]})
        self.ninja(targets)

    def ninja(self, targets):
        made = run(["ninja", "-C", self.build, f"-j{self.jobs}", *targets])
        if made.returncode != 0:
            raise Failure(made.stdout[-3000:])

    def cannot_be_planted(self, planted):
        """Of [(name, file, text with the bug)]: [(name, the compiler's words)]. The compiler only reads them: all of a table in half a minute."""
        self.ninja(self.headers)
        with open(os.path.join(self.build, "compile_commands.json"), encoding="utf-8") as file:
            commands = {os.path.relpath(os.path.join(entry["directory"], entry["file"]), self.source): entry["command"] for entry in json.load(file)}

        def read(bug):
            name, file, text = bug
            if file not in commands:
                return name, ""
            words = iter(shlex.split(commands[file]))
            command = []
            for word in words:
                if word in ("-MF", "-MQ", "-o", "-c"):
                    next(words)
                elif word not in ("-MD", "-Winvalid-pch"):
                    command.append(word)
            command += ["-iquote", os.path.dirname(os.path.join(self.source, file)), "-x", "c", "-w", "-fsyntax-only", "-"]
            read = run(command, cwd=self.build, input=text)
            return name, read.stdout[-1000:] if read.returncode != 0 else ""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as several:
            return [(name, words) for name, words in several.map(read, planted) if words]

    def keep_sound_sim(self):
        """A simulator without a bug, to tell a world that sees one from a world that is broken itself."""
        sim = os.path.join(self.build, self.tests["sim/sim"]["targets"][0])
        if os.path.exists(sim):
            shutil.copy2(sim, sim + ".sound")

    def command(self, spec):
        test = self.test_of(spec)
        if not spec.startswith("sim:"):
            return [*test["cmd"], *spec.split()[1:]]
        known = test["cmd"][test["cmd"].index("--skip") + 1] if "--skip" in test["cmd"] else ""
        skip = ["--skip", known] if known else []
        return [test["cmd"][0], "--seed", spec[4:], "--steps", str(WORLD_STEPS), *skip]

    def control(self, spec):
        """Without a bug. It must pass, or what it says about a bug means nothing; one that passes only sometimes is told."""
        for _ in range(CONTROLS):
            seen = self.execute(self.command(spec), self.test_of(spec), HANG_S * 10)
            if not seen.name:
                self.limits[spec] = HANG_S + 10 * seen.seconds
                return
            print(f"# {spec} failed without a bug: {seen.name} {seen.detail}", flush=True)
        raise Failure(f"{spec} fails without a bug")

    def try_spec(self, spec):
        """Does this test see the bug that is in the tree? (test or seed, Seen)"""
        limit_s = self.limits.get(spec, HANG_S * 10)
        if not spec.startswith("sim:"):
            return spec, self.execute(self.command(spec), self.test_of(spec), limit_s)
        took, first = 0.0, int(spec[4:])
        for seed in (first, *(seed for seed in range(1, SEEDS) if seed != first)):
            world = f"sim:{seed}"
            seen = self.execute(self.command(world), self.test_of(world), limit_s)
            took += seen.seconds
            if seen.name and self.world_is_sound(world, limit_s):
                return world, Seen(seen.name, took, seen.detail)
        return f"{SEEDS} worlds", Seen("", took)

    def world_is_sound(self, world, limit_s):
        command = self.command(world)
        command[0] += ".sound"
        return not self.execute(command, self.test_of(world), limit_s).name

    def execute(self, command, test, limit_s):
        environment = {**os.environ, **test["env"]}
        began = time.monotonic()
        with open(os.path.join(self.build, "mutant.log"), "w+", encoding="utf-8", errors="replace") as log:
            process = subprocess.Popen(command, cwd=test["workdir"] or self.build, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT, start_new_session=True)
            try:
                process.wait(limit_s)
                hung = False
            except subprocess.TimeoutExpired:
                hung = True
            finally:
                self.end(process)
            log.seek(0)
            output = log.read()
        seconds = time.monotonic() - began
        return Seen("hangs", seconds) if hung else Seen(*verdict(process.returncode, output, seconds))

    @staticmethod
    def end(process):
        """The test and whatever it started: they are of one session, ours."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def verdict(code, output, seconds):
    """(name of what failed, seconds, detail) of a test's output: TAP, the simulator's line, an assertion, or how it ended."""
    failed = re.findall(r"^not ok \d+ -? ?(\S+)", output, re.M)
    violation = re.search(r"^VIOLATION (\S+) (\S+) seed=\S+ step=\S+: (.*)", output, re.M)
    assertion = re.search(r"(\S+:\d+): (\w+): Assertion .(.*). failed", output, re.M)
    if violation:
        return f"{violation[1]} {violation[2]}", seconds, violation[3][:LINES]
    if code == 0 and not failed:
        return "", seconds
    if assertion:
        return f"assertion in {assertion[2]}", seconds, assertion[3][:LINES]
    if failed:
        return failed[0], seconds, f"and {len(failed) - 1} more" if len(failed) > 1 else ""
    return (f"signal {-code}" if code < 0 else f"exit {code}"), seconds, output.strip()[-LINES:]
