"""The four workers against a real broker: whole requests, crashes, verification, aborts. Needs QIAO_BUILD."""
import json
import os
import select
import signal
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.join(HERE, "..", "..", "..", "tests")
sys.path[:0] = [TESTS, os.path.join(TESTS, "system")]
import tap  # noqa: E402
from broker import PATIENCE, Broker, program  # noqa: E402

DISSOLUTION = {"specification": {"id": "SP-1", "version": "3", "rounding": "usp", "tests": [{"id": "dissolution", "kind": "dissolution", "q": "80"}]},
               "results": {"dissolution": ["86", "88", "84", "87", "90", "85"]}}
ASSAY = {"specification": {"id": "SP-1", "version": "3", "rounding": "gbt8170", "tests": [{"id": "assay", "kind": "assay", "lower": "97.9"}]},
         "results": {"assay": ["97.85"]}}
SAMPLE = {"product": "Ibuprofen", "batch": "B-1", "sample": "S-1"}
ANTIBODY = {"product": "mAb", "batch": "B-1", "titre": "3.2", "volume": "2000", "recoveries": ["0.95", "0.90", "0.92", "0.96"]}
LEASE = {"applicant": "Acme", "founded_on": "2020-05-01", "debt_ratio_percent": "45.5", "amount": {"amount": 500000000, "currency": "CNY"},
         "annual_rate_percent": "4.8", "months": 36, "overdue_days": 0, "new_equipment": True}
CURVE = "time,celsius\n" + "".join(f"2026-03-01T12:{minute:02d}:00Z,{5 + minute % 3}\n" for minute in range(60))


class Lines:
    """The standard output of a process, line by line, read past Python's own buffer: select() would not see what lies in that."""

    def __init__(self, child):
        self.child, self.rest, self.seen = child, b"", []

    def until(self, word):
        """The next line that contains the word."""
        while True:
            while b"\n" in self.rest:
                line, _, self.rest = self.rest.partition(b"\n")
                self.seen.append(line.decode())
                if word in self.seen[-1]:
                    return self.seen[-1]
            if not select.select([self.child.process.stdout], [], [], PATIENCE)[0]:
                raise AssertionError(f"did not say {word!r}: {self.seen}\n{self.child.err()}")
            more = os.read(self.child.process.stdout.fileno(), 65536)
            if not more:
                raise AssertionError(f"ended before it said {word!r}: {self.seen}\n{self.child.err()}")
            self.rest += more


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(start=False)
        cls.addClassCleanup(cls.broker.__exit__)
        # A killed worker is noticed by its silence; three short heartbeats keep these tests short.
        path = os.path.join(cls.broker.dir, "qiaod.yaml")
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("network:\n", 1)
        with open(path, "w", encoding="utf-8") as file:
            file.write("network:\n  heartbeat: 500ms\n".join(lines))
        cls.broker.start()
        cls.acme = cls.broker.party("acme", roles=["requester"])
        cls.members = {}
        for kind, services in {"testing": "testing.*", "cdmo": "cdmo.*", "coldchain": "cold-chain.*", "funding": "funding.*"}.items():
            cls.members[kind, "one"] = cls.broker.party(f"{kind}-party", roles=["performer"], services=[services], member="one")
        for kind in ("testing", "cdmo"):
            for member in ("two", "three"):
                cls.members[kind, member] = cls.broker.member(f"{kind}-party", member)

    def worker(self, kind, member="one", *words):
        child = self.broker.child(program(f"qiao-{kind}"), "--context", self.members[kind, member], "--name", member, *words)
        self.addCleanup(lambda: child.process.poll() is None and child.stop())
        lines = Lines(child)
        lines.until("ready")
        return lines

    def submit(self, service, input, body=None):
        document = {"service": service, "input": input}
        if body is not None:
            document["body"] = body if isinstance(body, str) else json.dumps(body)
        return self.broker.qiao("submit", "-", "--json", context=self.acme, input=json.dumps(document)).json()["id"]

    def ended(self, request):
        """Wait for the end; the request with its trail and output."""
        self.broker.qiao("watch", request, "--from", "0", "--json", context=self.acme, ok=False)
        return self.broker.qiao("get", request, "--all", "--json", context=self.acme).json()

    def documents(self, request):
        folder = os.path.join(self.broker.home, f"output-{request}")
        self.broker.qiao("output", request, "-o", folder, context=self.acme)
        files = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                files[name] = file.read()
        return files

    def event(self, request, word):
        """Wait until an event of the request contains this word; events of the past count."""
        watch = self.broker.child(program("qiao"), "watch", request, "--from", "0", "--json", context=self.acme)
        Lines(watch).until(f'"{word}"')
        watch.kill()


class Starting(Live):
    def fails(self, *words):
        return self.broker.run(program("qiao-testing"), *words)

    def test_what_keeps_a_worker_from_starting_is_one_sentence(self):
        for words, code, said in ((("--context", "nope"), 78, r"^qiao-testing: the context cannot be used: \S+/nope: No such file or directory$"),
                                  (("--context", self.members["testing", "one"], "--services", "no.such"), 77,
                                   r"^qiao-testing: offer no\.such: no such service \(not-found\)$"),
                                  (("--context", self.acme, "--services", "testing.*"), 77, r"^qiao-testing: offer testing\.\*: .*role.* \(forbidden\)$")):
            done = self.fails(*words)
            self.assertEqual(code, done.code, str(done))
            self.assertRegex(done.err.strip(), said)


class Testing(Live):
    def test_a_certificate_is_published_once_another_member_verified_it(self):
        worker, reviewer = self.worker("testing"), self.worker("testing", "two", "--verify")
        request = self.submit("testing.release", {**SAMPLE, "more_replicates": {"dissolution": ["82", "79", "88", "85", "81", "83"]}}, DISSOLUTION)
        row = self.ended(request)
        self.assertEqual(("completed", "conforming", "published"), (row["status"], row["outcome"], row["business_status"]))
        reviewer.until("verified")
        worker.until("completed")
        files = self.documents(request)
        self.assertTrue(any("mean 84.83 %, S2" in text for text in files.values()), files.keys())
        self.assertEqual("two", row["verifier"])
        self.assertEqual("two", json.loads(files["request.json"])["verifier"])
        certificate = files["certificate.en.txt"]
        self.assertRegex(certificate, r"Computed by:? +testing-party / one")
        self.assertRegex(certificate, r"Verified by:? +testing-party / two")
        self.assertNotIn("to be verified", certificate)
        self.assertIn("testing-party / two", files["certificate.zh.txt"])

    def test_out_of_specification_is_completed_once_and_never_tried_again(self):
        self.worker("testing"), self.worker("testing", "two", "--verify")
        row = self.ended(self.submit("testing.release", SAMPLE, ASSAY))
        self.assertEqual(("completed", "out-of-specification", 1), (row["status"], row["outcome"], row["attempt"]))

    def test_a_further_stage_is_asked_back(self):
        worker = self.worker("testing")
        self.worker("testing", "two", "--verify")
        request = self.submit("testing.release", SAMPLE, DISSOLUTION)
        worker.until("asked")
        self.broker.qiao("reply", request, "-", context=self.acme, input=json.dumps({"more_replicates": {"dissolution": ["82", "79", "88", "85", "81", "83"]}}))
        row = self.ended(request)
        self.assertEqual(("completed", "conforming"), (row["status"], row["outcome"]))

    def test_bad_input_fails_with_the_fields_name(self):
        self.worker("testing")
        row = self.ended(self.submit("testing.release", SAMPLE, {"specification": {"id": "A", "version": "1", "tests": [{}]}}))
        self.assertEqual(("failed", "missing", 1), (row["status"], row["reason"], row["attempt"]))
        self.assertIn("body.specification.rounding", row["message"])


class Manufacturing(Live):
    def test_another_worker_carries_on_with_the_same_bookings(self):
        ledger = os.path.join(self.broker.home, "carry-on.json")
        first = self.worker("cdmo", "one", "--speed", "400000", "--ledger", ledger)
        request = self.submit("cdmo.antibody", ANTIBODY)
        self.event(request, "progressed")
        with open(ledger, encoding="utf-8") as file:
            booked = file.read()
        first.child.kill()
        second = self.worker("cdmo", "three", "--speed", "1000000000", "--ledger", ledger)
        self.worker("cdmo", "two", "--verify", "--ledger", ledger)
        row = self.ended(request)
        second.until("completed")
        self.assertEqual(("completed", "planned", 1), (row["status"], row["outcome"], row["attempt"]))
        with open(ledger, encoding="utf-8") as file:
            self.assertEqual(booked, file.read())

    def test_a_hold_stops_the_work_until_it_is_lifted(self):
        worker = self.worker("cdmo", "one", "--speed", "1000000")
        self.worker("cdmo", "two", "--verify")
        request = self.submit("cdmo.antibody", ANTIBODY)
        worker.until("working")
        self.broker.qiao("hold", request, "-m", "audit")
        worker.until("held")
        self.broker.qiao("hold", request, "--lift", "-m", "audit is over")
        row = self.ended(request)
        self.assertEqual(("completed", 1), (row["status"], row["attempt"]))

    def test_the_work_goes_on_after_a_crash_of_the_broker(self):
        worker = self.worker("cdmo", "one", "--speed", "1000000")
        self.worker("cdmo", "two", "--verify")
        request = self.submit("cdmo.antibody", ANTIBODY)
        worker.until("working")
        self.broker.crash()
        self.broker.start()
        row = self.ended(request)
        self.assertEqual(("completed", "planned", 1), (row["status"], row["outcome"], row["attempt"]))

    def test_an_agreed_abort_frees_the_suites(self):
        ledger = os.path.join(self.broker.home, "abort.json")
        worker = self.worker("cdmo", "one", "--ledger", ledger)
        request = self.submit("cdmo.antibody", ANTIBODY)
        worker.until("working")
        self.broker.qiao("cancel", request, "-m", "no longer needed", context=self.acme)
        worker.until("aborted")
        self.assertEqual("cancelled", self.ended(request)["status"])
        worker.child.stop()            # it has written all that it wants to write
        with open(ledger, encoding="utf-8") as file:
            self.assertEqual({"batches": []}, json.load(file))

    def test_a_deviation_waits_for_a_person(self):
        self.worker("cdmo", "one", "--speed", "1000000000")
        reviewer = self.worker("cdmo", "two", "--verify")
        request = self.submit("cdmo.antibody", {**ANTIBODY, "actual_yield": "4000"})
        reviewer.until("waits")
        row = self.broker.qiao("get", request, "--json", context=self.acme).json()
        self.assertEqual("in-progress", row["status"])
        self.broker.qiao("desk", "verify", row["task"], "-m", "reworked and accepted", context=self.members["cdmo", "three"])
        row = self.ended(request)
        self.assertEqual(("completed", "deviation"), (row["status"], row["outcome"]))
        reviewer.until("withdrawn")

    def test_a_result_that_is_sent_back_is_held_for_a_person(self):
        worker = self.worker("cdmo", "one", "--speed", "1000000000")
        request = self.submit("cdmo.antibody", ANTIBODY)
        worker.until("completed")
        task = self.broker.qiao("get", request, "--json", context=self.acme).json()["task"]
        self.broker.qiao("desk", "verify", task, "--refuse", "-m", "wrong batch sheet", context=self.members["cdmo", "three"])
        worker.until("sent back")
        self.broker.qiao("hold", request, "--lift", "-m", "the sheet was right", ok=False)
        worker.until("completed")
        self.broker.qiao("desk", "verify", task, "-m", "agreed", context=self.members["cdmo", "three"])
        self.assertEqual("completed", self.ended(request)["status"])

    def test_a_reviewer_may_be_told_to_decide(self):
        self.worker("cdmo", "one", "--speed", "1000000000")
        self.worker("cdmo", "two", "--verify", "--decide")
        row = self.ended(self.submit("cdmo.antibody", {**ANTIBODY, "actual_yield": "4000"}))
        self.assertEqual(("completed", "deviation", "deviation-accepted"), (row["status"], row["outcome"], row["business_status"]))

    def test_a_worker_that_leaves_keeps_the_task_with_its_party(self):
        first = self.worker("cdmo", "one")
        request = self.submit("cdmo.tcm", {**ANTIBODY, "titre_unit": "g/L"})
        first.until("working")
        first.child.process.send_signal(signal.SIGTERM)
        first.until("1 tasks stay with the party")
        self.assertEqual(0, first.child.stop())
        second = self.worker("cdmo", "three", "--speed", "1000000000")
        self.worker("cdmo", "two", "--verify")
        second.until("completed")
        row = self.ended(request)
        self.assertEqual(("completed", 1), (row["status"], row["attempt"]))


class Others(Live):
    def test_readings_are_streamed_and_judged(self):
        self.worker("coldchain")
        request = self.submit("cold-chain.transport", {"shipment": "SH", "product": "V", "format": "csv", "limit_low": 2, "limit_high": 8}, CURVE)
        row = self.ended(request)
        self.assertEqual(("completed", "conformant"), (row["status"], row["outcome"]))
        self.assertEqual(60, row["output"]["readings"])
        self.assertGreater(sum(line["event"] == "progressed" for line in row["trail"]), 5)

    def test_a_lease_has_its_terms(self):
        self.worker("funding")
        row = self.ended(self.submit("funding.lease", LEASE))
        self.assertEqual(("completed", "eligible"), (row["status"], row["outcome"]))
        self.assertEqual({"amount": 14940592, "currency": "CNY"}, row["output"]["payment"])

    def test_missing_facts_are_asked_back(self):
        worker = self.worker("funding")
        request = self.submit("funding.lease", {name: value for name, value in LEASE.items() if name not in ("founded_on", "overdue_days")})
        worker.until("asked")
        self.broker.qiao("reply", request, "-", context=self.acme, input=json.dumps({"founded_on": "2020-05-01", "overdue_days": 0}))
        self.assertEqual("eligible", self.ended(request)["outcome"])

    def test_a_reply_reaches_a_worker_that_was_away(self):
        """L5: at its capacity too; stopped, so that the broker ends its connection, and continued."""
        worker = self.worker("funding", "one", "--capacity", "1")
        request = self.submit("funding.lease", {name: value for name, value in LEASE.items() if name != "founded_on"})
        worker.until("asked")
        worker.child.process.send_signal(signal.SIGSTOP)
        while any(row["worker"] == "one" for row in self.broker.qiao("workers", "--json").rows()):
            pass
        self.reply(request)
        worker.child.process.send_signal(signal.SIGCONT)
        row = self.ended(request)
        self.assertEqual(("eligible", 1), (row["outcome"], row["attempt"]))

    def asked_by_a_worker_that_dies(self):
        worker = self.worker("funding")
        request = self.submit("funding.lease", {name: value for name, value in LEASE.items() if name != "founded_on"})
        worker.until("asked")
        worker.child.kill()
        return request

    def reply(self, request):
        self.broker.qiao("reply", request, "-", context=self.acme, input=json.dumps({"founded_on": "2020-05-01"}))

    def test_a_reply_is_seen_by_the_worker_that_carries_on(self):
        request = self.asked_by_a_worker_that_dies()
        self.reply(request)
        self.worker("funding")
        row = self.ended(request)
        self.assertEqual(("eligible", 1), (row["outcome"], row["attempt"]))
        self.assertEqual(1, sum(line["event"] == "asked" for line in row["trail"]))

    def test_a_worker_that_carries_on_waits_for_the_reply(self):
        request = self.asked_by_a_worker_that_dies()
        self.worker("funding").until("on-hold")
        self.reply(request)
        row = self.ended(request)
        self.assertEqual(("eligible", 1), (row["outcome"], row["attempt"]))
        self.assertEqual(1, sum(line["event"] == "asked" for line in row["trail"]))


if __name__ == "__main__":
    tap.main()
