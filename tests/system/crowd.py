"""A crowd of clients in one thread, speaking the wire directly, that write down all they said and heard.

Made for crashes: any of them may name a moment ("after the third receipt") at which something happens to the broker. It knows what
PROTOCOL.md says and nothing of the broker's or the library's code beyond the codec of clients/python.
"""
import os
import random
import sys
import time
from collections import Counter

import zmq

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "clients", "python"))
from qiao import Context, wire  # noqa: E402

TERMINAL = {"completed", "failed", "cancelled"}


class Member:
    """One connection. Subclasses hear records through on_<record>(header, body)."""

    def __init__(self, crowd, context):
        self.crowd = crowd
        self.context = Context.load(context)
        self.number = 1
        self.pending = {}              # n -> (name, fields, bytes), until answered; sent again after each new hello
        self.known = False
        self.socket = None
        self.connect()
        crowd.members.append(self)

    def connect(self):
        if self.socket is not None:
            self.socket.close(linger=0)
        self.known = False
        self.socket = self.crowd.zmq.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.reconnect_ivl = 20
        self.socket.curve_serverkey, self.socket.curve_publickey, self.socket.curve_secretkey = (
            key.encode() for key in (self.context.server_key, self.context.public_key, self.context.secret_key))
        self.socket.connect(self.context.endpoint)
        self.hello_at = time.monotonic()
        self.socket.send(wire.encode("hello", {"n": 1, "version": 1, "client": "crowd", "seen": self.crowd.seen}))

    def say(self, name, body=b"", **fields):
        """A numbered record, kept until its answer comes."""
        self.number += 1
        self.pending[self.number] = (name, fields, wire.encode(name, {"n": self.number, **fields}, body))
        if self.known:
            self.socket.send(self.pending[self.number][2])
        self.crowd.step(f"said {name}")

    def tell(self, name, **fields):
        """A record that is owed no answer, and is not sent again."""
        if self.known:
            self.socket.send(wire.encode(name, fields))

    def hear(self):
        while True:
            try:
                frame = self.socket.recv(zmq.DONTWAIT)
            except zmq.Again:
                return
            self.heard_at = time.monotonic()
            for name, header, body in wire.decode(frame):
                if not self.one(name, header, body):
                    return

    def one(self, name, header, body):
        self.crowd.seen = max(self.crowd.seen, header.get("seq", 0))
        said = self.pending.get(header.get("re"))
        if name == "welcome":
            self.known = True
            self.heard_at = self.pinged_at = time.monotonic()
            self.on_welcome()
            for _, _, record in self.pending.values():
                self.socket.send(record)
        elif name == "bye" or (name == "refusal" and header.get("path") == "hello" and header.get("code") == "forbidden"):
            self.connect()
            return False
        elif name in ("receipt", "page", "refusal") and said:
            del self.pending[header["re"]]
            getattr(self, "on_" + name)(said[0], said[1], header, body)
            self.crowd.step(f"heard {name} of {said[0]}")
        elif name in ("task", "abort", "withdraw", "event"):
            getattr(self, "on_" + name)(header, body)
            self.crowd.step(f"heard {name}")
        return True

    def keep_alive(self, now):
        if not self.known:
            if now - self.hello_at > 2.0:
                self.connect()
        elif now - self.heard_at > 1.0:
            self.connect()             # silent: the broker is gone, or has forgotten us
        elif now - self.pinged_at > 0.2:
            self.pinged_at = now
            self.socket.send(wire.encode("ping", {"n": 0}))

    def on_welcome(self):
        pass

    def on_receipt(self, name, fields, header, body):
        pass

    def on_page(self, name, fields, header, body):
        pass

    def on_refusal(self, name, fields, header, body):
        raise AssertionError(f"{name} {fields} was refused: {header}")

    def on_event(self, header, body):
        pass


class Asker(Member):
    """Submits under its own keys and writes down what it was promised and told."""

    def __init__(self, crowd, context):
        self.promised = {}             # key -> id
        self.submissions = {}          # key -> fields
        self.ended = {}                # id -> (status, outcome, seq)
        super().__init__(crowd, context)

    def submit(self, key, service, body=b""):
        self.submissions[key] = (service, body)
        self.say("submit", body, service=service, key=key, notify="all")

    def on_welcome(self):
        """A new connection is told of the end of what it submits: submit again whatever has not ended (N1)."""
        asked = {fields["key"] for name, fields, _ in self.pending.values() if name == "submit"}
        for key, (service, body) in self.submissions.items():
            if key not in asked and self.promised.get(key) not in self.ended:
                self.number += 1
                fields = {"service": service, "key": key, "notify": "all"}
                self.pending[self.number] = ("submit", fields, wire.encode("submit", {"n": self.number, **fields}, body))

    def on_receipt(self, name, fields, header, body):
        if name == "submit":
            first = self.promised.setdefault(fields["key"], header["id"])
            assert first == header["id"], f"N1: key {fields['key']} was {first}, now {header['id']}"
            self.crowd.count["receipts"] += 1

    def on_event(self, header, body):
        if header["status"] in TERMINAL:
            end = (header["status"], header.get("outcome", ""), header["seq"])
            first = self.ended.setdefault(header["id"], end)
            assert first == end, f"L1: request {header['id']} ended as {first} and as {end}"
        elif header["id"] in self.ended:
            assert header["seq"] < self.ended[header["id"]][2], f"L1: request {header['id']} went on after its end: {header}"


class Doer(Member):
    """Performs what it is sent, a step at a time; does again what it is sent again."""

    def __init__(self, crowd, context, services, capacity=8):
        self.services, self.capacity = services, capacity
        self.held = {}                 # task -> fence
        self.fences = {}               # task -> highest fence ever sent to us
        self.credited = {}             # (task, fence) -> outcome that the broker gave a receipt for
        super().__init__(crowd, context)

    def on_welcome(self):
        for service in self.services:
            self.number += 1
            self.socket.send(wire.encode("offer", {"n": self.number, "service": service, "capacity": self.capacity, "credit": self.capacity}))

    def on_task(self, header, body):
        task, fence = header["task"], header["fence"]
        # What was sent to a colleague before its lease ran out may be read after what was sent to us: in order is only what one member hears.
        known = self.fences.get(task, 0)
        assert fence >= known, f"A2: task {task} came with fence {fence} after {known}"
        assert self.crowd.given.setdefault((task, fence), self) is self, f"A2: task {task} went to two with fence {fence}"
        self.fences[task] = fence
        self.crowd.fences[task] = max(fence, self.crowd.fences.get(task, 0))
        if self.held.get(task) == fence:
            self.tell("credit", service=header["service"], credit=1)
            return                     # at it already; but it cost credit
        self.held[task] = fence
        if header["status"] == "requested":
            self.say("accept", task=task, fence=fence)
        if header["status"] in ("requested", "accepted"):
            self.say("start", task=task, fence=fence)
        if self.crowd.chance.random() < 0.3:
            self.say("progress", task=task, fence=fence, progress=0.5)
        if self.crowd.chance.random() < 0.1:
            self.say("fail", task=task, fence=fence, retryable=True, message="by chance")
        else:
            self.say("complete", body, task=task, fence=fence, outcome=f"done-{fence}")
        self.tell("credit", service=header["service"], credit=1)

    def on_receipt(self, name, fields, header, body):
        if name in ("complete", "fail"):
            self.held.pop(fields["task"], None)
        if name == "complete":
            self.credited[fields["task"], fields["fence"]] = fields["outcome"]

    def on_withdraw(self, header, body):
        if self.held.get(header["task"]) == header["fence"]:
            del self.held[header["task"]]

    def on_abort(self, header, body):
        pass

    def on_refusal(self, name, fields, header, body):
        """A stale fence, or a record sent twice around a crash: never a reason to give up, never counted as done."""
        assert header["code"] in ("stale", "conflict", "not-found"), f"{name} {fields}: {header}"
        self.crowd.count[f"refused {header['code']}"] += 1
        if header["code"] != "conflict" and self.held.get(fields["task"]) == fields["fence"]:
            del self.held[fields["task"]]


class Crowd:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.zmq = zmq.Context()
        self.members = []
        self.seen = 0
        self.fences = {}               # task -> highest fence that anybody was sent
        self.given = {}                # (task, fence) -> who was sent it
        self.count = Counter()
        self.steps = Counter()
        self.trap = None

    def close(self):
        for member in self.members:
            member.socket.close(linger=0)
        self.zmq.term()

    def set_trap(self, step, times, act):
        """Call `act` at the `times`-th next occurrence of a step such as "heard task" or "said complete"."""
        self.trap = [step, times, act]

    def step(self, name):
        self.steps[name] += 1
        if self.trap and self.trap[0] == name:
            self.trap[1] -= 1
            if self.trap[1] <= 0:
                act, self.trap = self.trap[2], None
                act()

    def run(self, done, patience):
        """Handle traffic until done() is true; AssertionError when that takes longer than `patience` seconds."""
        deadline = time.monotonic() + patience
        while not done():
            now = time.monotonic()
            assert now < deadline, f"not done within {patience} s; steps so far: {dict(self.steps)}"
            poller = zmq.Poller()
            for member in self.members:
                member.keep_alive(now)
                poller.register(member.socket, zmq.POLLIN)
            poller.poll(50)
            for member in self.members:
                member.hear()
