"""One connection to a broker: hello, numbered calls, heartbeats, reconnecting with everything that is in doubt."""
import atexit
import itertools
import random
import time
from collections import deque

import zmq

from . import schema, wire

CLIENT = "python/0.1"
SILENT_HEARTBEATS = 3


class Refusal(Exception):
    """The broker said no; nothing was stored. `code`, `path`, `retry_after` (seconds), `id` and `status` say more."""

    def __init__(self, header):
        self.code = header.get("code", "")
        self.path = header.get("path", "")
        self.retry_after = header.get("retry_after", 0) / 1e6
        self.id = header.get("id")
        self.status = header.get("status", "")     # of what it contradicts
        text = header.get("message", "")
        super().__init__(f"{self.code}: {text}" + (f" ({self.path})" if self.path else ""))


class Unreachable(Exception):
    """No welcome from the broker within the time given."""


class Uncertain(Exception):
    """The answer never came. Doing the same again, with the same key or fence, is safe and settles it."""


class Connection:
    """Not for users directly: Requester and Worker are made of it."""

    def __init__(self, context, timeout=10.0):
        self.context = context
        self.timeout = timeout
        self.numbers = itertools.count(2)
        self.pending = {}          # n -> encoded record, until its answer came
        self.answers = {}          # n -> (name, header, body)
        self.inbox = deque()       # records that answer no call: task, abort, withdraw, event
        self.seen = 0              # highest sequence we were told: a witness against a cut journal
        self.epoch = 0
        self.welcome = {}
        self.zmq = zmq.Context()
        self.socket = None
        self.heartbeat = 5.0
        atexit.register(self.close)    # a program that just ends still says bye, and does not wait in libzmq
        try:
            self._connect(timeout)
        except BaseException:
            self.close()
            raise

    # ------------------------------------------------------------ life

    def close(self):
        atexit.unregister(self.close)
        if self.socket is not None:
            if self.welcome:
                self._send(wire.encode("bye", {"reason": "done"}))
            self.socket.close(linger=200)
            self.socket = None
        self.zmq.term()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def on_reconnect(self):
        """Called after a new welcome, before what is in doubt goes out again. A worker offers again here."""

    def _open_socket(self):
        if self.socket is not None:
            self.socket.close(linger=0)
        self.socket = self.zmq.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.maxmsgsize = schema.LIMITS["frame_bytes"]
        if self.context.secret_key:
            self.socket.curve_serverkey = self.context.server_key.encode()
            self.socket.curve_publickey = self.context.public_key.encode()
            self.socket.curve_secretkey = self.context.secret_key.encode()
        self.socket.connect(self.context.endpoint)

    def _connect(self, timeout):
        deadline = time.monotonic() + timeout
        self.welcome = {}
        self._open_socket()
        self._hello()
        while not self.welcome:
            if not self._pump(deadline):
                raise Unreachable(f"no welcome from {self.context.endpoint} within {timeout:g} s: is the broker running, and is the key known to it?")

    def _hello(self):
        self._send(wire.encode("hello", {"n": 1, "version": schema.VERSION, "client": CLIENT, "seen": self.seen, "epoch": self.epoch}))
        self.spoken = self.heard = time.monotonic()

    def _again(self):
        """The connection is silent or the broker forgot us: from the beginning, then everything in doubt with identical bytes."""
        pause = random.uniform(0.05, 0.5)
        while True:
            try:
                self._connect(self.timeout)
                break
            except Unreachable:
                self.socket.poll(int(pause * 1000))
                pause = min(pause * 2, 5.0) * random.uniform(0.8, 1.2)
        self.on_reconnect()
        for record in self.pending.values():
            self._send(record)

    # ------------------------------------------------------------ traffic

    def _send(self, record):
        self.socket.send(record)
        self.spoken = time.monotonic()

    def post(self, name, body=b"", **fields):
        """Send a record that is owed no answer."""
        self._send(wire.encode(name, fields, body))

    def begin(self, name, body=b"", **fields):
        """Send a numbered record; its answer is fetched with `settle`. Kept until then, and sent again after a reconnect."""
        number = next(self.numbers)
        self.pending[number] = wire.encode(name, {"n": number, **fields}, body)
        self._send(self.pending[number])
        return number

    def settle(self, number, timeout=None):
        """The answer to a begun call: (name, header, body). Refusal when it was no, Uncertain when none came in time."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while number not in self.answers:
            if not self._pump(deadline):
                self.pending.pop(number, None)
                raise Uncertain("no answer in time; the same call again is safe and settles it")
        name, header, body = self.answers.pop(number)
        if name == "refusal":
            raise Refusal(header)
        return name, header, body

    def call(self, name, body=b"", timeout=None, **fields):
        return self.settle(self.begin(name, body, **fields), timeout)

    def wait(self, deadline, wake=None):
        """Handle traffic until something is in the inbox, `wake` (a descriptor) is readable, or the deadline passed.

        With `wake`, also until an answer came: a worker settles its answers as they come.
        """
        while not self.inbox and not (wake is not None and self.answers):
            if not self._pump(deadline, wake):
                return False
        return True

    def _pump(self, deadline, wake=None):
        """Wait for one frame at most until deadline (time.monotonic); False when that passed or `wake` became readable."""
        now = time.monotonic()
        if now >= deadline:
            return False
        self._keep_alive(now)
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        if wake is not None:
            poller.register(wake, zmq.POLLIN)
        ready = dict(poller.poll(max(0, min(deadline, self.spoken + self.heartbeat) - now) * 1000))
        if self.socket in ready:
            self.heard = time.monotonic()
            for record in wire.decode(self.socket.recv()):
                self._receive(*record)
        return wake is None or wake not in ready

    def _keep_alive(self, now):
        if self.welcome and now - self.heard > SILENT_HEARTBEATS * self.heartbeat:
            self._again()
        elif now - self.spoken >= self.heartbeat:
            self._send(wire.encode("ping", {"n": 0}))

    def _receive(self, name, header, body):
        number = header.get("re")
        self.seen = max(self.seen, header.get("seq", 0))
        if name == "welcome":
            self._welcomed(header)
        elif name == "ping":
            self._send(wire.encode("pong", {"re": header.get("n", 0)}))
        elif name == "refusal" and header.get("path") == "hello" and header.get("code") == "forbidden":
            self._again()              # the broker dropped this connection while the link stayed
        elif name == "refusal" and not self.welcome:
            raise Refusal(header)
        elif name == "bye":
            self.heard = float("-inf")  # the next look reconnects
        elif name == "event" or number not in self.pending:
            self.inbox.append((name, header, body))
        else:
            del self.pending[number]
            self.answers[number] = (name, header, body)

    def _welcomed(self, header):
        if header.get("epoch", 0) < self.epoch:
            return                     # a broker that was replaced
        self.epoch = header.get("epoch", 0)
        self.welcome = header
        self.heartbeat = header.get("heartbeat", 5_000_000) / 1e6
