"""What the daemon shows when the compaction mark has moved and the journal behind it is gone: watches, trails, restarts."""
import os
import re
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE, os.path.join(HERE, "..", "..", "clients", "python")]
import tap  # noqa: E402
from broker import Broker, program  # noqa: E402
from serve_test import PATIENCE, Peer, Watches  # noqa: E402

CONFIG = "store:\n  mark_distance: 1024\n  keep_events: 16\n"
LIFECYCLES, OPEN, MORE = 700, 3, 50
PASSED = 256   # well behind the events of the open ones


class Marked(Watches):
    """A broker that had 700 requests finished beside 3 that are still open, with its journal cut behind the mark."""

    def setUp(self):
        self.broker = Broker("--plain", start=False)
        self.addCleanup(self.broker.__exit__)
        path = os.path.join(self.broker.dir, "qiaod.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("#store:\n", text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("#store:\n", CONFIG))
        self.broker.start()
        self.peer = Peer(self.broker)
        self.addCleanup(lambda: self.peer.close())
        later = time.time_ns() // 1000 + 10**12
        self.open = [self.peer.submit(number, not_before=later, subject=f"open {number}") for number in range(OPEN)]
        self.first = self.peer.submit(OPEN)
        self.peer.perform(1)
        for number in range(OPEN + 1, OPEN + LIFECYCLES):
            self.peer.submit(number)
        self.peer.perform(LIFECYCLES - 1)
        self.finished = LIFECYCLES
        self.mark_moves()

    def mark_moves(self):
        """Wait until the mark has passed the open ones, and what lies behind it is gone: the journal's first event says so."""
        deadline = time.monotonic() + PATIENCE
        while self.first_seq() < PASSED:
            assert time.monotonic() < deadline, "the mark does not move"
            for number in range(self.finished, self.finished + MORE):   # where it stops depends on which batches there were
                self.peer.submit(OPEN + number)
            self.peer.perform(MORE)
            self.finished += MORE

    def first_seq(self):
        said = self.broker.run(program("qiaod"), "journal", "verify", self.broker.dir)
        found = re.search(r"events, (\d+) to \d+,", said.out)
        return int(found.group(1)) if found else 0  # it is being cut just now

    def restart(self):
        self.peer.close()
        self.broker.crash()
        self.broker.start()
        self.peer = Peer(self.broker)

    def trail(self, number):
        return [line["event"] for line in self.peer.call("get", id=number, trail=True)[1]["rows"][0]["trail"]]

    def shown(self):
        """All rows, by id."""
        rows, after = {}, None
        while True:
            _, page, _ = self.peer.call("list", finished=True, after=after, limit=200)
            for row in page.get("rows", []):
                self.assertNotIn(row["id"], rows)
                rows[row["id"]] = row
            after = page.get("next")
            if not after:
                return rows

    def test_watch_over_a_pruned_journal_begins_where_the_journal_does_and_skips_nothing_after(self):
        self.restart()                              # nothing of it is in memory any more
        last = int(self.peer.figure("journal.seq"))
        with Peer(self.broker) as watcher:
            events = self.collect(watcher, self.watch(watcher, seq=0, credit=50, scope="requester"), last)
        seqs = [event["seq"] for event in events]
        self.assertEqual(sorted(set(seqs)), seqs)
        self.assertLess(len(seqs), last - PASSED / 2, "nothing was pruned")
        mark = int(self.peer.figure("journal.mark"))    # it may have come to the last event since
        self.assertEqual(list(range(mark + 1, last + 1)), [seq for seq in seqs if seq > mark])
        new = self.peer.submit(10**6)
        with Peer(self.broker) as watcher:          # and live, for one that begins behind the mark
            events = self.collect(watcher, self.watch(watcher, seq=1, credit=50, scope="requester"), last + 1)
        self.assertEqual((new, "accepted"), (events[-1]["id"], events[-1]["event"]))

    def test_open_requests_keep_their_trail_and_finished_ones_are_in_history(self):
        for again in range(2):
            for at, number in enumerate(self.open):
                self.assertEqual(["accepted"], self.trail(number))
                row = self.peer.call("get", id=number)[1]["rows"][0]
                self.assertEqual(f"open {at}", row["subject"])
            self.assertEqual(["accepted", "assigned", "completed"], self.trail(self.first))
            rows = self.shown()
            self.assertEqual(OPEN + self.finished, len(rows))
            self.assertEqual(["open 0", "open 1", "open 2"], [rows[number]["subject"] for number in self.open])
            if again == 0:
                self.restart()

    def test_restart_behind_a_moved_mark_loses_nothing_and_goes_on(self):  # D1, D4, N1
        before = self.shown()
        for _ in range(3):
            self.restart()
            after = self.shown()
            self.assertEqual(before.keys(), after.keys())
            self.assertEqual([row["status"] for row in before.values()], [row["status"] for row in after.values()])
        for at, number in enumerate(self.open):
            self.assertEqual(number, self.peer.call("submit", body=b"body %d" % at, service="bench.echo", key=f"k{at}", notify="none",
                                                    not_before=before[number]["not_before"], subject=f"open {at}")[1]["id"])
            self.assertEqual("cancelled", self.peer.call("cancel", id=number)[1]["status"])
        self.peer.settled()
        self.restart()
        self.assertEqual({"completed": self.finished, "cancelled": OPEN},
                         {word: sum(row["status"] == word for row in self.shown().values()) for word in ("completed", "cancelled")})


# The stories of the base class are told in serve_test.py.
for name in dir(Watches):
    if name.startswith("test_"):
        setattr(Marked, name, None)
del Watches

if __name__ == "__main__":
    tap.main()
