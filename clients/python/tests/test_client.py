"""The Python client without a broker: ids, contexts, records, and a scripted broker in a thread."""
import os
import sys
import tempfile
import threading
import unittest

import zmq

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(TOP, "clients", "python"))
sys.path.insert(0, os.path.join(TOP, "tests"))
sys.dont_write_bytecode = True
import tap  # noqa: E402
import qiao  # noqa: E402
from qiao import wire  # noqa: E402
from qiao.context import ContextError  # noqa: E402

WELCOME = {"version": 1, "server": "scripted", "party": "acme", "member": "m", "epoch": 1, "seq": 0, "heartbeat": 5_000_000}


class Scripted(threading.Thread):
    """A ROUTER that answers each record with what `script(name, header, body)` returns: a list of records, or None for silence."""

    def __init__(self, script):
        super().__init__(daemon=True)
        self.script = script
        self.heard = []
        self.left = threading.Event()          # somebody said bye: all that was sent before it is in `heard`
        self.zmq = zmq.Context()
        self.router = self.zmq.socket(zmq.ROUTER)
        self.router.linger = 0
        self.endpoint = f"tcp://127.0.0.1:{self.router.bind_to_random_port('tcp://127.0.0.1')}"
        self.stop_r, self.stop_w = os.pipe()
        self.start()

    def run(self):
        poller = zmq.Poller()
        poller.register(self.router, zmq.POLLIN)
        poller.register(self.stop_r, zmq.POLLIN)
        while True:
            ready = dict(poller.poll())
            if self.stop_r in ready:
                break
            peer, frame = self.router.recv_multipart()
            for name, header, body in wire.decode(frame):
                self.heard.append((name, dict(header), body))
                if name == "bye":
                    self.left.set()
                answer = [("welcome", {"re": header["n"], **WELCOME}, b"")] if name == "hello" else self.script(name, header, body)
                if answer:
                    self.router.send_multipart([peer, b"".join(wire.encode(n, f, b) for n, f, b in answer)])

    def stop(self):
        os.write(self.stop_w, b"x")
        self.join(10)
        self.router.close()
        self.zmq.term()
        os.close(self.stop_r)
        os.close(self.stop_w)


class Ids(unittest.TestCase):
    def test_an_id_survives_its_text(self):
        for number in (0, 1, 63, 1 << 24, (1 << 64) - 1, 0x0123456789ABCDEF):
            self.assertEqual(number, qiao.id_number(qiao.id_text(number)))
            self.assertEqual(number, qiao.id_number(qiao.id_text(number).lower()))

    def test_letters_that_look_like_digits_are_read_as_digits(self):
        self.assertEqual(qiao.id_number("0000000000010"), qiao.id_number("OOOOOOOOOOOLO"))

    def test_a_wrong_id_is_refused_with_its_fault(self):
        for text, fault in (("0", "13 characters"), ("000000000000U", "not a character"), ("ZZZZZZZZZZZZZ", "64 bits")):
            with self.assertRaisesRegex(ValueError, fault):
                qiao.id_number(text)


class Contexts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "context")

    def write(self, text, mode=0o600):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path, mode)

    def test_a_context_is_read_with_keys_that_contain_hash_and_equals(self):
        key = "#=" + "a" * 38
        self.write(f"# mine\nendpoint = tcp://127.0.0.1:1\nsecret_key = {key}\nunknown = 1\n")
        self.assertEqual(key, qiao.Context.load(self.path).secret_key)

    def test_a_secret_that_others_can_read_is_refused(self):
        self.write("endpoint = tcp://127.0.0.1:1\nsecret_key = " + "a" * 40, 0o644)
        with self.assertRaisesRegex(ContextError, "chmod 600"):
            qiao.Context.load(self.path)

    def test_faults_name_file_and_line(self):
        for text, fault in (("endpoint\n", "line 1: expected"), ("endpoint = a\nendpoint = b\n", "line 2: endpoint is given twice"),
                            ("endpoint = a\nserver_key = short\n", "line 2: server_key"), ("party = a\n", "endpoint is missing")):
            self.write(text)
            with self.assertRaisesRegex(ContextError, fault):
                qiao.Context.load(self.path)


class Records(unittest.TestCase):
    def test_several_records_share_a_frame(self):
        frame = wire.encode("ping", {"n": 1}) + wire.encode("submit", {"n": 2, "service": "a.b"}, b"xyz")
        self.assertEqual([("ping", {"n": 1}, b""), ("submit", {"n": 2, "service": "a.b"}, b"xyz")], wire.decode(frame))

    def test_every_truncation_is_refused(self):
        frame = wire.encode("submit", {"n": 2, "service": "a.b", "input": {"x": [1, 2.5, "y"]}}, b"xyz")
        for length in range(1, len(frame)):
            with self.assertRaises(wire.WireError):
                wire.decode(frame[:length])

    def test_a_field_that_the_schema_does_not_have_is_refused(self):
        with self.assertRaises(wire.WireError):
            wire.encode("submit", {"servise": "a.b"})


class AgainstAScriptedBroker(unittest.TestCase):
    def broker(self, script):
        broker = Scripted(script)
        self.addCleanup(broker.stop)
        return broker

    def test_a_submission_is_answered_with_a_receipt(self):
        broker = self.broker(lambda name, header, body: [("receipt", {"re": header["n"], "id": 64, "status": "ready", "seq": 9}, b"")]
                             if name == "submit" else None)
        with qiao.Requester(qiao.Context(broker.endpoint)) as requester:
            receipt = requester.submit("a.b", {"x": 1}, b"body")
            self.assertEqual((64, "ready", 9), (receipt.id, receipt.status, receipt.seq))
            self.assertEqual(9, requester.seen)

    def test_a_refusal_is_an_exception_with_code_and_path(self):
        broker = self.broker(lambda name, header, body: [("refusal", {"re": header["n"], "code": "invalid", "path": "input.x"}, b"")]
                             if name == "submit" else None)
        with qiao.Requester(qiao.Context(broker.endpoint)) as requester:
            with self.assertRaises(qiao.Refusal) as caught:
                requester.submit("a.b")
            self.assertEqual(("invalid", "input.x"), (caught.exception.code, caught.exception.path))

    def test_a_lost_answer_is_uncertain_and_the_same_key_settles_it(self):
        """N1: the second submission carries the same key and content."""
        silent = [True]

        def script(name, header, body):
            if name != "submit":
                return None
            if silent[0]:
                silent[0] = False
                return None
            return [("receipt", {"re": header["n"], "id": 64, "status": "ready", "seq": 9, "duplicate": True}, b"")]
        broker = self.broker(script)
        with qiao.Requester(qiao.Context(broker.endpoint)) as requester:
            with self.assertRaises(qiao.Uncertain):
                requester.submit("a.b", {"x": 1}, key="k", timeout=0.3)
            self.assertTrue(requester.submit("a.b", {"x": 1}, key="k").duplicate)
        first, second = [header for name, header, _ in broker.heard if name == "submit"]
        self.assertEqual({**first, "n": 0}, {**second, "n": 0})

    def test_a_forgotten_connection_says_hello_again_and_resends_what_is_in_doubt(self):
        forgot = [False]

        def script(name, header, body):
            if name != "submit":
                return None
            if not forgot[0]:
                forgot[0] = True
                return [("refusal", {"re": header["n"], "code": "forbidden", "path": "hello"}, b"")]
            return [("receipt", {"re": header["n"], "id": 64, "status": "ready", "seq": 9}, b"")]
        broker = self.broker(script)
        with qiao.Requester(qiao.Context(broker.endpoint)) as requester:
            self.assertEqual(64, requester.submit("a.b").id)
        submits = [header for name, header, _ in broker.heard if name == "submit"]
        self.assertEqual(2, sum(name == "hello" for name, _, _ in broker.heard))
        self.assertEqual(submits[0], submits[1])

    def test_a_watch_yields_events_and_gives_credit_for_what_it_took(self):
        def script(name, header, body):
            if name == "watch" and not header.get("stop"):
                return [("event", {"re": header["n"], "id": 64, "seq": seq, "status": "ready"}, b"") for seq in range(1, 201)]
            return [("page", {"re": header["n"], "rows": [{}]}, b"")] if name == "get" else None
        broker = self.broker(script)
        with qiao.Requester(qiao.Context(broker.endpoint)) as requester:
            watch = requester.watch(timeout=5)
            self.assertEqual(list(range(1, 201)), [next(watch).seq for _ in range(200)])
            watch.close()
            requester.get(64)              # answered after all that was sent before it
        credits = [header["credit"] for name, header, _ in broker.heard if name == "credit"]
        self.assertEqual([128], credits)
        self.assertTrue([header for name, header, _ in broker.heard if name == "watch" and header.get("stop")])

    def test_a_worker_completes_what_its_function_returns_and_fails_what_it_raises(self):
        sent = [{"task": 65, "fence": 7, "service": "a.b", "status": "in-progress", "lease": 30_000_000, "input": {"x": 2}},
                {"task": 129, "fence": 8, "service": "a.b", "status": "requested", "input": {"x": 0}}]

        def script(name, header, body):
            answer = [("receipt", {"re": header["n"]}, b"")] if header.get("n") else []
            if name == "offer":
                answer += [("task", task, b"") for task in sent]
            return answer
        broker = self.broker(script)
        with qiao.Worker(qiao.Context(broker.endpoint), name="w") as worker:
            @worker.performs("a.b", capacity=2)
            def divide(task):
                if not task.input["x"]:
                    raise qiao.Failure("x is zero", reason="misidentified")
                return qiao.Result({"y": 10 // task.input["x"]}, outcome="divided")
            self.assertEqual(2, worker.run(count=2))
        told = {header.get("task"): (name, header) for name, header, _ in broker.heard if name in ("complete", "fail")}
        self.assertEqual(("complete", {"y": 5}), (told[65][0], told[65][1]["output"]))
        self.assertEqual(("fail", "x is zero", False), (told[129][0], told[129][1]["message"], told[129][1]["retryable"]))
        names = [name for name, header, _ in broker.heard if header.get("task") == 129]
        self.assertEqual(["accept", "start", "fail"], names)

    def test_a_result_that_the_catalogue_refuses_fails_the_task_for_good(self):
        def script(name, header, body):
            if name == "offer":
                return [("receipt", {"re": header["n"]}, b""), ("task", {"task": 65, "fence": 7, "service": "a.b", "status": "in-progress"}, b"")]
            if name == "complete":
                return [("refusal", {"re": header["n"], "code": "invalid", "path": "output.y"}, b"")]
            return [("receipt", {"re": header["n"]}, b"")] if header.get("n") else None
        broker = self.broker(script)
        with self.assertLogs("qiao.worker", "WARNING"), qiao.Worker(qiao.Context(broker.endpoint), name="w") as worker:
            worker.performs("a.b")(lambda task: qiao.Result({"y": 1}))
            self.assertEqual(1, worker.run(count=1))
        failed = [header for name, header, _ in broker.heard if name == "fail"]
        self.assertEqual([(65, 7, False)], [(header["task"], header["fence"], header["retryable"]) for header in failed])


LEASED = {"task": 65, "fence": 7, "service": "a.b", "status": "in-progress", "tenure": "leased", "lease": 30_000_000}
OWNED = {"task": 65, "fence": 7, "service": "a.b", "status": "in-progress", "tenure": "owned"}
FORGOTTEN = {"code": "forbidden", "path": "hello"}


class Credit(unittest.TestCase):
    """Tasks in hand + credit that the broker has = capacity: what is missing is given, and never more."""

    def perform(self, script, function, capacity=1, count=1):
        """A worker until it is done; a worker that is never given what it waits for is stopped, and its count tells."""
        broker = Scripted(script)
        self.addCleanup(broker.stop)
        with qiao.Worker(qiao.Context(broker.endpoint), name="w") as worker:
            worker.performs("a.b", capacity=capacity)(function)
            bound = threading.Timer(20, worker.stop)
            bound.start()
            self.assertEqual(count, worker.run(count=count))
            bound.cancel()
        self.assertTrue(broker.left.wait(20))
        return [header["credit"] for name, header, _ in broker.heard if name in ("offer", "credit")]

    def test_a_withdrawn_task_gives_its_credit_back_when_its_function_returned(self):
        def script(name, header, body):
            answer = [("receipt", {"re": header["n"]}, b"")] if header.get("n") else []
            if name == "offer":
                answer += [("task", LEASED, b"")]
            elif name == "progress":
                answer += [("withdraw", {"task": 65, "fence": 7, "reason": "lease-expired"}, b"")]
            elif name == "credit":
                answer += [("task", {**LEASED, "task": 129, "fence": 8}, b"")]
            return answer

        def function(task):
            if task.task == 65:
                task.progress(0.1)
                task.withdrawn.wait(10)
        self.assertEqual([1, 1], self.perform(script, function)[:2])

    def test_a_task_that_ended_while_we_were_away_is_withdrawn(self):
        """Cancelled before our `accept` came: a withdrawal that nobody could tell us."""
        def script(name, header, body):
            if name == "accept" and header["task"] == 65:
                return [("refusal", {"re": header["n"], "code": "conflict", "id": 64, "status": "cancelled"}, b"")]
            answer = [("receipt", {"re": header["n"]}, b"")] if header.get("n") else []
            if name == "offer":
                answer += [("task", {**OWNED, "status": "requested"}, b"")]
            elif name == "credit":
                answer += [("task", {**OWNED, "task": 129, "fence": 8}, b"")]
            return answer
        told = []
        credit = self.perform(script, lambda task: told.append(task.withdrawn.wait(10)) if task.task == 65 else None)
        self.assertEqual(([1, 1], [True]), (credit[:2], told))

    def test_a_reply_costs_no_credit_and_a_question_gives_none(self):
        def script(name, header, body):
            answer = [("receipt", {"re": header["n"]}, b"")] if header.get("n") else []
            if name == "offer":
                answer += [("task", OWNED, b"")]
            elif name == "ask":
                answer += [("task", {**OWNED, "reply": True}, b"")]
            elif name == "complete" and header["task"] == 65:
                answer += [("task", {**OWNED, "task": 129, "fence": 8}, b"")]
            return answer

        def function(task):
            if task.task == 65 and "reply" not in task.header:
                raise qiao.Question("of what?")
        self.assertEqual([1, 1, 1], self.perform(script, function, count=3))

    def reconnects(self, first, again, capacity):
        """The broker forgets the connection while a task is in hand; credit of both offers and after, and how often it was performed."""
        offers, offered_again, performed = [], threading.Event(), []

        def script(name, header, body):
            if name == "offer":
                offers.append(header)
                if len(offers) == 2:
                    offered_again.set()
                return ([("receipt", {"re": header["n"]}, b"")] if header.get("n") else []) + [("task", first if len(offers) == 1 else again, b"")] * (
                    len(offers) == 1 or again is not None)
            if name == "progress" and len(offers) == 1:
                return [("refusal", {"re": header["n"], **FORGOTTEN}, b"")]
            return [("receipt", {"re": header["n"]}, b"")] if header.get("n") else None

        def function(task):
            performed.append(task.task)
            task.progress(0.5)
            offered_again.wait(10)
        return self.perform(script, function, capacity), performed

    def test_after_a_reconnect_a_leased_task_in_hand_is_counted(self):
        self.assertEqual(([3, 2, 1], [65]), self.reconnects(LEASED, None, 3))

    def test_after_a_reconnect_an_owned_task_comes_again_for_one_credit(self):
        """PROTOCOL.md: every task sent takes one credit; without it neither an abort nor a reply could reach this worker."""
        self.assertEqual(([1, 1, 1], [65]), self.reconnects(OWNED, OWNED, 1))

    def test_a_task_whose_result_is_under_way_is_not_performed_again(self):
        offers, performed = [], []

        def script(name, header, body):
            if name == "offer":
                offers.append(header)
                return ([("receipt", {"re": header["n"]}, b"")] if header.get("n") else []) + [("task", OWNED, b"")]
            if name == "complete" and len(offers) == 1:
                return [("refusal", {"re": header["n"], **FORGOTTEN}, b"")]
            return [("receipt", {"re": header["n"]}, b"")] if header.get("n") else None
        self.perform(script, lambda task: performed.append(task.task))
        self.assertEqual([65], performed)


if __name__ == "__main__":
    tap.main()
