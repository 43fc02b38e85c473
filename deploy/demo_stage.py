"""The processes and parties of the demo: started, remembered, ended by pid. See demo_story.py for the story."""
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 120.0  # seconds, a bound for what must come


class Trouble(Exception):
    """Something of the demo did not do what it should; the text says what."""


class Lines:
    """The lines of a pipe, waited for with a bound. It reads the descriptor itself: a buffered reader would hold lines that select() cannot see."""

    def __init__(self, pipe):
        self.descriptor = pipe.fileno()
        self.rest = b""

    def next(self, seconds):
        """The next line, "" at the end of the pipe, None when none came in that time."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.descriptor], [], [], left)[0]:
                return None
            more = os.read(self.descriptor, 1 << 16)
            if not more:
                return ""
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode("utf-8") + "\n"


class Stage:
    def __init__(self, root):
        self.build = os.path.join(root, "build")
        self.examples = os.path.join(root, "deploy", "examples")
        self.home = tempfile.mkdtemp(prefix="qiao-demo-")
        self.data = os.path.join(self.home, "data")
        self.config = os.path.join(self.home, "config")
        self.processes = {}                # name -> Popen
        self.env = {**os.environ, "QIAO_CONFIG_DIR": self.config}
        for name in ("QIAO_CONTEXT", "QIAO_LANG"):
            self.env.pop(name, None)

    # ------------------------------------------------------------ programs

    def program(self, name):
        folder = {"qiaod": "broker/shell", "qiao": "clients/cli"}.get(name, "clients/workers")
        return os.path.join(self.build, folder, name)

    def run(self, *words, context=None, ok=True):
        """A command to its end; its standard output."""
        env = {**self.env, "QIAO_CONTEXT": context} if context else self.env
        done = subprocess.run([self.program(words[0]), *words[1:]], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
        if ok and done.returncode:
            raise Trouble(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout if ok else done

    def json(self, *words, context):
        """The JSON objects that a command prints, one a line."""
        return [json.loads(line) for line in self.run("qiao", *words, "--json", context=context).splitlines() if line.strip()]

    def start(self, name, *words, context=None, pipe=False):
        """A process that goes on; its messages are kept in a log of its name."""
        env = {**self.env, "QIAO_CONTEXT": context} if context else self.env
        with open(os.path.join(self.home, f"{name}.log"), "w", encoding="utf-8") as log:
            process = subprocess.Popen([self.program(words[0]), *words[1:]], env=env, stdin=subprocess.DEVNULL, stderr=log,
                                       stdout=subprocess.PIPE if pipe else log, text=True, start_new_session=True)
        self.processes[name] = process
        return process

    def log(self, name):
        with open(os.path.join(self.home, f"{name}.log"), encoding="utf-8") as file:
            return file.read()

    # ------------------------------------------------------------ broker and parties

    def start_broker(self):
        self.run("qiaod", "init", self.data, "--endpoint", "tcp://127.0.0.1:*")
        broker = self.start("qiaod", "qiaod", "run", "-c", self.data, pipe=True)
        line = broker.stdout.readline()
        if "ready" not in line:
            raise Trouble(f"qiaod did not start:\n{line}{self.log('qiaod')}")
        endpoint = dict(word.split("=", 1) for word in line.split() if "=" in word)["endpoint"]
        self.operator = os.path.join(self.data, "operator.context")
        for path in (self.operator, os.path.join(self.data, "qiaod.yaml")):      # the free port that was found stays this broker's
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("tcp://127.0.0.1:*", endpoint))
        return endpoint

    def add_party(self, name, title, roles, services, attributes=None):
        grants = [word for role in roles for word in ("--role", role)] + [word for service in services for word in ("--service", service)]
        self.run("qiao", "party", "add", name, "--title", title, *grants, context=self.operator)
        if attributes:
            with open(os.path.join(self.examples, "providers", attributes), encoding="utf-8") as file:
                confirmed = [word for key, value in json.load(file).items() for word in ("--attribute", f"{key}={json.dumps(value)}")]
            self.run("qiao", "party", "grant", name, *confirmed, "-m", "documents seen", context=self.operator)

    def add_member(self, party, member):
        """Invite, and enrol as the invited would; the context's path."""
        invitation = os.path.join(self.home, f"{party}-{member}.invite")
        self.run("qiao", "party", "invite", party, "--member", member, "-o", invitation, context=self.operator)
        self.run("qiao", "context", "import", invitation, "--name", f"{party}-{member}")
        return os.path.join(self.config, "contexts", f"{party}-{member}")

    # ------------------------------------------------------------ the end

    def kill(self, name):
        self.processes[name].kill()
        self.processes.pop(name).wait()

    def remember(self):
        """For --stop: what runs, in the order in which it is to end."""
        with open(os.path.join(self.home, "pids"), "w", encoding="utf-8") as file:
            for name, process in reversed(self.processes.items()):
                file.write(f"{process.pid} {os.path.basename(process.args[0])} {name}\n")

    def stop(self):
        """End everything, the broker last. Names of those that did not end well."""
        bad = []
        for name, process in reversed(list(self.processes.items())):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if process.stdout:
                process.stdout.close()
            if code not in (0, 130, 143, -signal.SIGTERM):
                bad.append(f"{name} ended with {code}; its log: {os.path.join(self.home, name + '.log')}")
        self.processes.clear()
        return bad


def running(pid, program):
    """Is this pid still the program that we started?"""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
            return os.path.basename(file.read().split("\0")[0]) == program
    except OSError:
        return False


def stop_remembered(home):
    """End what an earlier `deploy/demo --stay` left running in that directory."""
    try:
        with open(os.path.join(home, "pids"), encoding="utf-8") as file:
            rows = [line.split() for line in file]
    except OSError as error:
        sys.exit(f"deploy/demo --stop: {error}")
    for pid, program, _ in rows:
        deadline = time.monotonic() + 20
        if running(pid, program):
            handle = os.pidfd_open(int(pid))
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            if not select.select([handle], [], [], max(0, deadline - time.monotonic()))[0]:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)
    print(f"Everything was stopped. Its data, keys and logs are still there; to remove them: rm -r {home}")
    print(f"已全部停止。数据、密钥和日志仍保留;如需删除:rm -r {home}")
