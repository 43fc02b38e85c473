"""PROTOCOL.md, tried: a client that knows nothing but that page (and msgpack and ZeroMQ) against a real broker.

It shares no code with the Python client or the generated tables on purpose. QIAO_BUILD names the build folder.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

import msgpack
import zmq
from zmq.utils import z85

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
sys.dont_write_bytecode = True

import tap  # noqa: E402

QIAOD = os.path.join(os.path.abspath(os.environ.get("QIAO_BUILD", "build")), "broker", "shell", "qiaod")
PATIENCE_MS = 30000  # a bound for what must come


def context_read(path):
    """Section 1: a context file holds `key = value` lines."""
    with open(path, encoding="utf-8") as file:
        pairs = [line.split("=", 1) for line in file if "=" in line and not line.startswith("#")]
    return {key.strip(): value.strip() for key, value in pairs}


class Peer:
    """A connection as sections 1 to 4 describe it."""

    def __init__(self, endpoint, server, pair):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 1000
        self.socket.curve_serverkey = server.encode()
        self.socket.curve_publickey, self.socket.curve_secretkey = pair
        self.socket.connect(endpoint)
        self.number = 0
        self.waiting = []

    def send(self, name, body=b"", **fields):
        self.number += 1
        self.socket.send(msgpack.packb({"t": name, "n": self.number, **fields}) + msgpack.packb(body))
        return self.number

    def records(self):
        if not self.socket.poll(PATIENCE_MS):
            raise AssertionError(f"no record came; in hand: {self.waiting}")
        unpacker = msgpack.Unpacker()
        unpacker.feed(self.socket.recv())
        values = list(unpacker)
        return list(zip(values[::2], values[1::2]))

    def take(self, wanted):
        """The first record for which `wanted` holds; others stay in hand."""
        while True:
            for i, (header, body) in enumerate(self.waiting):
                if wanted(header):
                    del self.waiting[i]
                    return header, body
            self.waiting += self.records()

    def call(self, name, body=b"", **fields):
        number = self.send(name, body, **fields)
        return self.take(lambda header: header.get("re") == number)[0]

    def hello(self):
        return self.call("hello", version=1, client="page/1")

    def close(self):
        self.send("bye")
        self.socket.close()


class PageClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.dir.cleanup)
        data = os.path.join(cls.dir.name, "data")
        subprocess.run([QIAOD, "init", data, "--endpoint", "tcp://127.0.0.1:*",
                        "--catalogue", os.path.join(ROOT, "deploy", "catalogue")], check=True, stdout=subprocess.DEVNULL)
        cls.broker = subprocess.Popen([QIAOD, "run", "-c", data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        cls.addClassCleanup(cls.broker_stop)
        ready = cls.broker.stdout.readline()
        cls.endpoint = re.search(r"endpoint=(\S+)", ready).group(1)
        context = context_read(os.path.join(data, "operator.context"))
        cls.server = context["server_key"]
        cls.operator = Peer(cls.endpoint, cls.server, (context["public_key"].encode(), context["secret_key"].encode()))
        cls.addClassCleanup(cls.operator.close)
        cls.welcome = cls.operator.hello()
        cls.requester_pair, cls.provider_pair, cls.colleague_pair = (zmq.curve_keypair() for _ in range(3))
        for party, pair, role in (("page-requester", cls.requester_pair, "requester"),
                                  ("page-provider", cls.provider_pair, "performer")):
            services = {"services": ["bench.*", "testing.*"]} if role == "performer" else {}
            cls.must(cls.operator.call("party", action="add", party=party, roles=[role], **services))
            cls.must(cls.operator.call("party", action="add", party=party, member="m1", key=z85.decode(pair[0])))

        cls.must(cls.operator.call("party", action="add", party="page-provider", member="m2",
                                   key=z85.decode(cls.colleague_pair[0])))

    @classmethod
    def broker_stop(cls):
        cls.broker.terminate()
        cls.broker.wait(30)
        cls.broker.stdout.close()

    @classmethod
    def must(cls, header):
        if header["t"] != "receipt":
            raise AssertionError(header)
        return header

    def peer(self, pair):
        peer = Peer(self.endpoint, self.server, pair)
        self.addCleanup(peer.close)
        return peer, peer.hello()

    def both(self):
        requester, _ = self.peer(self.requester_pair)
        provider, _ = self.peer(self.provider_pair)
        self.must(provider.call("offer", service="bench.*", capacity=4, credit=4))
        return requester, provider

    def test_hello_is_answered_by_welcome(self):
        self.assertEqual("welcome", self.welcome["t"])
        self.assertEqual(1, self.welcome["version"])
        self.assertIn("operator", self.welcome["roles"])
        _, welcome = self.peer(self.requester_pair)
        self.assertEqual(("page-requester", "m1", ["requester"]), (welcome["party"], welcome["member"], welcome["roles"]))
        self.assertEqual("pong", self.operator.call("ping")["t"])

    def test_a_request_goes_to_the_provider_and_its_outcome_comes_back(self):
        requester, provider = self.both()
        receipt = self.must(requester.call("submit", b"body", service="bench.echo", key="way", notify="all"))
        task, body = provider.take(lambda header: header["t"] == "task")
        self.assertEqual((b"body", "in-progress", "leased"), (body, task["status"], task["tenure"]))
        self.assertEqual(receipt["id"], task["task"] & ~63)
        hand = {"task": task["task"], "fence": task["fence"]}
        self.must(provider.call("progress", progress=0.5, business_status="half", **hand))
        self.assertEqual([], self.must(provider.call("renew", held=[hand])).get("lost", []))
        wrong = provider.call("complete", outcome="done", output={"x": 1}, **hand)  # the echo service has no fields
        self.assertEqual(("invalid", "output.x"), (wrong["code"], wrong["path"]))
        stale = provider.call("complete", outcome="done", task=task["task"], fence=task["fence"] - 1)
        self.assertEqual(("refusal", "stale"), (stale["t"], stale["code"]))
        done = self.must(provider.call("complete", b"answer", outcome="done", charge=120, currency="CNY", **hand))
        self.assertFalse(done.get("duplicate", False))
        again = self.must(provider.call("complete", b"answer", outcome="done", charge=120, currency="CNY", **hand))
        self.assertTrue(again["duplicate"])
        event, body = requester.take(lambda header: header["t"] == "event" and header["status"] == "completed")
        self.assertEqual((receipt["id"], "done", 120, b"answer"), (event["id"], event["outcome"], event["charge"], body))
        requester.send("get", id=receipt["id"], trail=True, output=True)
        page, body = requester.take(lambda header: header["t"] == "page")
        self.assertEqual((1, "completed", b"answer"), (len(page["rows"]), page["rows"][0]["status"], body))
        seqs = [line["seq"] for line in page["rows"][0]["trail"]]
        self.assertEqual(sorted(seqs), seqs)

    def owned(self, key):
        """An owned task of section 5, accepted and started: requester, provider, request id, what names the task."""
        requester, _ = self.peer(self.requester_pair)
        provider, _ = self.peer(self.provider_pair)
        self.must(provider.call("offer", service="testing.release", capacity=4, credit=4))
        sample = {"product": "p", "batch": "b", "sample": "s"}
        receipt = self.must(requester.call("submit", service="testing.release", key=key, input=sample, notify="all"))
        task, _ = provider.take(lambda header: header["t"] == "task")
        self.assertEqual(("requested", "owned", sample), (task["status"], task["tenure"], task["input"]))
        hand = {"task": task["task"], "fence": task["fence"]}
        self.must(provider.call("accept", **hand))
        self.must(provider.call("start", business_status="sample_received", **hand))
        requester.take(lambda header: header["t"] == "event" and header["status"] == "in-progress")
        return requester, provider, receipt["id"], hand

    def test_an_owned_task_is_asked_about_and_verified_by_a_colleague(self):
        requester, provider, request, hand = self.owned("ask")
        self.must(provider.call("ask", message="which method?", fields=["condition"], **hand))
        event, _ = requester.take(lambda header: header["t"] == "event" and header["status"] == "on-hold")
        self.assertEqual(("awaiting-information", "which method?", ["condition"]),
                         (event["reason"], event["message"], event["fields"]))
        self.must(requester.call("reply", id=request, message="dry", input={"condition": "25 C"}))
        reply, _ = provider.take(lambda header: header["t"] == "task" and header.get("reply"))
        self.assertEqual("25 C", reply["input"]["condition"])
        self.must(provider.call("complete", b"report", outcome="conforming", output={"certificate": "C-1"}, **hand))
        self.assertEqual("forbidden", provider.call("verify", agree=True, **hand)["code"])
        colleague, _ = self.peer(self.colleague_pair)
        self.must(colleague.call("offer", service="testing.release", capacity=1, credit=1, verify=True))
        result, body = colleague.take(lambda header: header["t"] == "task")
        self.assertEqual(("to_be_verified", {"certificate": "C-1"}), (result["business_status"], result["output"]))
        self.must(colleague.call("verify", agree=True, **hand))
        event, body = requester.take(lambda header: header["t"] == "event" and header["status"] == "completed")
        self.assertEqual(("conforming", b"report"), (event["outcome"], body))

    def test_a_performer_may_refuse_or_agree_to_an_abort(self):
        requester, provider, request, hand = self.owned("abort")
        for answer, reason in (("reject", "abort-refused"), ("accept", "abort-agreed")):
            self.assertEqual("in-progress", self.must(requester.call("cancel", id=request))["status"])
            abort, _ = provider.take(lambda header: header["t"] == "abort")
            self.assertEqual(hand, {"task": abort["task"], "fence": abort["fence"]})
            self.must(provider.call(answer, code="abort", charge=500, currency="CNY", **hand))
            event, _ = requester.take(lambda header, r=reason: header["t"] == "event" and header.get("reason") == r)
            self.assertEqual(500, event["charge"])
        self.assertEqual("cancelled", event["status"])

    def test_a_key_makes_resubmission_safe(self):
        requester, _ = self.peer(self.requester_pair)
        first = self.must(requester.call("submit", b"1", service="bench.echo", key="same"))
        second = self.must(requester.call("submit", b"1", service="bench.echo", key="same"))
        self.assertEqual((first["id"], True), (second["id"], second["duplicate"]))
        other = requester.call("submit", b"2", service="bench.echo", key="same")
        self.assertEqual(("conflict", first["id"]), (other["code"], other["id"]))
        producer = {"service": "bench.echo", "producer": 77, "pseq": 1}
        first = self.must(requester.call("submit", b"1", **producer))
        self.assertEqual(first["id"], self.must(requester.call("submit", b"1", **producer))["id"])
        self.assertEqual("conflict", requester.call("submit", b"2", **producer)["code"])
        for each in (second["id"], first["id"]):
            self.assertEqual("cancelled", self.must(requester.call("cancel", id=each))["status"])

    def test_a_watch_gives_every_event_once_and_goes_on_with_credit(self):
        requester, _ = self.peer(self.requester_pair)
        ids = [self.must(requester.call("submit", service="bench.echo", key=f"w{i}", notify="none"))["id"] for i in range(3)]
        for each in ids:
            self.must(requester.call("cancel", id=each))
        number = requester.send("watch", seq=0, credit=2)
        seen = []
        while not {(each, "cancelled") for each in ids} <= {(e["id"], e["status"]) for e in seen}:
            event, _ = requester.take(lambda header: header.get("re") == number)
            self.assertEqual("event", event["t"], event)
            seen.append(event)
            requester.socket.send(msgpack.packb({"t": "credit", "re": number, "credit": 1}) + msgpack.packb(b""))
        seqs = [event["seq"] for event in seen]
        self.assertEqual(sorted(set(seqs)), seqs)

    def test_an_invitation_makes_a_member(self):
        once, own = zmq.curve_keypair(), zmq.curve_keypair()
        self.must(self.operator.call("party", action="invite", party="page-requester", member="wang",
                                     key=z85.decode(once[0]), expires=self.welcome["time"] + 3600 * 10**6))
        invited, _ = self.peer(once)
        refusal = invited.call("submit", service="bench.echo", key="not-yet")
        self.assertEqual(("refusal", "forbidden"), (refusal["t"], refusal["code"]))
        self.must(invited.call("enrol", key=z85.decode(own[0])))
        _, welcome = self.peer(own)
        self.assertEqual(("page-requester", "wang"), (welcome["party"], welcome["member"]))

    def test_refusals_say_what_the_page_says(self):
        requester, _ = self.peer(self.requester_pair)
        cases = [
            ("unsupported", "", requester.call("teleport")),
            ("invalid", "service", requester.call("submit")),
            ("too-large", "service", requester.call("submit", service="s" * 65)),
            ("invalid", "key", requester.call("submit", service="bench.echo")),
            ("not-found", None, requester.call("submit", service="no.such", key="k")),
            ("not-found", None, requester.call("get", id=4711)),
            ("forbidden", None, requester.call("queues")),
        ]
        for code, path, header in cases:
            self.assertEqual(("refusal", code), (header["t"], header["code"]), header)
            if path is not None:
                self.assertEqual(path, header.get("path", ""), header)
        requester.socket.send(bytes.fromhex("dfffffffff"))
        self.assertEqual("malformed", requester.take(lambda header: header["t"] == "refusal")[0]["code"])

    def test_the_smallest_client_of_the_page_runs(self):
        with open(os.path.join(ROOT, "PROTOCOL.md"), encoding="utf-8") as file:
            code = re.search(r"## 13\..*?```python\n(.*?)while True:", file.read(), re.DOTALL).group(1)
        code = code.replace("tcp://127.0.0.1:7420", self.endpoint).replace("testing.release", "bench.echo")
        code = code.replace('"input": {"batch": "LOT-117"}', '"input": {}')  # the echo service has no fields
        public, secret = self.requester_pair
        space = {"SERVER": self.server.encode(), "PUBLIC": public, "SECRET": secret, "print": lambda *_: None}
        exec(compile(code, "PROTOCOL.md", "exec"), space)  # the page's own words
        header, _ = space["receive"]()[0]
        space["socket"].close(0)
        self.assertEqual(("receipt", 2), (header["t"], header["re"]), header)
        requester, _ = self.peer(self.requester_pair)
        self.must(requester.call("cancel", id=header["id"]))


if __name__ == "__main__":
    tap.main()
