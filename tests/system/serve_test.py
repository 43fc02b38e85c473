"""What the loop of qiaod answers beside its core: history, trails, watches that catch up, pressure; and that nobody waits for it."""
import os
import random
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE, os.path.join(HERE, "..", "..", "clients", "python")]
import tap  # noqa: E402
from broker import Broker, program  # noqa: E402
from qiao import wire  # noqa: E402
from qiao.connection import Connection, Refusal  # noqa: E402
from qiao.context import Context  # noqa: E402

PATIENCE = 60.0


class Peer(Connection):
    """A connection of the one party of a plain-text broker: requester, performer and operator."""

    def __init__(self, broker):
        super().__init__(Context.load(broker.operator), timeout=PATIENCE)

    def next(self, name):
        """The next record of that name that answers no call."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for at, record in enumerate(self.inbox):
                if record[0] == name:
                    del self.inbox[at]
                    return record[1], record[2]
            assert self._pump(deadline), f"no {name} came"

    def submit(self, number, **fields):
        _, receipt, _ = self.call("submit", body=b"body %d" % number, service="bench.echo", key=f"k{number}", notify="none", **fields)
        return receipt["id"]

    def perform(self, count):
        """Offer, and complete that many tasks."""
        self.call("offer", service="bench.echo", capacity=count, credit=count)
        for _ in range(count):
            task, body = self.next("task")
            self.call("complete", body=b"done: " + body, task=task["task"], fence=task["fence"])
        self.call("offer", service="bench.echo", capacity=0, credit=0)

    def figure(self, name):
        return {row["name"]: row["value"] for row in self.call("stats")[1]["rows"]}[name]

    def settled(self):
        """Wait until history has everything that finished: the broker says so itself."""
        deadline = time.monotonic() + PATIENCE
        while self.figure("requests.finished-kept"):
            assert time.monotonic() < deadline, "history does not follow"


class History(unittest.TestCase):
    def test_finished_request_is_shown_with_its_trail_and_output(self):
        with Broker("--plain") as broker, Peer(broker) as peer:
            number = peer.submit(1)
            peer.perform(1)
            peer.settled()
            _, page, body = peer.call("get", id=number, trail=True, output=True)
            row = page["rows"][0]
            self.assertEqual("completed", row["status"])
            self.assertEqual(b"done: body 1", body)
            self.assertEqual(["accepted", "assigned", "completed"], [line["event"] for line in row["trail"]])
            self.assertEqual(sorted(line["seq"] for line in row["trail"]), [line["seq"] for line in row["trail"]])

    def test_open_request_is_shown_with_its_trail(self):
        with Broker("--plain") as broker, Peer(broker) as peer:
            number = peer.submit(1)
            _, page, _ = peer.call("get", id=number, trail=True)
            self.assertEqual(["accepted"], [line["event"] for line in page["rows"][0]["trail"]])

    def test_id_that_never_was_is_not_found(self):
        with Broker("--plain") as broker, Peer(broker) as peer:
            with self.assertRaises(Refusal) as refused:
                peer.call("get", id=12345678 << 24)
            self.assertEqual("not-found", refused.exception.code)

    def test_pages_of_finished_requests_show_each_once(self):
        with Broker("--plain") as broker, Peer(broker) as peer:
            ids = {peer.submit(number) for number in range(60)}
            peer.perform(60)
            peer.settled()
            seen, after = [], ""
            while True:
                _, page, _ = peer.call("list", finished=True, limit=25, after=after)
                seen += [row["id"] for row in page["rows"]]
                after = page.get("next", "")
                if not after:
                    break
            self.assertEqual(60, len(seen))
            self.assertEqual(ids, set(seen))

    def rows(self, peer, **fields):
        found, after = [], None
        while True:
            _, page, _ = peer.call("list", finished=True, after=after, **fields)
            found += page.get("rows", [])
            after = page.get("next")
            if not after:
                return found

    def test_rows_are_whole_before_and_after_history_has_them(self):
        with Broker("--plain") as broker:
            with Peer(broker) as peer:
                until = time.time_ns() // 1000 + 10**12
                for number in range(3):
                    peer.submit(number, subject=f"batch {number}", priority="urgent", complete_by=until)
                peer.call("offer", service="bench.echo", capacity=1, credit=1)
                task, _ = peer.next("task")
                peer.call("complete", task=task["task"], fence=task["fence"], outcome="echoed", charge=4200, currency="CNY", body=b"x")
                for again in range(3):
                    rows = self.rows(peer, scope="all" if again else "requester", limit=1 + again)
                    self.assertEqual(["ready", "ready", "completed"], [row["status"] for row in rows])
                    self.assertEqual(["batch 2", "batch 1", "batch 0"], [row["subject"] for row in rows])
                    self.assertEqual(["k2", "k1", "k0"], [row["key"] for row in rows])
                    self.assertEqual(3 * [until], [row["complete_by"] for row in rows])
                    self.assertEqual(3 * ["urgent"], [row["priority"] for row in rows])
                    self.assertEqual(("echoed", 4200, "CNY"), tuple(rows[2][name] for name in ("outcome", "charge", "currency")))
                    self.assertEqual(3, len(self.rows(peer, service="bench.*", party=rows[0]["requester"])))
                    self.assertEqual([], self.rows(peer, since=until))
                    self.assertEqual([], self.rows(peer, until=1))
                    peer.settled()

    def test_long_page_is_whole_whatever_is_answered_in_between(self):  # B4: it is put together in slices
        with Broker("--plain") as broker, Peer(broker) as peer, Peer(broker) as other:
            ids = [peer.submit(number, subject=f"{number:04} " + 100 * "x") for number in range(1000)][::-1]
            begun = [peer.begin("list", limit=1000) for _ in range(40)]
            while begun[-1] not in peer.answers:
                other.call("stats")                 # this one is a list, too
                peer._pump(time.monotonic() + 0.001)
            for number in begun:
                rows = peer.settle(number)[1]["rows"]
                self.assertEqual(ids, [row["id"] for row in rows])
                self.assertEqual([f"{number:04}" for number in range(999, -1, -1)], [row["subject"][:4] for row in rows])

    def test_cursor_that_nobody_gave_is_invalid(self):
        with Broker("--plain") as broker, Peer(broker) as peer:
            with self.assertRaises(Refusal) as refused:
                peer.call("list", finished=True, after="h!nonsense")
            self.assertEqual("invalid", refused.exception.code)

    def test_same_key_after_it_finished_and_a_restart_is_the_same_request(self):  # N1, N4
        with Broker("--plain") as broker:
            with Peer(broker) as peer:
                number = peer.submit(7)
                peer.perform(1)
                peer.settled()
            broker.crash()
            broker.start()
            with Peer(broker) as peer:
                _, receipt, _ = peer.call("submit", body=b"body 7", service="bench.echo", key="k7", notify="none")
                self.assertEqual(number, receipt["id"])
                self.assertTrue(receipt["duplicate"])
                self.assertEqual("completed", receipt["status"])
                with self.assertRaises(Refusal) as refused:
                    peer.call("submit", body=b"other", service="bench.echo", key="k7")
                self.assertEqual("conflict", refused.exception.code)
                self.assertEqual(number, refused.exception.id)


class Watches(unittest.TestCase):
    def collect(self, peer, watch, until):
        """Events of a watch up to a sequence, with credit given as they come."""
        events = []
        while not events or events[-1]["seq"] < until:
            event, _ = peer.next("event")
            self.assertEqual(watch, event["re"])
            events.append(event)
            peer.post("credit", re=watch, credit=1)
        return events

    def watch(self, peer, **fields):
        number = next(peer.numbers)
        peer.pending.clear()
        peer._send(wire.encode("watch", {"n": number, **fields}))
        return number

    def test_watch_from_the_beginning_sees_everything_once_and_in_order(self):
        with Broker("--plain") as broker, Peer(broker) as peer:
            ids = [peer.submit(number) for number in range(40)]
            peer.perform(40)
            last = int(peer.figure("journal.seq"))
            with Peer(broker) as watcher:
                events = self.collect(watcher, self.watch(watcher, seq=0, credit=10, scope="requester"), last)
            seqs = [event["seq"] for event in events]
            self.assertEqual(sorted(set(seqs)), seqs)
            for number in ids:
                self.assertEqual(["accepted", "assigned", "completed"], [event["event"] for event in events if event["id"] == number])

    def test_watch_goes_on_where_it_ended_and_then_lives(self):
        with Broker("--plain") as broker, Peer(broker) as peer:
            first = peer.submit(1)
            second = peer.submit(2)
            peer.perform(2)
            with Peer(broker) as watcher:
                everything = self.collect(watcher, self.watch(watcher, seq=0, credit=100, scope="requester"), int(peer.figure("journal.seq")))
            middle = everything[2]["seq"]
            with Peer(broker) as watcher:
                number = self.watch(watcher, seq=middle, credit=100, scope="requester")
                rest = self.collect(watcher, number, everything[-1]["seq"])
                self.assertEqual([event["seq"] for event in everything[3:]], [event["seq"] for event in rest])
                third = peer.submit(3)
                event, _ = watcher.next("event")
                self.assertEqual((third, "accepted"), (event["id"], event["event"]))
            self.assertEqual({first, second}, {event["id"] for event in everything if event["id"]})

    def test_watcher_that_gives_no_credit_delays_nobody(self):  # B4
        with Broker("--plain") as broker, Peer(broker) as lazy, Peer(broker) as peer:
            self.watch(lazy, seq=0, credit=1, scope="requester")
            for number in range(100):
                peer.submit(number)
            peer.perform(100)
            self.assertEqual(100, peer.figure("requests.completed"))


class Connections(unittest.TestCase):
    def test_every_place_for_a_connection_is_used_and_used_again(self):  # B1
        with Broker(start=False) as broker:
            path = os.path.join(broker.dir, "qiaod.yaml")
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("network:\n", "network:\n  connections: 4\n", 1))
            broker.start()
            for _ in range(10):
                broker.qiao("stats")
            self.assertEqual(0, broker.stop())


class Pressure(unittest.TestCase):
    def test_many_questions_are_all_answered_and_hold_nobody_up(self):  # B4
        with Broker("--plain") as broker, Peer(broker) as asker, Peer(broker) as peer:
            ids = [peer.submit(number) for number in range(50)]
            peer.perform(50)
            peer.settled()
            asked = [asker.begin("get", id=ids[number % 50], trail=True, output=True) for number in range(1500)]
            peer.submit(99)
            answers = [asker.settle(number)[0] for number in asked]
            self.assertEqual(["page"] * 1500, answers)

    def test_full_disk_refuses_before_acceptance_and_lets_work_end(self):  # B3
        with Broker("--plain") as broker:
            with Peer(broker) as peer:
                peer.submit(1)
            broker.stop()
            path = os.path.join(broker.dir, "qiaod.yaml")
            with open(path, encoding="utf-8") as file:
                text = file.read()
            self.assertIn("#store:\n", text)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace("#store:\n", "store:\n  disk_reserve: 1000000GiB\n"))
            broker.start()
            with Peer(broker) as peer:
                with self.assertRaises(Refusal) as refused:
                    peer.submit(2)
                self.assertEqual("retry-later", refused.exception.code)
                self.assertGreater(refused.exception.retry_after, 0)
                peer.perform(1)
                self.assertEqual(1, peer.figure("requests.completed"))

    def test_failed_write_ends_the_broker_without_a_word_and_loses_nothing_acknowledged(self):  # D1, D3
        with Broker("--plain", start=False) as broker:
            broker.start()
            broker.stop()
            broker.daemon = broker.child("prlimit", "--fsize=3000000", program("qiaod"), "run", "-c", broker.dir)
            broker.daemon.line("qiaod ready")
            acknowledged = {}
            chance = random.Random(1)  # no two bodies alike, and none that packs: the log must reach its limit
            with Peer(broker) as peer:
                def submit(number):
                    return peer.begin("submit", body=chance.randbytes(20000), service="bench.echo", key=f"k{number}", notify="none")
                for number in range(5):
                    begun = submit(number)
                    acknowledged[begun] = peer.settle(begun)[1]["id"]
                for number in range(5, 400):
                    submit(number)
                while broker.daemon.process.poll() is None and peer.socket.poll(1000):
                    for name, header, _ in wire.decode(peer.socket.recv()):
                        self.assertNotEqual("bye", name)
                        if name == "receipt":
                            acknowledged[header["re"]] = header["id"]
                self.assertEqual(74, broker.daemon.process.wait(PATIENCE))
                self.assertIn("event=store-failed", broker.daemon.err())
                self.assertTrue(0 < len(acknowledged) < 400, len(acknowledged))
                peer.welcome = {}  # nobody to say bye to
            broker.start()
            with Peer(broker) as again:
                for number in acknowledged.values():
                    self.assertEqual("ready", again.call("get", id=number)[1]["rows"][0]["status"])



if __name__ == "__main__":
    tap.main()
