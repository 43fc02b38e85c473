#!/usr/bin/python3
"""Record histories of a real qiaod under faults.

    record.py --operations N --folder DIR [--seed S] [--faults all|none|WORD,...] [--every N]

Starts a broker, five processes of clients, and a wire between them that can be cut; strikes with faults as the operations go by; lets everything end
without faults; has everybody ask for everything once more; and leaves one history per client in DIR. judge.py decides what they show.
Faults: kill (kill -9 and restart), stop (SIGSTOP and SIGCONT of the broker), cut (TCP), stall (TCP), drop (a client begins anew without a word),
freeze (SIGSTOP and SIGCONT of a client process); beside those the clients themselves say stale, late, doubled, stolen and senseless things, and the operator
pauses, fails, requeues, reloads, revokes.
"""
import argparse
import collections
import os
import random
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import msgpack
import zmq

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon import Daemon, Member  # noqa: E402
from forwarder import Forwarder  # noqa: E402
from history import LOG, Writer, now  # noqa: E402
from peer import Peer  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FAULTS = {"kill": 3, "stop": 2, "cut": 4, "stall": 2, "drop": 4, "freeze": 2}   # weights
KINDS_FIRST = ("cut", "kill")     # struck first, so that no run is too short for them
CAST = [  # processes, each with its actors: (kind, name, party)
    [("requester", "acme-1", "acme"), ("requester", "acme-2", "acme")],
    [("requester", "helix-1", "helix")],
    [("performer", "biolab-1", "biolab"), ("performer", "assayer-1", "assayer")],
    [("performer", "biolab-2", "biolab"), ("performer", "assayer-2", "assayer")],
    [("overseer", "park-1", None)],
]
ROLES = {"acme": "requester", "helix": "requester", "biolab": "performer", "assayer": "performer"}
PHASES = (("settle", "quiet"), ("repeat", "repeated"), ("settle", "quiet"), ("audit", "audited"))
SAMPLE = 0.5           # seconds
PATIENCE = 20.0        # seconds without any progress


class Script(Peer):
    """The operator before the play begins: makes parties and members."""

    def __init__(self, world, member, endpoint, history):
        super().__init__(world, "stage", member, endpoint, history)
        self.refused = []
        self.connect()

    def on_answer(self, said, name, header, body):
        if name == "refusal":
            self.refused.append(header)

    def settle(self):
        deadline = time.monotonic() + PATIENCE
        while self.welcome is None or self.pending:
            self.flush()
            self.socket.poll(20)
            self.hear()
            self.keep_alive(now())
            if time.monotonic() > deadline or self.refused:
                raise RuntimeError(f"the parties could not be made: {self.refused}")


class Process:
    """A process of clients, as its parent sees it."""

    def __init__(self, plan_path):
        self.process = subprocess.Popen([sys.executable, "-B", os.path.join(HERE, "host.py"), plan_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.operations, self.open, self.words, self.rest = 0, None, set(), b""

    def read(self):
        piece = os.read(self.process.stdout.fileno(), 65536)
        if not piece:
            raise RuntimeError(f"a process of clients ended with {self.process.wait()}")
        *lines, self.rest = (self.rest + piece).split(b"\n")
        for line in lines:
            word, _, number = line.decode().partition(" ")
            if word == "operations":
                self.operations = int(number)
            elif word == "open":
                self.open = int(number)
            else:
                self.words.add(word)

    def order(self, word):
        self.words.clear()
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def end(self):
        """Its history is whole also when the run has failed."""
        try:
            self.process.send_signal(signal.SIGCONT)
            self.process.communicate(b"end\n", timeout=10)
        except (subprocess.TimeoutExpired, ValueError, OSError):
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()


class Recorder:
    def __init__(self, folder, seed, faults, config="", pace=0):
        self.home = tempfile.mkdtemp(prefix="qiao-check-")
        self.folder, self.seed, self.chance = folder, seed, random.Random(seed)
        self.faults, self.deck, self.pace = faults, [], pace
        self.count = collections.Counter()
        self.processes = []
        self.forwarder = None
        self.zmq = zmq.Context()
        os.makedirs(folder, exist_ok=True)
        self.daemon = Daemon(self.home, config)
        self.history = Writer(folder, "faults", kind="faults")
        self.needle = f"needle{secrets.token_hex(8)}"
        self.samples = []             # (time, resident bytes, descriptors, operations)

    # ------------------------------------------------------------ the stage

    def begin(self):
        self.daemon.start()
        members = self.make_parties()
        keys = {f"the secret key of {name}": member.secret for name, member in members.items()}
        self.history.note(secrets={"needle": self.needle.encode(), **self.daemon.secrets(), **keys})
        host, port = self.daemon.endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.forwarder = Forwarder((host, int(port)), self.seed)
        for number, actors in enumerate(CAST):
            endpoint = f"tcp://127.0.0.1:{self.forwarder.listen()}"
            plan = {"folder": self.folder, "seed": self.seed, "catalogue": self.daemon.catalogue_path, "needle": self.needle,
                    "pace": self.pace, "actors": [[kind, name, endpoint, members[name].plain()] for kind, name, _ in actors]}
            path = os.path.join(self.home, f"plan-{number}")
            with open(path, "wb") as file:
                file.write(msgpack.packb(plan))
            self.processes.append(Process(path))
        self.forwarder.start()

    def make_parties(self):
        history = Writer(self.folder, "stage", party=self.daemon.operator.party, member=self.daemon.operator.member, kind="stage")
        script = Script(self, self.daemon.operator, self.daemon.endpoint, history)
        members = {}
        for party, role in ROLES.items():
            script.say("party", action="add", party=party, roles=[role], services=["check.*"])
        for kind, name, party in (actor for actors in CAST for actor in actors):
            party = party or self.daemon.operator.party
            member = members[name] = Member(party, name.replace("-", "."), self.daemon.operator.server)
            script.say("party", action="add", party=party, member=member.member, key=member.key())
        script.settle()
        for name in ("check.leased", "check.owned", "check.verified"):
            script.say("services", service=name)
        script.settle()
        script.drop()
        history.close()
        return members

    # ------------------------------------------------------------ time goes by

    def wait(self, seconds):
        """Hear what the processes say for so long."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([process.process.stdout for process in self.processes], [], [], max(0, left))
            for process in self.processes:
                if process.process.stdout in ready:
                    process.read()
            if self.daemon.process.poll() is not None:
                raise RuntimeError(f"qiaod ended by itself with {self.daemon.process.returncode}: {self.daemon.tail()}")
            self.sample()
            if left <= 0:
                return

    def operations(self):
        return sum(process.operations for process in self.processes)

    def until(self, done, what):
        """Wait for something that must come; progress of any kind renews the patience."""
        deadline, last = time.monotonic() + PATIENCE, None
        while not done():
            before = self.operations()
            self.wait(0.05)
            state = [process.open for process in self.processes], sum(len(process.words) for process in self.processes)
            if state != last or (what in ("run", "audit") and self.operations() != before):
                deadline, last = time.monotonic() + PATIENCE, state
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what}: nothing more happens; open requests and answers {state}; {self.daemon.tail()}")

    # ------------------------------------------------------------ faults

    def strike(self):
        """The next fault from a shuffled deck, so that a short run sees all kinds."""
        if not self.deck:
            self.deck = [name for name in self.faults for _ in range(FAULTS[name])]
            self.chance.shuffle(self.deck)
            self.deck += [name for name in self.faults if name in KINDS_FIRST and not self.count]
        name = self.deck.pop()
        self.count[name] += 1
        self.history.note(fault=name)
        getattr(self, "fault_" + name)()
        self.history.note(fault=name, over=True)

    def fault_kill(self):
        self.wait(self.chance.uniform(0, 0.05))
        self.daemon.kill()
        if self.chance.random() < 0.3:           # and again while it recovers
            again = subprocess.Popen([self.daemon.program, "run", "-c", self.daemon.dir], stdout=subprocess.DEVNULL, stderr=self.daemon.log)
            try:
                again.wait(self.chance.uniform(0, 0.05))
            except subprocess.TimeoutExpired:
                again.kill()
                again.wait()
        self.daemon.start()

    def fault_stop(self):
        self.daemon.signal(signal.SIGSTOP)
        self.wait(self.chance.choice([0.05, 0.3, 3.2]))
        self.daemon.signal(signal.SIGCONT)

    def fault_cut(self):
        self.forwarder.cut(self.chance.choice([0.1, 0.3, 1.0]))

    def fault_stall(self):
        self.forwarder.stall()
        self.wait(self.chance.choice([0.1, 0.5, 3.2]))
        self.forwarder.go_on()

    def fault_drop(self):
        self.chance.choice(self.processes).order("drop")

    def fault_freeze(self):
        process = self.chance.choice(self.processes).process
        process.send_signal(signal.SIGSTOP)
        self.wait(self.chance.choice([0.1, 1.2, 3.2]))
        process.send_signal(signal.SIGCONT)

    # ------------------------------------------------------------ the play

    def run(self, operations, every):
        """So many operations, with a fault every so many operations."""
        next_fault = every
        while self.operations() < operations:
            self.until(lambda: self.operations() >= min(next_fault, operations), "run")
            if self.operations() >= next_fault:
                if self.faults:
                    self.strike()
                next_fault = self.operations() + int(every * self.chance.uniform(0.3, 1.7))

    def run_for(self, seconds, every):
        """So many seconds, with a fault every so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.wait(min(self.chance.uniform(0.5, 1.5) * every, end - time.monotonic()))
            if self.faults:
                self.strike()

    def sample(self):
        """What the broker uses, at most once in SAMPLE seconds."""
        if not self.samples or time.monotonic() - self.samples[-1][0] >= SAMPLE:
            self.samples.append((time.monotonic(), *self.daemon.usage(), self.operations()))

    def order(self, word, answer):
        for process in self.processes:
            process.order(word)
        if answer:
            self.until(lambda: all(answer in process.words for process in self.processes), word)

    def finish(self, phases=PHASES):
        self.daemon.catalogue()
        for phase, answer in phases:
            self.order(phase, answer)
        self.order("end", None)
        for process in self.processes:
            process.process.wait(PATIENCE)
        code = self.daemon.stop()
        if code != 0:
            raise RuntimeError(f"qiaod stopped with {code}: {self.daemon.tail()}")

    def close(self):
        for process in self.processes:
            process.end()
        self.daemon.close()
        shutil.copy(os.path.join(self.home, LOG), self.folder)
        if self.forwarder is not None:
            self.forwarder.close()
        self.history.close()
        self.zmq.destroy(linger=0)
        shutil.rmtree(self.home, ignore_errors=True)


def record(folder, seed, operations, faults, every):
    """One run; the Recorder, which knows the counts."""
    recorder = Recorder(folder, seed, faults)
    try:
        recorder.begin()
        recorder.run(operations, every)
        recorder.finish()
    finally:
        recorder.close()
    return recorder


def fault_names(text):
    names = list(FAULTS) if text == "all" else [] if text == "none" else text.split(",")
    if not set(names) <= set(FAULTS):
        raise argparse.ArgumentTypeError(f"faults are {', '.join(FAULTS)}")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=fault_names, default=list(FAULTS))
    parser.add_argument("--every", type=int, default=2500, help="operations between two faults, on average")
    parser.add_argument("--folder", required=True)
    given = parser.parse_args()
    begun = time.monotonic()
    recorder = record(given.folder, given.seed, given.operations, given.faults, given.every)
    print(f"{recorder.operations():,} operations in {time.monotonic() - begun:.0f} s, faults {dict(recorder.count)}; now: judge.py {given.folder}")


if __name__ == "__main__":
    main()
