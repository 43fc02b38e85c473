"""The broker's hot path asks for no memory once it runs: blocks for messages, requests and effects come from what it has.

What is left is per group commit (the batch and its growth), and what grows with the most that was ever under way. The libraries' own memory
is theirs: count_allocations.c counts only what the program itself asks for.
"""
import os
import struct
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE]
import tap  # noqa: E402
from broker import BUILD, Broker, program  # noqa: E402

WARM, MEASURED, WINDOW = 20000, 40000, 256
PER_BATCH = 8          # the batch, its bytes and its offsets, which double while it fills
PER_LIFECYCLE = 0.02   # tables and buffers that still find their size


class Allocations(unittest.TestCase):
    def allocations(self):
        with open(self.counts, "rb") as file:
            return struct.unpack("<Q", file.read(8))[0]

    def batches(self):
        return next(row["value"] for row in self.broker.qiao("stats", "--json").rows() if row["name"] == "journal.batches")

    def perform(self, count):
        """That many requests, from submission to their outcomes."""
        done = self.broker.run(os.path.join(BUILD, "tests", "bench", "qiao-bench"), "--context", self.broker.operator, "--count", str(count),
                               "--warmup", "0", "--window", str(WINDOW), timeout=120)
        self.assertEqual(0, done.code, done)

    def asked(self, count):
        """Allocations beside those that a batch is worth, per lifecycle; beside what a run of its own costs."""
        before, batches = self.allocations(), self.batches()
        self.perform(count)
        asked = self.allocations() - before - PER_BATCH * (self.batches() - batches)
        return asked / count

    def test_nothing_is_allocated_per_message_once_it_runs(self):  # B1
        with Broker("--plain", start=False) as self.broker:
            self.counts = os.path.join(self.broker.home, "allocations")
            self.broker.env.update(LD_PRELOAD=os.environ["QIAO_COUNT_ALLOCATIONS"], QIAO_ALLOCATIONS=self.counts)
            self.broker.start()
            del self.broker.env["LD_PRELOAD"]
            self.assertGreater(self.allocations(), 0, "nothing is counted")
            self.perform(WARM)
            self.assertLess(self.asked(MEASURED), PER_LIFECYCLE)


if __name__ == "__main__":
    assert os.path.exists(program("qiaod"))
    tap.main()
