"""A disk that fills and is freed again (B3), and one that fails: what is refused, what still works, and how the daemon ends (D3)."""
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE, os.path.join(HERE, "..", "..", "clients", "python")]
import tap  # noqa: E402
from faulty import FaultyBroker  # noqa: E402
from qiao.connection import Connection, Refusal  # noqa: E402
from qiao.context import Context  # noqa: E402

PATIENCE = 60.0
KIB, MIB = 1 << 10, 1 << 20
RESERVE = 64 * MIB  # a commit may take 100 KiB of log, and the room is looked at ten times a second
CONFIG = f"store: {{disk_reserve: {RESERVE // KIB}KiB, wal: 1MiB, mark_distance: 1024, keep_events: 1024}}\n"
TIMES = 100


class Peer(Connection):
    """A connection of the one party of a plain-text broker: requester and performer."""

    def __init__(self, broker):
        super().__init__(Context.load(broker.operator), timeout=PATIENCE)

    def submit(self, key, body=b"x" * 2000):
        return self.call("submit", body=body, service="bench.echo", key=key, notify="none")[1]["id"]

    def refused(self, key):
        """The code with which a submission is refused; None: it was accepted."""
        try:
            self.submit(key)
        except Refusal as refusal:
            return refusal.code
        return None

    def until(self, key, code):
        """Submit until that is the answer; how many other answers came before. A refusal makes no event: nothing else may be needed."""
        deadline = time.monotonic() + PATIENCE
        tries = 0
        while self.refused(f"{key}-{tries}") != code:
            assert time.monotonic() < deadline, f"no {code} after {tries} submissions"
            tries += 1
        return tries

    def task(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            for at, record in enumerate(self.inbox):
                if record[0] == "task":
                    del self.inbox[at]
                    return record[1]
            assert self._pump(deadline), "no task came"

    def offer(self, count):
        self.call("offer", service="bench.echo", capacity=count, credit=count)

    def complete(self):
        task = self.task()
        self.call("complete", body=b"y" * 500, task=task["task"], fence=task["fence"])


class DiskFull(unittest.TestCase):
    def test_full_disk_refuses_submissions_and_lets_work_end_a_hundred_times(self):
        with FaultyBroker("--plain", config=CONFIG) as broker:
            broker.faults.recount(broker.dir)
            broker.faults.room(broker.faults.used + 2 * RESERVE)
            broker.start()
            with Peer(broker) as peer:
                for turn in range(TIMES):
                    ids = [peer.submit(f"{turn}-{n}") for n in range(4)]
                    broker.faults.room(broker.faults.used + RESERVE // 2)     # somebody else took the disk
                    peer.until(f"{turn}-full", "retry-later")
                    peer.offer(2)
                    peer.complete()
                    peer.complete()
                    peer.offer(0)
                    ended = 0
                    for id in ids:
                        try:
                            peer.call("cancel", id=id)
                            ended += 1
                        except Refusal as refusal:
                            self.assertEqual("conflict", refusal.code)         # that one was completed
                    self.assertGreater(ended, 0)
                    self.assertEqual("retry-later", peer.refused(f"{turn}-still"))
                    broker.faults.room(broker.faults.used + 2 * RESERVE)         # and gave it back
                    peer.until(f"{turn}-freed", None)
            self.assertEqual(0, broker.stop())


if __name__ == "__main__":
    tap.main()
