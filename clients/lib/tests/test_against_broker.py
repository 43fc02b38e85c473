"""libqiao against a real qiaod: the example programs, and a producer and a worker that outlive kill -9 of the broker."""
import os
import signal
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.join(HERE, "..", "..", "..", "tests")
sys.path[:0] = [TESTS, os.path.join(TESTS, "system")]
import tap  # noqa: E402
from broker import Broker, program  # noqa: E402

EXAMPLE = "clients/lib/examples/example-"
BENCH = "tests/bench/qiao-bench"


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker().__enter__()
        cls.acme = cls.broker.party("acme", ["requester"])
        cls.lab = cls.broker.party("lab", ["performer"])

    @classmethod
    def tearDownClass(cls):
        cls.broker.__exit__(None, None, None)

    def test_a_request_goes_to_the_worker_and_its_outcome_comes_back(self):
        worker = self.broker.child(program(EXAMPLE + "worker"), "bench.echo", "1", context=self.lab)
        worker.line("ready")
        done = self.broker.run(program(EXAMPLE + "requester"), "bench.echo", "quiet words", context=self.acme)
        self.assertEqual(0, done.code, done)
        self.assertIn("completed, outcome shouted, by lab", done.out)
        self.assertIn("QUIET WORDS", done.out)
        self.assertEqual(0, worker.process.wait(60))

    def test_a_refusal_is_told(self):
        done = self.broker.run(program(EXAMPLE + "requester"), "no.such.service", context=self.acme)
        self.assertEqual(1, done.code)
        self.assertIn("submit: there is no such thing for this party", done.err)

    def test_the_operator_sees_queues_and_pauses(self):
        done = self.broker.run(program(EXAMPLE + "operator"), context=self.broker.operator)
        self.assertEqual(0, done.code, done)
        self.assertIn("bench.echo", done.out)
        for act in "pause", "resume":
            done = self.broker.run(program(EXAMPLE + "operator"), act, "bench.echo", "a trial", context=self.broker.operator)
            self.assertEqual(0, done.code, done)
            shown = self.broker.run(program(EXAMPLE + "operator"), context=self.broker.operator).out
            line = next(line for line in shown.splitlines() if line.startswith("bench.echo"))
            self.assertEqual(act == "pause", "paused" in line)

    def test_an_operator_s_act_is_not_for_a_requester(self):
        done = self.broker.run(program(EXAMPLE + "operator"), "pause", "bench.echo", "because", context=self.acme)
        self.assertEqual(1, done.code)
        self.assertIn("not allowed", done.err)

    def test_a_worker_leaves_on_sigterm(self):
        worker = self.broker.child(program(EXAMPLE + "worker"), "bench.echo", context=self.lab)
        worker.line("ready")
        self.assertEqual(0, worker.stop(signal.SIGTERM))


class Crash(unittest.TestCase):
    """D1 and N1 as a client sees them: nothing acknowledged is lost, nothing is answered twice, and the client settles it by itself."""

    def test_every_request_has_one_outcome_though_the_broker_is_killed(self):
        with Broker(start=False) as broker:
            path = os.path.join(broker.dir, "qiaod.yaml")
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:      # a lost broker is noticed after three of these
                file.write(text.replace("network:\n", "network:\n  heartbeat: 1s\n", 1))
            broker.start()
            broker.qiao("party", "add", "bench", "--role", "requester", "--role", "performer", "--service", "*")
            member = broker.member("bench", "both")
            count = 60000
            bench = broker.child(program(BENCH), "--json", "--context", member, "--count", str(count), "--window", "256")
            self.wait_for(broker, "journal.durable", count // 5, bench)
            for _ in range(3):
                broker.crash()
                broker.start()
                # producer, worker, and the one that asks
                self.wait_for(broker, "net.connections", 3, bench)
            # What the worker was sent but never read comes again when its lease ends.
            said = bench.line("lifecycles", patience=200)
            self.assertEqual(0, bench.process.wait(60), bench.err())
            self.assertIn(f'"lifecycles":{count}', said)
            self.assertIn('"failed":0', said)
            self.assertNotIn('"reconnects":0', said)

    def test_a_measurement_ends_when_its_worker_is_gone(self):
        with Broker() as broker:
            broker.qiao("party", "add", "bench", "--role", "requester", "--role", "performer", "--service", "*")
            member = broker.member("bench", "both")
            bench = broker.child(program(BENCH), "--json", "--context", member, "--seconds", "3600", "--window", "16")
            self.wait_for(broker, "journal.durable", 100, bench)
            with open(f"/proc/{bench.process.pid}/task/{bench.process.pid}/children", encoding="ascii") as file:
                worker, _ = file.read().split()     # in the order in which they were started
            os.kill(int(worker), signal.SIGKILL)
            self.assertNotEqual(0, bench.process.wait(60))

    def wait_for(self, broker, name, least, bench):
        deadline = time.monotonic() + 90
        while bench.process.poll() is None:
            self.assertLess(time.monotonic(), deadline, f"{name} stayed below {least}")
            rows = broker.qiao("stats", "--json").rows()
            figures = {row["name"]: row["value"] for row in (rows[0]["rows"] if "rows" in rows[0] else rows)}
            if figures[name] >= least:
                return


if __name__ == "__main__":
    tap.main()
