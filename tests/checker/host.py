"""A process with some actors; record.py starts several. It reads its orders from standard input, a word a line, and says how it goes, a line each.

    host.py PLAN       PLAN: a file of msgpack {folder, seed, actors: [[class, name, endpoint, member]], catalogue, needle}

Orders: `settle`, `repeat`, `audit`, `end`; `drop` (one connection is dropped without a word). Lines: `operations N`, `open N`, `quiet`, `repeated`, `audited`.
"""
import os
import sys

import msgpack
import zmq

from acting import Gossip
from daemon import CATALOGUE, WRONG_CATALOGUE, ATTEMPTS, Member
from history import Writer, now
from overseer import Overseer
from performer import Performer
from requester import Requester

CLASSES = {"requester": Requester, "performer": Performer, "overseer": Overseer}
DONE = {"settle": "quiet", "repeat": "repeated", "audit": "audited"}
TELL = 50_000          # µs between two lines about the progress
WAIT = 5                # ms that a turn may wait for something to be heard


class Host:
    def __init__(self, plan):
        self.zmq = zmq.Context()
        self.folder, self.catalogue = plan["folder"], plan["catalogue"]
        self.needle = plan["needle"]     # in every body, input and output: the log must not have it (C5)
        self.pace = plan.get("pace", 0)  # records a second that a requester says on average; 0: as many as it can
        self.gossip = Gossip(os.path.join(self.folder, "gossip"))
        self.guests = []
        self.actors = []
        self.phase, self.told_at, self.told = "run", 0, set()
        self.orders = b""
        for kind, name, endpoint, plain in plan["actors"]:
            member = Member(*plain)
            writer = Writer(self.folder, name, party=member.party, member=member.member, key=member.key(), kind=kind)
            self.actors.append(CLASSES[kind](self, name, member, endpoint, writer, plan["seed"]))

    def catalogue_write(self, wrong, lease):
        with open(self.catalogue + ".new", "w", encoding="utf-8") as file:
            file.write(WRONG_CATALOGUE if wrong else CATALOGUE.format(attempts=ATTEMPTS, lease=lease))
        os.replace(self.catalogue + ".new", self.catalogue)

    def tell(self, line):
        print(line, flush=True)

    def order(self, word):
        if word == "drop":
            actor = self.actors[now() % len(self.actors)]
            if actor.socket is not None:
                actor.history.note(fault="drop")
                actor.lost()
            return True
        self.phase = word
        self.told.clear()
        for actor in self.everyone():
            actor.set_phase(word)
        return word != "end"

    def everyone(self):
        return self.actors + self.guests

    def heard_orders(self):
        """False when it is to end."""
        piece = os.read(0, 4096)
        *lines, self.orders = (self.orders + piece).split(b"\n")
        return piece != b"" and all([self.order(line.decode()) for line in lines])

    def turn(self):
        poller = zmq.Poller()
        poller.register(0, zmq.POLLIN)
        for actor in self.everyone():
            actor.flush()
            if actor.socket is not None:
                poller.register(actor.socket, zmq.POLLIN)
        ready = dict(poller.poll(WAIT))
        time = now()
        for actor in self.everyone():
            if actor.socket in ready:
                actor.hear()
            actor.keep_alive(time)
            actor.turn(time)
        if time - self.told_at > TELL:
            self.told_at = time
            self.progress()
        return 0 not in ready or self.heard_orders()

    def progress(self):
        self.tell(f"operations {sum(actor.operations for actor in self.everyone())}")
        for actor in self.actors:
            if isinstance(actor, Overseer) and actor.open is not None:
                self.tell(f"open {actor.open}")
        for phase, word in DONE.items():
            if self.phase == phase and word not in self.told and all(getattr(actor, word)() for actor in self.actors):
                self.told.add(word)
                self.tell(word)

    def close(self):
        for actor in self.everyone():
            actor.drop()
            actor.history.close()
        self.zmq.destroy(linger=0)


def main():
    with open(sys.argv[1], "rb") as file:
        host = Host(msgpack.unpackb(file.read()))
    try:
        while host.turn():
            pass
    finally:
        host.close()


if __name__ == "__main__":
    main()
