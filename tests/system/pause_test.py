"""Processes that are stopped and go on later: a suspended machine, a debugger, a host without CPU time (A3, A5, N4, L5).

    pause_test.py                              the tests
    pause_test.py --worker CONTEXT SERVICE     one of their workers: takes a task, then completes it when it reads a line
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE]
sys.dont_write_bytecode = True
import tap  # noqa: E402
from broker import PATIENCE, Broker, program  # noqa: E402
from crowd import Crowd, Member, wire  # noqa: E402

CATALOGUE = """
services:
  - name: test.leased
    title: Leased work
    title_zh: 租约任务
    category: test
    tenure: leased
    limits: {attempts: 50, lease: 1s, backoff: 1ms, backoff_max: 10ms}
"""
BENCH = "tests/bench/qiao-bench"


class Stopped(Member):
    """A worker of one task. It says what it is told; nothing keeps its lease while its process is stopped."""

    def __init__(self, crowd, context, service):
        self.service, self.given, self.answer = service, None, None
        super().__init__(crowd, context)

    def on_welcome(self):
        self.number += 1
        self.socket.send(wire.encode("offer", {"n": self.number, "service": self.service, "capacity": 1, "credit": 0 if self.given else 1}))

    def on_task(self, header, body):
        if not self.given:
            self.given = (header["task"], header["fence"])

    def on_withdraw(self, header, body):
        pass

    def on_receipt(self, name, fields, header, body):
        self.answer = "receipt"

    def on_refusal(self, name, fields, header, body):
        self.answer = header["code"]


def worker_main(context, service):
    crowd = Crowd(1)
    worker = Stopped(crowd, context, service)
    crowd.run(lambda: worker.given, PATIENCE)
    print("given", *worker.given, flush=True)
    sys.stdin.readline()
    worker.say("complete", b"late", task=worker.given[0], fence=worker.given[1], outcome="first")
    crowd.run(lambda: worker.answer, PATIENCE)
    print("answer", worker.answer, flush=True)
    crowd.close()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def connections(pid, port):
    """The sockets of a process that are connected to a port, by inode."""
    mine = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            mine.update(re.findall(r"^socket:\[(\d+)\]$", os.readlink(f"/proc/{pid}/fd/{name}")))
        except FileNotFoundError:
            pass                       # closed meanwhile
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return {row[9] for row in rows if row[9] in mine and int(row[2].rsplit(":", 1)[1], 16) == port}


class Pause(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with open(os.path.join(folder.name, "test.yaml"), "w", encoding="utf-8") as file:
            file.write(CATALOGUE)
        self.broker = Broker("--catalogue", folder.name, start=False)
        self.addCleanup(self.broker.__exit__)

    def heartbeat(self, value):
        path = os.path.join(self.broker.dir, "qiaod.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("network:\n", f"network:\n  heartbeat: {value}\n", 1))

    def until(self, process, holds, what):
        """Look again until it holds; between two looks wait for the end of a process that must not end."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), deadline, what)
            try:
                code = process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            self.fail(f"it ended with {code} before {what}")

    def test_both_clients_carry_on_when_the_broker_goes_on_after_they_gave_it_up(self):  # N4, L5
        self.heartbeat("200ms")
        self.broker.start()
        port = int(self.broker.endpoint.rsplit(":", 1)[1])
        self.broker.qiao("party", "add", "bench", "--role", "requester", "--role", "performer", "--service", "*")
        member = self.broker.member("bench", "both")
        count = 40000
        bench = self.broker.child(program(BENCH), "--json", "--context", member, "--service", "test.leased", "--count", str(count), "--window", "128")
        self.until(bench.process, lambda: len(children(bench.process.pid)) == 2 and
                   all(connections(pid, port) for pid in children(bench.process.pid)), "both were connected")
        for _ in range(3):
            pids = children(bench.process.pid)
            before = {pid: connections(pid, port) for pid in pids}
            os.kill(self.broker.daemon.process.pid, signal.SIGSTOP)
            self.until(bench.process, lambda: all(not before[pid] & connections(pid, port) for pid in pids), "both gave it up")
            os.kill(self.broker.daemon.process.pid, signal.SIGCONT)
            self.until(bench.process, lambda: all(connections(pid, port) for pid in pids), "both were connected again")
            self.broker.qiao("stats")
        said = bench.line("lifecycles", patience=120)
        self.assertEqual(0, bench.process.wait(PATIENCE), bench.err())
        self.assertIn(f'"lifecycles":{count}', said)
        self.assertIn('"failed":0', said)
        self.assertNotIn('"reconnects":0', said)

    def test_a_worker_that_was_stopped_past_its_lease_is_stale_and_another_performs(self):  # A1, A3, A4
        self.broker.start()
        acme = self.broker.party("acme", ["requester"])
        first = self.broker.party("lab", ["performer"])
        second = self.broker.member("lab", "m2")
        words = [sys.executable, os.path.abspath(__file__), "--worker", first, "test.leased"]
        worker = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.broker.env)
        self.addCleanup(lambda: (worker.kill(), worker.wait(), worker.stdin.close(), worker.stdout.close()))
        document = "service: test.leased\n"
        request = self.broker.qiao("submit", "-", "--json", context=acme, input=document).json()["id"]
        self.assertIn("given", worker.stdout.readline())
        os.kill(worker.pid, signal.SIGSTOP)
        other = self.broker.child(program("qiao"), "worker", "run", "--service", "test.leased", "--count", "1", "--json", "--",
                                  "printf", '{"outcome": "second"}', context=second)
        self.assertEqual(0, other.process.wait(PATIENCE), other.err())
        before = self.broker.qiao("get", request, "--json", "--trail", context=acme).json()
        worker.stdin.write("go\n")
        worker.stdin.flush()
        os.kill(worker.pid, signal.SIGCONT)
        self.assertEqual("answer stale\n", worker.stdout.readline())
        after = self.broker.qiao("get", request, "--json", "--trail", context=acme).json()
        self.assertEqual(before, after)
        self.assertEqual("completed", after["status"])
        self.assertEqual("second", after["outcome"])
        events = [line["event"] for line in after["trail"]]
        self.assertEqual(2, events.count("assigned"), events)
        self.assertEqual(1, events.count("completed"), events)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker_main(*sys.argv[2:])
    else:
        tap.main()
