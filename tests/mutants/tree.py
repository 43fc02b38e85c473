"""A copy of the tree in a scratch directory: built once, then changed, rebuilt and tested for each planted bug.

The product's source holds none of them: no #ifdef, nothing that a release could contain by mistake. A bug is put into the copy only.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass

PARTS = ("ARCHITECTURE.md", "meson.build", "meson_options.txt", "PROTOCOL.md", "README.md", "broker", "clients", "deploy", "proto", "tests")
SEEDS = 100        # simulated worlds that a mutant of the core gets
WORLD_STEPS = 20000
HANG_S = 30        # and ten times of what the test takes without a bug
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
    listing = ["ls-tree", "-r", "--name-only", revision, "--"] if revision else ["ls-files", "-co", "--exclude-standard", "--"]
    listed = subprocess.run(["git", "-C", root, *listing, *PARTS], check=True, capture_output=True, text=True)
    return [path for path in listed.stdout.splitlines() if revision or os.path.isfile(os.path.join(root, path))]


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
        files = {target["id"]: [os.path.relpath(name, self.build) for name in target["filename"]] for target in ask("--targets")}
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
        """`core/*` is every test of the suite that is not there by name already, the quickest first."""
        names = [spec for spec in specs if not spec.endswith("/*")]
        for spec in specs:
            suite = spec[:-1]
            more = [name for name in self.tests if name.startswith(suite) and name not in names] if spec.endswith("/*") else []
            names += sorted(more, key=lambda name: self.limits.get(name, 0))
        return names

    def make(self, specs):
        """The programs of these tests. The compiler's words when it fails, else None."""
        targets = sorted({target for spec in specs for target in self.test_of(spec)["targets"]})
        made = run(["ninja", "-C", self.build, f"-j{self.jobs}", *targets])
        return None if made.returncode == 0 else made.stdout[-3000:]

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
        seen = self.execute(self.command(spec), self.test_of(spec), HANG_S * 10)
        if seen.name:
            print(f"# {spec} failed once without a bug: {seen.name} {seen.detail}", flush=True)
            seen = self.execute(self.command(spec), self.test_of(spec), HANG_S * 10)
        if seen.name:
            raise Failure(f"{spec} fails without a bug: {seen.name} {seen.detail}")
        self.limits[spec] = HANG_S + 10 * seen.seconds

    def try_spec(self, spec):
        """Does this test see the bug that is in the tree? (test or seed, Seen)"""
        if not spec.startswith("sim:"):
            return spec, self.execute(self.command(spec), self.test_of(spec), self.limits[spec])
        took, first = 0.0, int(spec[4:])
        for seed in (first, *(seed for seed in range(1, SEEDS) if seed != first)):
            world = f"sim:{seed}"
            seen = self.execute(self.command(world), self.test_of(world), HANG_S)
            took += seen.seconds
            if seen.name and self.world_is_sound(world):
                return world, Seen(seen.name, took, seen.detail)
        return f"{SEEDS} worlds", Seen("", took)

    def world_is_sound(self, world):
        command = self.command(world)
        command[0] += ".sound"
        return not self.execute(command, self.test_of(world), HANG_S).name

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
