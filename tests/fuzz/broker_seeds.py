"""Writes the seeds of fuzz_broker: whole stories as rows of steps (the layout stands in fuzz_broker.c).

    python3 tests/fuzz/broker_seeds.py tests/fuzz/corpus/broker

Slots are the parties that the world begins with: 0 operator, 1 r1, 2 r2, 3 p1/m1, 4 p1/m2, 5 p2, 6 observer. Ids count back
from the newest request, tasks from the newest assignment, fences from the right one.
"""
import os
import struct
import sys

import msgpack

OPERATOR, R1, R2, P1, P1B, P2, EYE = range(7)
SECOND = 1_000_000
LEAVE = 0x80


def record(name, body=b"", **fields):
    return msgpack.packb({"t": name, "n": 7, **fields}) + msgpack.packb(body)


def frame(slot, *records):
    data = b"".join(records)
    return bytes([LEAVE, slot]) + struct.pack("<H", len(data)) + data


def say(slot, name, **fields):
    return frame(slot, record(name, **fields))


def wait(power):
    return bytes([LEAVE | 3, power])


def hand(name, slot=P1, **fields):
    return say(slot, name, task=0, fence=0, **fields)


PROJECT, RESTART = bytes([LEAVE | 5]), bytes([LEAVE | 8])


def connect(slot, key):
    return bytes([LEAVE | 1, key * 8 + slot])


def disconnect(slot):
    return bytes([LEAVE | 2, slot])


# The broker starts again in the middle of a story, and everybody comes back.
AGAIN = RESTART + b"".join(connect(slot, slot) for slot in range(7))


def offer(slot, service="*", **fields):
    return say(slot, "offer", service=service, capacity=2, credit=9, **fields)


def submit(service, slot=R1, **fields):
    return say(slot, "submit", service=service, body=b"body", **fields)


LOOKS = say(R1, "get", id=0, trail=True, input=True, output=True) + say(R1, "list", finished=True) + say(R2, "get", id=0)
SEEDS = {
    "leased-done": submit("l", key="k", input={"amount": 5}, priority="stat", notify="all") + offer(P1, "l") + hand("progress", progress=0.5)
    + hand("complete", outcome="ok", output={"amount": 1}, charge=5, currency="CNY") + LOOKS + PROJECT + LOOKS + submit("l", key="k") + RESTART,
    "leased-lost": offer(P1, "l") + submit("l", producer=1, pseq=1) + wait(26) + say(P1, "renew", held=[{"task": 0, "fence": 0}, {"task": 0, "fence": 1}])
    + disconnect(P1) + wait(27) + say(R1, "explain", id=0) + connect(P1, 3) + offer(P1, "l") + hand("fail", retryable=True) + wait(23)
    + hand("fail") + LOOKS,
    "owned-verified": offer(P1, "o.v") + offer(P1B, "o.v", verify=True) + submit("o.v", key="a") + hand("accept") + hand("start")
    + hand("ask", message="?", fields=["amount"]) + say(R1, "reply", id=0, input={"amount": 2}) + hand("complete", outcome="ok")
    + hand("verify", P1B, agree=False) + hand("complete", outcome="ok") + hand("verify", P1B, agree=True) + LOOKS + PROJECT,
    "owned-restarts": submit("o.v", key="r", note="n", complete_by=900 * SECOND) + AGAIN + offer(P1, "o.v") + AGAIN + offer(P1, "o.v")
    + hand("accept") + AGAIN + offer(P1, "o.v") + hand("start", business_status="b") + hand("ask", message="?") + AGAIN
    + say(R1, "reply", id=0, input={"amount": 2}) + offer(P1, "o.v") + hand("complete", outcome="ok", output={"amount": 2}) + AGAIN
    + offer(P1B, "o.v", verify=True) + hand("verify", P1B, agree=True) + AGAIN + LOOKS,
    "held-restarts": offer(P1, "l") + submit("l", key="s") + hand("progress", business_status="b") + hand("hold", message="m") + AGAIN + offer(P1, "l")
    + hand("hold", lift=True) + AGAIN + offer(P1, "l") + hand("fail", retryable=True) + AGAIN + wait(23) + offer(P1, "l") + hand("release") + AGAIN
    + say(R1, "cancel", id=0) + AGAIN,
    "abort": offer(P2, "o") + submit("o", key="b") + hand("accept", P2) + hand("start", P2) + say(R1, "cancel", id=0)
    + hand("reject", P2, code="abort", charge=1, currency="EUR") + say(R1, "cancel", id=0) + hand("accept", P2, code="abort") + LOOKS + say(R1, "close", id=0),
    "routing": submit("l", require=[["grade", "eq", "A"], ["litres", "ge", 5]], prefer=["p2"], exclude=["p1"], key="c")
    + submit("l", performer="p1", fallback="any", located=True, latitude=1.0, longitude=2.0, key="d", cost=3)
    + submit("l", R2, not_before=5 * SECOND, complete_by=90 * SECOND, key="e") + offer(P1, "l", attributes={"grade": "A", "litres": 9}, price=3)
    + offer(P2, "l.*") + offer(P2, "l", located=True, latitude=3.0, longitude=4.0) + say(R1, "explain", id=1) + wait(25) + say(R1, "explain", id=2),
    "held": offer(P1, "o") + submit("o", key="f") + hand("accept") + hand("hold", message="m") + wait(28) + hand("hold", lift=True) + hand("start")
    + say(OPERATOR, "hold", id=0) + say(OPERATOR, "hold", id=0, lift=True) + hand("release") + hand("reject") + wait(30) + say(OPERATOR, "requeue", id=0)
    + say(OPERATOR, "fail", id=0, message="over"),
    "exhausted": offer(P1, "l") + submit("l", key="g") + (hand("fail", retryable=True) + wait(24)) * 4 + say(OPERATOR, "list", scope="all", status=["on-hold"])
    + say(OPERATOR, "requeue", id=0) + hand("complete"),
    "watches": say(R1, "watch", credit=100) + say(P1, "watch", scope="performer", credit=1) + say(EYE, "watch", scope="all", credit=9)
    + offer(P1) + submit("l", key="h") + hand("complete") + submit("o", R2, key="i") + say(P1, "watch", scope="performer", credit=9)
    + say(R1, "watch", n=8, re=7, stop=True) + RESTART
    + connect(R1, 1) + say(R1, "watch", credit=100, seq=1),
    "parties": say(OPERATOR, "party", action="invite", party="p3", member="m1", key=b"\x08" * 32, expires=60 * SECOND, roles=["performer"])
    + connect(7, 7) + say(7, "enrol", key=b"\x09" * 32) + connect(7, 8) + say(OPERATOR, "party", action="list")
    + say(OPERATOR, "party", action="grant", party="p1", services=["o"], attributes={"grade": "B"}) + offer(P1)
    + say(OPERATOR, "party", action="quota", party="r1", quota=1) + submit("o", key="j") + submit("o", key="k")
    + say(OPERATOR, "party", action="revoke", party="p1", member="m1") + say(P1, "offer", service="o") + say(OPERATOR, "party", action="revoke", party="p2"),
    "operator": submit("l", key="l") + offer(P1) + say(OPERATOR, "pause", service="l") + say(OPERATOR, "drain", party="p1") + submit("l", R2, key="m")
    + say(OPERATOR, "queues") + say(OPERATOR, "workers") + say(EYE, "stats") + say(OPERATOR, "resume", service="l") + say(OPERATOR, "resume", party="p1")
    + say(OPERATOR, "catalogue") + bytes([0x87, 1]) + submit("o", key="n") + bytes([0x87, 2]) + bytes([0x86, 3]) + submit("l", key="o") + bytes([0x86, 0])
    + say(R1, "services", service="l") + say(R1, "services"),
    "clock": submit("l", key="p") + offer(P1, "l") + bytes([0x84, 255]) + bytes([0x84, 0]) + submit("l", key="p") + wait(33) + submit("l", key="p") + PROJECT
    + RESTART,
    "two-in-a-frame": frame(R1, record("submit", service="l", key="q"), record("submit", service="nope"), record("get", id=0), record("bye")),
    "wrong": frame(R1, b"\xc1") + frame(P1, record("offer", service="*")[:-1]) + frame(R1, record("task")) + say(P1, "complete", task=0, fence=3),
}

if __name__ == "__main__":
    for name, steps in SEEDS.items():
        with open(os.path.join(sys.argv[1], name), "wb") as file:
            file.write(steps)
