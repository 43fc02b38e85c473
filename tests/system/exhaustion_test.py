"""No descriptors left, no memory left: the daemon refuses or ends, and keeps what it acknowledged (D1, B1)."""
import os
import select
import socket
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE, os.path.join(HERE, "..", "..", "clients", "python")]
import tap  # noqa: E402
from broker import Broker, program  # noqa: E402
from faulty import FaultyBroker  # noqa: E402
from qiao.connection import Connection  # noqa: E402
from qiao.context import Context  # noqa: E402

PATIENCE = 60.0
DESCRIPTORS, STRANGERS = 100, 300
CPU_SECONDS_MAX = 0.5       # of five seconds of handshakes; a thread that spins takes all it can get
REQUESTS = 20


class Peer(Connection):
    def __init__(self, broker):
        super().__init__(Context.load(broker.operator), timeout=PATIENCE)

    def submit(self, key):
        return self.call("submit", service="bench.echo", key=key, notify="none")[1]["id"]

    def submit_while(self, key, alive):
        """The id, or None when the daemon ended before it answered."""
        number = self.begin("submit", service="bench.echo", key=key, notify="none")
        deadline = time.monotonic() + PATIENCE
        while number not in self.answers:
            if time.monotonic() > deadline:
                raise AssertionError(f"no answer to {key} within {PATIENCE:g} s, and the daemon lives")
            if not alive():
                self.pending.pop(number)
                return None
            self._pump(time.monotonic() + 0.05)
        return self.answers.pop(number)[1]["id"]


class NarrowBroker(Broker):
    """A daemon that may have few descriptors."""

    def child(self, *words, context=None):
        if words[0] == program("qiaod"):
            words = ("/bin/sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh", *words)
        return super().child(*words, context=context)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def end_wait(sockets):
    """Until every one of them was closed by the other side."""
    left = set(sockets)
    deadline = time.monotonic() + PATIENCE
    while left:
        ready = select.select(list(left), [], [], max(0, deadline - time.monotonic()))[0]
        assert ready, f"{len(left)} strangers are still connected"
        for one in ready:
            try:
                data = one.recv(4096)
            except ConnectionError:
                data = b""
            if not data:
                left.discard(one)


class Descriptors(unittest.TestCase):
    def test_strangers_take_no_descriptor_that_the_daemon_needs_and_make_it_spin_no_thread(self):
        with NarrowBroker("--plain") as broker, Peer(broker) as peer:
            pid = broker.daemon.process.pid
            host, _, port = broker.endpoint.removeprefix("tcp://").partition(":")
            peer.submit("before")
            before = cpu_seconds(pid)
            strangers = [socket.create_connection((host, int(port))) for _ in range(STRANGERS)]
            self.assertLess(len(os.listdir(f"/proc/{pid}/fd")), DESCRIPTORS - 16)
            self.assertTrue(peer.submit("meanwhile"))
            end_wait(strangers)         # those too many at once, the others when their handshake did not come
            self.assertLess(cpu_seconds(pid) - before, CPU_SECONDS_MAX)
            with Peer(broker) as late:
                self.assertTrue(late.submit("after"))
            for stranger in strangers:
                stranger.close()
            self.assertEqual(0, broker.stop())


class MemoryGone(unittest.TestCase):
    def one(self, broker, at, for_good, kept):
        """The exit code, None: it goes on."""
        alive = lambda: broker.daemon.process.poll() is None  # noqa: E731
        peer = Peer(broker)
        broker.memory.fail(at, for_good)
        for number in range(REQUESTS):
            key = f"{at}-{for_good}-{number}"
            id = peer.submit_while(key, alive)
            if id is None:
                break
            kept[key] = id
        broker.memory.never()
        peer.close()
        return broker.daemon.process.poll()

    def judge(self, for_good):
        codes, kept = [], {}
        with FaultyBroker("--plain") as broker:
            broker.start()
            for at in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]:
                codes.append(self.one(broker, at, for_good, kept))
                if codes[-1] is not None:
                    self.assertIn(codes[-1], (os.EX_SOFTWARE, os.EX_OSERR, os.EX_IOERR), broker.daemon.err())
                    self.assertRegex("\n".join(broker.daemon.err().strip().splitlines()[-2:]), "(?i)memory")   # the reason, or it and `stopped`
                if broker.daemon.process.poll() is not None:
                    broker.start()
            with Peer(broker) as peer:
                for key, id in kept.items():
                    self.assertEqual(id, peer.submit(key))
            self.assertEqual(0, broker.stop())
        print(f"# {len(kept)} requests kept, exit codes {codes}")
        return codes

    def test_memory_that_is_gone_for_good_ends_the_daemon_with_a_word_and_loses_nothing(self):
        self.assertNotIn(None, self.judge(True)[:4])

    def test_memory_that_fails_once_ends_it_or_not_and_loses_nothing(self):
        self.judge(False)


if __name__ == "__main__":
    tap.main()
