"""qiaod as a process: made, started, refused, reloaded, stopped, damaged."""
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE, os.path.join(HERE, "..", "..", "clients", "python")]
import tap  # noqa: E402
from broker import Broker, Child, program  # noqa: E402
from qiao import wire  # noqa: E402
from qiao.connection import Connection, Refusal  # noqa: E402
from qiao.context import Context  # noqa: E402

USAGE, DATAERR, NOINPUT, UNAVAILABLE, CANTCREAT, TEMPFAIL, NOPERM, CONFIG = 64, 65, 66, 69, 73, 75, 77, 78
CATALOGUE = os.path.join(HERE, "..", "..", "deploy", "catalogue")


def connect(broker, path=None, **seen):
    connection = Connection.__new__(Connection)
    context = Context.load(path or broker.operator)
    if seen:
        class Seen(Connection):
            def _hello(self):
                self.seen, self.epoch = seen.get("seen", 0), seen.get("epoch", 0)
                super()._hello()
        return Seen(context)
    connection.__init__(context)
    return connection


def await_log(child, word, times=1):
    """What the daemon logs goes to a file: wait until that many lines with that word are in it."""
    wakes = threading.Event()
    for _ in range(2000):
        if child.err().count(word) >= times:
            return
        wakes.wait(0.01)
    raise AssertionError(f"{word!r} was not logged:\n{child.err()}")


class Life(unittest.TestCase):
    def test_init_makes_what_run_needs_and_run_says_where_it_listens(self):
        with Broker() as broker:
            with open(os.path.join(broker.dir, "endpoint"), encoding="utf-8") as file:
                self.assertEqual(broker.endpoint, file.read().strip())
            with open(os.path.join(broker.dir, "pid"), encoding="utf-8") as file:
                self.assertEqual(broker.daemon.process.pid, int(file.read()))
            for name in ("server.key", "operator.context"):
                self.assertEqual(0o600, os.stat(os.path.join(broker.dir, name)).st_mode & 0o777, name)
            with connect(broker) as operator:
                self.assertEqual("park", operator.welcome["party"])
                self.assertEqual("operator", operator.welcome["member"])
                self.assertIn("operator", operator.welcome["roles"])
                self.assertGreater(operator.welcome["epoch"], 0)

    def test_sigterm_and_sigint_stop_in_good_order(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Broker() as broker:
                self.assertEqual(0, broker.daemon.stop(number))
                self.assertFalse(os.path.exists(os.path.join(broker.dir, "endpoint")))
                self.assertFalse(os.path.exists(os.path.join(broker.dir, "pid")))
                self.assertIn("event=stopped", broker.daemon.err())

    def test_clients_hear_bye_when_it_stops(self):
        with Broker() as broker, connect(broker) as operator:
            self.assertEqual(0, broker.stop())
            while operator.heard > 0:  # bye sets it to minus infinity
                self.assertTrue(operator.socket.poll(20000))
                for record in wire.decode(operator.socket.recv()):
                    operator._receive(*record)
            operator.welcome = {}

    def test_epoch_rises_with_every_start(self):
        with Broker() as broker:
            with connect(broker) as operator:
                first = operator.welcome["epoch"]
            broker.crash()
            broker.start()
            with connect(broker) as operator:
                self.assertGreater(operator.welcome["epoch"], first)

    def test_service_manager_is_told(self):
        home = tempfile.mkdtemp(prefix="qiao-test-")
        try:
            path = os.path.join(home, "notify")
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            listener.settimeout(30)
            listener.bind(path)
            with Broker(start=False) as broker:
                broker.env.update({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"})
                broker.start()
                self.assertEqual(b"READY=1", listener.recv(100))
                self.assertEqual(b"WATCHDOG=1", listener.recv(100))
                broker.daemon.process.send_signal(signal.SIGTERM)
                message = b""
                while message != b"STOPPING=1":
                    message = listener.recv(100)
            listener.close()
        finally:
            shutil.rmtree(home)

    def test_stats_are_for_operators(self):
        with Broker() as broker, connect(broker) as operator:
            name, header, _ = operator.call("stats")
            self.assertEqual("page", name)
            figures = {row["name"]: row["value"] for row in header["rows"]}
            self.assertEqual(1, figures["net.connections"])
            self.assertGreater(figures["journal.seq"], 0)
            self.assertEqual(figures["journal.seq"], figures["journal.durable"])


class Refused(unittest.TestCase):
    def start_fails(self, broker, code, *words):
        done = broker.run(program("qiaod"), "run", "-c", broker.dir)
        self.assertEqual(code, done.code, str(done))
        for word in words:
            self.assertIn(word, done.err)

    def edit(self, broker, old, new):
        path = os.path.join(broker.dir, "qiaod.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))

    def test_no_command_or_a_wrong_one_is_usage(self):
        for words in ([], ["fly"], ["run", "extra"], ["init"], ["journal"], ["journal", "sing", "x"], ["backup", "x"], ["run", "--no-such"]):
            done = subprocess.run([program("qiaod"), *words], capture_output=True, text=True)
            self.assertEqual(USAGE, done.returncode, words)
        self.assertRegex(subprocess.run([program("qiaod"), "run", "--no-such"], capture_output=True, text=True).stderr, "^qiaod run: .*--no-such")
        done = subprocess.run([program("qiaod"), "--help"], capture_output=True, text=True)
        self.assertEqual(0, done.returncode)
        for code in (USAGE, DATAERR, NOINPUT, UNAVAILABLE, CANTCREAT, TEMPFAIL, NOPERM, CONFIG):
            self.assertIn(f"{code} ", done.stdout.split("Exit codes")[1])
        for words in (["run", "--help"], ["journal", "dump", "--help"], ["backup", "-h"]):
            done = subprocess.run([program("qiaod"), *words], capture_output=True, text=True)
            self.assertEqual((0, ""), (done.returncode, done.stderr), words)
            self.assertIn(f"usage: qiaod {words[0]} ", done.stdout)
        self.assertIn("qiaod 0.", subprocess.run([program("qiaod"), "--version"], capture_output=True, text=True).stdout)

    def test_init_does_not_go_over_a_data_directory(self):
        with Broker(start=False) as broker:
            self.assertEqual(CANTCREAT, broker.run(program("qiaod"), "init", broker.dir).code)

    def test_init_refuses_names_and_catalogues_that_make_no_sense(self):
        with Broker(start=False) as broker:
            other = os.path.join(broker.home, "other")
            self.assertEqual(USAGE, broker.run(program("qiaod"), "init", other, "--party", "a b").code)
            done = broker.run(program("qiaod"), "init", other, "--catalogue", "/nowhere")
            self.assertEqual(NOINPUT, done.code)
            self.assertIn("/nowhere", done.err)

    def test_directory_that_is_not_there(self):
        done = subprocess.run([program("qiaod"), "run", "-c", "/nowhere"], capture_output=True, text=True)
        self.assertEqual(NOINPUT, done.returncode)
        self.assertIn("/nowhere", done.stderr)
        self.assertIn("qiaod init DIR", done.stderr)

    def test_key_that_others_may_read(self):
        with Broker(start=False) as broker:
            os.chmod(os.path.join(broker.dir, "server.key"), 0o640)
            self.start_fails(broker, NOPERM, "server.key", "0640", "0600")
            self.assertEqual(NOPERM, broker.run(program("qiaod"), "check", "-c", broker.dir).code)

    def test_key_that_is_missing_or_damaged(self):
        with Broker(start=False) as broker:
            path = os.path.join(broker.dir, "server.key")
            with open(path, "w", encoding="utf-8") as file:
                file.write("curve\n    public-key = \"?\"\n")
            self.start_fails(broker, NOPERM, "server.key")
            os.unlink(path)
            self.start_fails(broker, NOPERM, "server.key")

    def test_configuration_that_is_wrong_names_file_line_and_field(self):
        with Broker(start=False) as broker:
            self.edit(broker, "#log_level: info", "log_level: loud")
            self.start_fails(broker, CONFIG, "qiaod.yaml:", "log_level")

    def test_catalogue_that_is_wrong_names_its_file(self):
        with Broker(start=False) as broker:
            with open(os.path.join(broker.dir, "catalogue", "zz.yaml"), "w", encoding="utf-8") as file:
                file.write("services:\n  - name: bad.service\n    tenure: rented\n")
            self.start_fails(broker, CONFIG, "zz.yaml:3", "tenure")

    def test_data_directory_in_use(self):
        with Broker() as broker:
            self.start_fails(broker, TEMPFAIL, "in use", str(broker.daemon.process.pid))

    def test_endpoint_in_use(self):
        with Broker() as broker, Broker(start=False) as other:
            self.edit(other, "tcp://127.0.0.1:*", broker.endpoint)
            self.start_fails(other, UNAVAILABLE, broker.endpoint)

    def test_plain_text_only_on_loopback_and_only_for_a_party_made_for_it(self):
        with Broker("--plain", start=False) as broker:
            self.edit(broker, "tcp://127.0.0.1:*", "tcp://0.0.0.0:*")
            done = broker.run(program("qiaod"), "run", "-c", broker.dir)
            self.assertEqual(CONFIG, done.code, str(done))
        with Broker(start=False) as broker:
            self.edit(broker, '#  plain_text_party: ""', "  plain_text_party: park")
            done = broker.run(program("qiaod"), "run", "-c", broker.dir)
            self.assertEqual(CONFIG, done.code, str(done))

    def test_journal_that_ends_before_an_operators_witness_stops_the_broker(self):  # D6
        with Broker() as broker:
            with self.assertRaises(Refusal) as refused:
                connect(broker, seen=1_000_000)
            self.assertEqual("conflict", refused.exception.code)
            self.assertEqual("seen", refused.exception.path)
            self.assertEqual(DATAERR, broker.daemon.process.wait(30))
            self.assertIn("event=witness", broker.daemon.err())

    def test_damaged_journal_is_not_served(self):  # D6
        with Broker() as broker:
            self.assertEqual(0, broker.stop())
            journal = sqlite3.connect(os.path.join(broker.dir, "journal.db"))
            seq, data = journal.execute("SELECT seq, data FROM batch ORDER BY seq LIMIT 1").fetchone()
            journal.execute("UPDATE batch SET data = ? WHERE seq = ?", (data[:20] + bytes([data[20] ^ 1]) + data[21:], seq))
            journal.commit()
            journal.close()
            self.start_fails(broker, DATAERR, "damaged")
            self.assertEqual(DATAERR, broker.run(program("qiaod"), "check", "-c", broker.dir).code)
            self.assertEqual(DATAERR, broker.run(program("qiaod"), "journal", "verify", broker.dir).code)


class Plain(unittest.TestCase):
    def test_every_peer_is_the_one_party(self):
        with Broker("--plain", "--party", "trial") as broker, connect(broker) as peer:
            self.assertEqual("trial", peer.welcome["party"])
            self.assertEqual({"operator", "requester", "performer"}, set(peer.welcome["roles"]))


class Reload(unittest.TestCase):
    def service(self, name, tenure="leased"):
        return f"services:\n  - name: {name}\n    title: T\n    title_zh: T\n    category: test\n    tenure: {tenure}\n    limits: {{lease: 30s}}\n"

    def write(self, broker, text):
        with open(os.path.join(broker.dir, "catalogue", "zz.yaml"), "w", encoding="utf-8") as file:
            file.write(text)

    def names(self, connection):
        _, header, _ = connection.call("services", service="zz.new")
        return [row["service"] for row in header["rows"]]

    def test_sighup_takes_a_new_catalogue_and_keeps_the_old_one_when_it_is_wrong(self):
        with Broker() as broker, connect(broker) as operator:
            self.write(broker, self.service("zz.new"))
            broker.daemon.process.send_signal(signal.SIGHUP)
            await_log(broker.daemon, "event=catalogue-loaded", times=2)
            self.assertEqual(["zz.new"], self.names(operator))
            self.write(broker, self.service("zz.other", tenure="rented"))
            broker.daemon.process.send_signal(signal.SIGHUP)
            await_log(broker.daemon, "event=catalogue-refused")
            self.assertIn("zz.yaml:6", broker.daemon.err())
            self.assertEqual(["zz.new"], self.names(operator))

    def test_operator_may_ask_for_it_and_is_told_what_is_wrong(self):
        with Broker() as broker, connect(broker) as operator:
            self.write(broker, self.service("zz.new"))
            self.assertEqual("receipt", operator.call("catalogue")[0])
            self.assertEqual(["zz.new"], self.names(operator))
            self.write(broker, self.service("zz.new", tenure="rented"))
            with self.assertRaises(Refusal) as refused:
                operator.call("catalogue")
            self.assertEqual("invalid", refused.exception.code)
            self.assertIn("zz.yaml:6", refused.exception.path)


class Tools(unittest.TestCase):
    def test_check_verify_dump_and_backup_work_beside_a_running_broker(self):
        with Broker() as broker:
            done = broker.run(program("qiaod"), "check", "-c", broker.dir)
            self.assertEqual(0, done.code, str(done))
            for word in ("configuration: ok", "catalogue: ok", "key: ok", "journal: ok", "history: ok"):
                self.assertIn(word, done.out)
            self.assertEqual(0, broker.run(program("qiaod"), "journal", "verify", broker.dir).code)
            done = broker.run(program("qiaod"), "journal", "dump", broker.dir, "--from", "1", "--to", "1")
            self.assertEqual(0, done.code, str(done))
            self.assertEqual(1, len(done.out.splitlines()))
            copy = os.path.join(broker.home, "copy")
            done = broker.run(program("qiaod"), "backup", broker.dir, copy)
            self.assertEqual(0, done.code, str(done))
            self.assertEqual(0o600, os.stat(os.path.join(copy, "server.key")).st_mode & 0o777)
            self.assertIn("name a folder that is new", broker.run(program("qiaod"), "backup", broker.dir, copy).err)
            self.assertEqual(0, broker.stop())
            restored = Child([program("qiaod"), "run", "-c", copy], env=broker.env)
            restored.line("qiaod ready")
            with connect(broker) as operator:
                self.assertEqual("park", operator.welcome["party"])
            self.assertEqual(0, restored.stop())

    def test_history_is_made_anew_only_when_nobody_uses_it(self):
        with Broker() as broker:
            self.assertEqual(TEMPFAIL, broker.run(program("qiaod"), "journal", "rebuild", broker.dir).code)
            self.assertEqual(0, broker.stop())
            self.assertEqual(0, broker.run(program("qiaod"), "journal", "rebuild", broker.dir).code)
            broker.start()


if __name__ == "__main__":
    tap.main()
