"""qiaod as a process: own data directory, own port, kill -9 and back, stopped and continued; its memory and descriptors as /proc tells them."""
import os
import re
import select
import signal
import subprocess
import time

import zmq
import zmq.utils.z85

BUILD = os.environ.get("QIAO_BUILD") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build")
PATIENCE = 60.0   # seconds: a bound for what must come, not a pause

# Short limits, so that a run of seconds sees them all expire.
CATALOGUE = """
services:
  - name: check.leased
    title: Leased work
    title_zh: 租约任务
    category: check
    tenure: leased
    limits: {{attempts: {attempts}, lease: {lease}, backoff: 10ms, backoff_max: 100ms}}
    input:
      - {{name: batch, type: string, required: true, min: 1, max: 64}}
      - {{name: volume, type: integer, min: 0, max: 1000}}
    output:
      - {{name: result, type: string}}
  - name: check.owned
    title: Owned work
    title_zh: 归属任务
    category: check
    tenure: owned
    limits: {{attempts: {attempts}, accept_by: 2s, start_by: 2s, attempt: 4s, backoff: 10ms, backoff_max: 100ms}}
    input:
      - {{name: batch, type: string, required: true, min: 1, max: 64}}
    output:
      - {{name: result, type: string}}
  - name: check.verified
    title: Owned work that a second member verifies
    title_zh: 复核任务
    category: check
    tenure: owned
    verify: true
    limits: {{attempts: {attempts}, accept_by: 2s, start_by: 2s, attempt: 8s, backoff: 10ms, backoff_max: 100ms}}
    input:
      - {{name: batch, type: string, required: true, min: 1, max: 64}}
    output:
      - {{name: result, type: string}}
"""
LEASE = "1s"
ATTEMPTS = 6
WRONG_CATALOGUE = "services:\n  - name: check.leased\n    tenure: neither\n"


def z85(value):
    return value if isinstance(value, bytes) else value.encode()


class Member:
    """A key pair of a party's member, with the broker's public key."""

    def __init__(self, party, member, server, public=None, secret=None):
        self.party, self.member, self.server = party, member, z85(server)
        if public is None:
            public, secret = zmq.curve_keypair()
        self.public, self.secret = z85(public), z85(secret)

    def key(self):
        """The public half as the 32 bytes that the wire wants."""
        return zmq.utils.z85.decode(self.public)

    def plain(self):
        return [self.party, self.member, self.server, self.public, self.secret]


def context_file(path):
    with open(path, encoding="utf-8") as file:
        return dict((part.strip() for part in line.split("=", 1)) for line in file if "=" in line and not line.startswith("#"))


class Daemon:
    def __init__(self, home, config=""):
        self.home = home
        self.dir = os.path.join(home, "data")
        self.catalogue_path = os.path.join(home, "catalogue.yaml")
        self.catalogue()
        self.program = os.path.abspath(os.path.join(BUILD, "broker/shell/qiaod"))
        self.log = open(os.path.join(home, "qiaod.log"), "ab")
        subprocess.run([self.program, "init", self.dir, "--endpoint", "tcp://127.0.0.1:*", "--catalogue", self.catalogue_path],
                       check=True, stdout=self.log, stderr=self.log)
        self.yaml = os.path.join(self.dir, "qiaod.yaml")
        self.edit("#log_level: info\n", "log_level: debug\n")
        self.edit("network:\n", "network:\n  heartbeat: 800ms\n  malformed: 10000\n")
        if config:
            with open(self.yaml, "a", encoding="utf-8") as file:
                file.write(config)
        words = context_file(os.path.join(self.dir, "operator.context"))
        self.operator = Member(words.get("party", "operator"), words.get("member", "m1"), words["server_key"], words["public_key"], words["secret_key"])
        self.process = None
        self.starts = 0

    def edit(self, old, new):
        with open(self.yaml, encoding="utf-8") as file:
            text = file.read()
        with open(self.yaml, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))

    def catalogue(self, text=None, attempts=ATTEMPTS, lease=LEASE):
        with open(self.catalogue_path, "w", encoding="utf-8") as file:
            file.write(text if text is not None else CATALOGUE.format(attempts=attempts, lease=lease))

    def start(self):
        """Start, and wait until it serves. A restart keeps the port."""
        self.process = subprocess.Popen([self.program, "run", "-c", self.dir], stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL)
        self.starts += 1
        deadline, said = time.monotonic() + PATIENCE, b""
        while b"qiaod ready" not in said or not said.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not piece:
                raise RuntimeError(f"qiaod did not become ready: {said!r}; {self.tail()}")
            said += piece
        line = next(line for line in said.decode().splitlines() if "qiaod ready" in line)
        self.endpoint = dict(word.split("=", 1) for word in line.split() if "=" in word)["endpoint"]
        self.edit("tcp://127.0.0.1:*", self.endpoint)
        self.process.stdout.close()

    def secrets(self):
        """The broker's own secret key and the operator's."""
        with open(os.path.join(self.dir, "server.key"), encoding="utf-8") as file:
            own = re.search(r'secret-key = "(.{40})"', file.read())
        return {"the broker's secret key": own.group(1).encode(), "the operator's secret key": self.operator.secret}

    def tail(self):
        with open(os.path.join(self.home, "qiaod.log"), encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-10:])

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        return self.process.wait()

    def stop(self):
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        self.log.close()

    # ------------------------------------------------------------ what it uses

    def usage(self):
        """(resident bytes, open descriptors) now."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            words = dict(line.split(":", 1) for line in file)
        return int(words["VmRSS"].split()[0]) * 1024, len(os.listdir(f"/proc/{self.process.pid}/fd"))
