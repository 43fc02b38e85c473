"""A real qiaod for a test: own data directory, own port, parties with contexts; everything ends with it.

    with Broker() as broker:
        acme = broker.party("acme", roles=["requester"])
        print(broker.qiao("list", context=acme).json())

Waits for what processes say, never for time. Needs QIAO_BUILD: the build folder.
"""
import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time

BUILD = os.environ.get("QIAO_BUILD") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build")
PROGRAMS = {
    "qiaod": "broker/shell/qiaod", "qiao": "clients/cli/qiao",
    "qiao-testing": "clients/workers/qiao-testing", "qiao-cdmo": "clients/workers/qiao-cdmo",
    "qiao-coldchain": "clients/workers/qiao-coldchain", "qiao-funding": "clients/workers/qiao-funding",
}
PATIENCE = 60.0  # seconds: a bound for what must come, not a pause


def program(name):
    """The path of a built program; `qiao-bench` and examples by their path below the build folder."""
    return os.path.abspath(os.path.join(BUILD, PROGRAMS.get(name, name)))


class Finished:
    """What a finished command said."""

    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    def json(self):
        """Its one JSON object."""
        return json.loads(self.out)

    def rows(self):
        """Its JSON objects, one a line."""
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]

    def __str__(self):
        return f"exit {self.code}\n{self.out}\n{self.err}"


class Child:
    """A long-running process whose output is read line by line."""

    def __init__(self, words, env=None, cwd=None):
        self.lines = []
        self.rest = b""   # read, but not yet given out as lines
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.errors, env=env, cwd=cwd, stdin=subprocess.DEVNULL)

    def line(self, word, patience=PATIENCE):
        """The first new line of its standard output that contains `word`."""
        deadline = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while True:
                while b"\n" in self.rest:
                    line, self.rest = self.rest.split(b"\n", 1)
                    self.lines.append(line.decode())
                    if word in self.lines[-1]:
                        return self.lines[-1]
                if not selector.select(max(0, deadline - time.monotonic())):
                    raise AssertionError(f"{self.process.args} did not say {word!r} within {patience} s; it said {self.lines}\n{self.err()}")
                piece = os.read(self.process.stdout.fileno(), 65536)
                if not piece:
                    raise AssertionError(f"{self.process.args} ended ({self.process.wait()}) before it said {word!r}; it said {self.lines}\n{self.err()}")
                self.rest += piece

    def err(self):
        self.errors.seek(0)
        return self.errors.read()

    def stop(self, number=signal.SIGTERM, patience=PATIENCE):
        """Send a signal and wait for the end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.process.args} did not end on signal {number} within {patience} s:\n{self.err()}") from None
        finally:
            self.process.stdout.close()
        return code

    def kill(self):
        return self.stop(signal.SIGKILL)


class Broker:
    def __init__(self, *options, config="", start=True):
        self.home = tempfile.mkdtemp(prefix="qiao-test-")
        self.dir = os.path.join(self.home, "data")
        self.children = []
        self.daemon = None
        self.env = {**os.environ, "QIAO_CONFIG_DIR": os.path.join(self.home, "config"), "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "TZ": "UTC"}
        self.env.pop("QIAO_CONTEXT", None)
        done = self.run(program("qiaod"), "init", self.dir, "--endpoint", "tcp://127.0.0.1:*", *options)
        if done.code:
            raise AssertionError(f"qiaod init: {done}")
        if config:
            with open(os.path.join(self.dir, "qiaod.yaml"), "a", encoding="utf-8") as file:
                file.write(config)
        self.operator = os.path.join(self.dir, "operator.context")
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in reversed(self.children):
            if child.process.poll() is None:
                child.kill()
            child.errors.close()
        shutil.rmtree(self.home, ignore_errors=True)

    # ------------------------------------------------------------ the daemon

    def start(self):
        """Start qiaod and wait until it is ready. A restart keeps the port, so that clients find it again."""
        self.daemon = self.child(program("qiaod"), "run", "-c", self.dir)
        ready = self.daemon.line("qiaod ready")
        self.endpoint = dict(word.split("=", 1) for word in ready.split() if "=" in word)["endpoint"]
        self._pin_port()
        return self

    def _pin_port(self):
        """Contexts name the endpoint: the first free port stays the port of this broker."""
        for path in (os.path.join(self.dir, "qiaod.yaml"), self.operator):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("tcp://127.0.0.1:*", self.endpoint).replace("tcp://127.0.0.1:0", self.endpoint))

    def stop(self):
        """SIGTERM; its exit code."""
        return self.daemon.stop()

    def crash(self):
        """kill -9."""
        return self.daemon.kill()

    # ------------------------------------------------------------ others

    def child(self, *words, context=None):
        child = Child(list(words), env=self._env(context), cwd=self.home)
        self.children.append(child)
        return child

    def _env(self, context):
        return {**self.env, "QIAO_CONTEXT": context} if context else self.env

    def run(self, *words, context=None, input=None, timeout=PATIENCE):
        return Finished(subprocess.run(list(words), env=self._env(context), input=input, capture_output=True, text=True, cwd=self.home, timeout=timeout,
                                       **({} if input is not None else {"stdin": subprocess.DEVNULL})))

    def qiao(self, *words, context=None, input=None, timeout=PATIENCE, ok=True):
        """The command line, as the operator when no context is given. AssertionError when it fails, unless ok=False."""
        done = self.run(program("qiao"), *words, context=context or self.operator, input=input, timeout=timeout)
        if ok and done.code:
            raise AssertionError(f"qiao {' '.join(words)}: {done}")
        return done

    def party(self, name, roles, services=("*",), member="m1"):
        """Make a party with one member; the path of its context."""
        grants = [word for role in roles for word in ("--role", role)] + [word for service in services for word in ("--service", service)]
        self.qiao("party", "add", name, *grants)
        return self.member(name, member)

    def member(self, party, member):
        """Invite and enrol one more member of a party; the path of its context."""
        invitation = os.path.join(self.home, f"{party}-{member}.invite")
        self.qiao("party", "invite", party, "--member", member, "-o", invitation)
        name = f"{party}-{member}"
        self.qiao("context", "import", invitation, "--name", name)
        return os.path.join(self.env["QIAO_CONFIG_DIR"], "contexts", name)
