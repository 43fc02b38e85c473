"""The command line against a real broker: every command at least once, its exit codes, and JSON that programs can read."""
import json
import os
import re
import signal
import sys
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE]
import tap  # noqa: E402
from broker import PATIENCE, Broker, program  # noqa: E402

DONE, FAILED, CANCELLED, NOT_FOUND, CONFLICT, STALE, ON_HOLD = 0, 2, 3, 4, 5, 6, 7
USAGE, DATA, RETRY_LATER, FORBIDDEN, TIMED_OUT = 64, 65, 75, 77, 124

SCREENING = "service: compute.screening\ninput: {target: P01116, library: lead-like, compounds: 2000, hits: 3}\n"
SALES = ("service: sales.distribution\ninput: {product: Amlodipine, batch: B7, quantity: 12, destination: Fengtai, approval_number: H20260117,"
         " price: 23.50 CNY, expires_on: 2028-02-28}\n")


class Live(unittest.TestCase):
    """One broker for all cases: an enterprise, two providers, an operator; cases use services of their own."""

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker()
        cls.addClassCleanup(cls.broker.__exit__)
        cls.broker.env["TMPDIR"] = cls.broker.home  # a worker that is killed cannot clear up
        cls.acme = cls.broker.party("acme", roles=["requester"])
        cls.lab = cls.broker.party("lab", roles=["performer"])
        cls.lab2 = cls.broker.member("lab", "m2")

    def tearDown(self):
        """Whatever a command asked, the broker still runs."""
        self.assertIsNone(self.broker.daemon.process.poll(), self.broker.daemon.err())

    def qiao(self, *words, context=None, **more):
        return self.broker.qiao(*words, context=context or self.acme, **more)

    def write(self, name, text):
        path = os.path.join(self.broker.home, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def submit(self, text, *words):
        return self.qiao("submit", "-", "--json", *words, input=text).json()["id"]

    def worker(self, *words, ready="waits"):
        child = self.broker.child(program("qiao"), "worker", "run", *words, "--json", context=self.lab)
        self.addCleanup(lambda: child.process.poll() is None and child.stop(signal.SIGKILL))
        return child

    def desk(self, *services):
        words = [word for service in services for word in ("--service", service)]
        child = self.broker.child(program("qiao"), "desk", "open", *words, "--json", context=self.lab)
        self.addCleanup(lambda: child.process.poll() is None and child.stop(signal.SIGKILL))
        return child

    def until(self, holds):
        """Ask again until it holds; each question is an answer waited for."""
        for _ in range(2000):
            if holds():
                return
        self.fail("it never held")

    def status(self, identity, context=None):
        return self.qiao("get", identity, "--json", context=context).json()["status"]


class Requester(Live):
    def test_service_list_show_and_template(self):
        names = [row["service"] for row in self.qiao("service", "list", "--json").rows()]
        self.assertIn("testing.release", names)
        self.assertEqual(names, self.qiao("service", "list", "-q").out.split())
        shown = self.qiao("service", "show", "compute.screening", "--json").json()
        self.assertIn("target", [field["name"] for field in shown["input"]])
        self.assertIn("target", self.qiao("service", "show", "compute.screening").out)
        self.assertIn("out-of-specification", self.qiao("service", "show", "testing.release", "--json").json()["outcomes"])
        for words in (("service", "show"), ("template",)):
            self.assertIn("conforming, out-of-specification", self.qiao(*words, "testing.release").out)
        self.assertEqual(NOT_FOUND, self.qiao("service", "show", "no.such", ok=False).code)
        for name in names:
            template = self.qiao("template", name).out
            self.assertIn(f"service: {name}", template)
            for sample, least in re.findall(r": (-?[\d.]+)   # (?:integer|decimal|number)\b.*?(?:, at least|,) (-?[\d.]+)", template):
                self.assertGreaterEqual(float(sample), float(least), f"{name}: a sample that its own rule forbids")
        chinese = self.qiao("template", "testing.release", "--lang", "zh").out
        for said in ("填好后提交", "必填", "可选", "1 至 99", "# 结论: conforming"):
            self.assertIn(said, chinese)
        self.assertNotIn("; required", chinese)

    def test_a_filled_template_is_accepted(self):
        text = self.qiao("template", "compute.screening").out
        self.assertIn("  target:", text)
        text = text.replace("  target:", "  target: P01116").replace("  library:", "  library: lead-like")
        self.assertEqual("ready", self.qiao("submit", "-", "--json", input=text).json()["status"])

    def test_submit_get_list_and_cancel(self):
        identity = self.submit(SCREENING, "--subject", "KRAS", "--priority", "urgent", "--note", "soon")
        row = self.qiao("get", identity, "--all", "--json").json()
        self.assertEqual(("ready", "urgent", "KRAS", "acme"), (row["status"], row["priority"], row["subject"], row["requester"]))
        self.assertEqual(2000, row["input"]["compounds"])
        self.assertGreaterEqual(len(row["trail"]), 1)
        self.assertIn(identity, self.qiao("list", "-q").out.split())
        self.assertIn(identity, [r["id"] for r in self.qiao("list", "--json", "--service", "compute.screening", "--status", "ready").rows()])
        table = self.qiao("list").out.splitlines()
        self.assertTrue(table[0].startswith("ID "))
        self.assertIn("+0000", self.qiao("get", identity).out)
        self.assertEqual("cancelled", self.qiao("cancel", identity, "-m", "not needed", "--json").json()["status"])
        self.assertEqual("cancelled", self.status(identity))
        self.assertNotIn(identity, self.qiao("list", "-q").out.split())
        self.assertIn(identity, self.qiao("list", "-q", "--finished").out.split())
        trail = self.qiao("get", identity, "--trail").out
        self.assertIn("not needed", trail)

    def test_the_same_key_gives_the_same_request_and_another_content_a_conflict(self):
        first = self.qiao("submit", "-", "--key", "k1", "--json", input=SCREENING).json()
        again = self.qiao("submit", "-", "--key", "k1", "--json", input=SCREENING).json()
        self.assertEqual((first["id"], False, True), (again["id"], first["duplicate"], again["duplicate"]))
        other = self.qiao("submit", "-", "--key", "k1", "--set", "input.hits=9", input=SCREENING, ok=False)
        self.assertEqual(CONFLICT, other.code)
        self.assertIn(first["id"], other.err)

    def test_what_the_catalogue_refuses_is_65_with_the_line_in_the_document(self):
        path = self.write("wrong.yaml", "service: compute.screening\ninput:\n  target: P01116\n  library: x\n  hits: 5000\n")
        done = self.qiao("submit", path, ok=False)
        self.assertEqual(DATA, done.code, done)
        self.assertIn("input.hits", done.err)
        self.assertIn("wrong.yaml:5", done.err)
        self.assertIn("next:", done.err)
        done = self.qiao("submit", path, "--json", ok=False)
        self.assertIn('"path":"input.hits"', done.err)
        done = self.qiao("submit", "--service", "compute.screening", "--set", "input.hits=many", ok=False)
        self.assertEqual(DATA, done.code)
        self.assertIn("an integer", done.err)

    def test_what_is_over_a_limit_is_told_as_the_broker_would_tell_it(self):
        path = self.write("large.bin", "x" * 65537)
        done = self.qiao("submit", "--service", "bench.echo", "--body", path, ok=False)
        self.assertEqual(DATA, done.code)
        for said in ("too-large: longer than the limit", "where: body", "body at most 64 KiB"):
            self.assertIn(said, done.err)
        done = self.qiao("submit", "--service", "bench.echo", "--key", "k" * 129, "--json", ok=False)
        self.assertEqual(("too-large", "key"), (json.loads(done.err)["error"], json.loads(done.err)["path"]))

    def test_what_is_not_there_or_not_allowed_has_its_own_code(self):
        self.assertEqual(NOT_FOUND, self.qiao("get", "01KB3N2X4VQ80", ok=False).code)
        self.assertEqual(NOT_FOUND, self.qiao("submit", "--service", "no.such", ok=False).code)
        self.assertEqual(FORBIDDEN, self.qiao("stats", ok=False).code)
        identity = self.submit(SCREENING)
        self.assertEqual(NOT_FOUND, self.qiao("get", identity, context=self.lab, ok=False).code)

    def test_the_broker_is_told_in_chinese_to_people_and_in_english_to_programs(self):
        wrong = ("submit", "--service", "compute.screening", "--set", "input.target=x", "--set", "input.library=y", "--set", "input.hits=5000")
        identity = self.submit("service: compute.target\ninput: {disease: x, dataset: y}\n", "--require", "gpus ge 4000")
        with mock.patch.dict(self.broker.env, LC_ALL="zh_CN.UTF-8"):
            refused = self.qiao("get", "01KB3N2X4VQ80", ok=False)
            self.assertIn("qiao: not-found: 没有该请求\n", refused.err)
            self.assertIn("input.hits:至多 1000(所给为整数)", self.qiao(*wrong, ok=False).err)
            document = "service: compute.target\ncost: 0\n"
            self.assertIn("standard input:2: cost: 应为 1 至 1000000 的整数", self.qiao("submit", "-", input=document, ok=False).err)
            self.assertIn("standard input:2: cost: expected an integer", self.qiao("submit", "-", "--json", input=document, ok=False).err)
            error = json.loads(self.qiao(*wrong, "--json", ok=False).err)
            self.assertEqual("input.hits: at most 1000, got integer", error["message"])
            self.assertNotRegex(error["next"], "[\u4e00-\u9fff]")
            past = self.qiao("submit", "--service", "bench.echo", "--complete-by", "2020-01-01", ok=False)
            self.assertIn("qiao: invalid: 晚于现在且晚于 not_before 的时间\n", past.err)
            self.assertRegex(self.qiao("explain", identity).out, "说明: .*服务方")
            told = self.qiao("explain", identity, "--json").json()
            self.assertRegex(told["message"], "provider")
            self.qiao("close", identity)
            self.assertIn("请求方关闭", self.qiao("get", identity).out)
            self.assertEqual("closed-by-requester", self.qiao("get", identity, "--json").json()["reason"])
        self.assertIn("no such request", self.qiao("get", "01KB3N2X4VQ80", ok=False).err)

    def test_dry_run_shows_the_document_and_submits_nothing(self):
        done = self.qiao("submit", "-", "--dry-run", "--json", "--require", "gpus ge 4", "--set", "subject=dry", input=SCREENING).json()
        self.assertEqual([["gpus", "ge", 4]], done["require"])
        self.assertNotIn("dry", self.qiao("list").out)

    def test_explain_says_why_nobody_can_and_close_ends_it(self):
        identity = self.submit("service: biobank.cells\n", "--service", "compute.target", "--set", "input.disease=x", "--set", "input.dataset=y",
                               "--require", "gpus ge 4000")
        told = self.qiao("explain", identity, "--json").json()
        self.assertEqual(identity, told["id"])
        self.assertIn("candidates", told)
        self.assertTrue(self.qiao("explain", identity).out)
        self.assertEqual("cancelled", self.qiao("close", identity, "--json").json()["status"])

    def test_waiting_ends_when_the_time_is_over(self):
        done = self.qiao("submit", "-", "--wait-at-most", "300ms", "--json", input=SCREENING, ok=False)
        self.assertEqual(TIMED_OUT, done.code, done)


class Worker(Live):
    def test_an_echo_worker_answers_with_the_body(self):
        worker = self.worker("--service", "bench.echo", "--raw", "--exec", 'cat "$QIAO_BODY_FILE"')
        body = self.write("body.txt", "桥 hello")
        done = self.qiao("submit", "--service", "bench.echo", "--body", body, "--wait", "--json").json()
        self.assertEqual("completed", done["status"])
        self.assertEqual("桥 hello", self.qiao("output", done["id"], "--body").out)
        self.qiao("output", done["id"], "-o", "result")
        with open(os.path.join(self.broker.home, "result", "body.txt"), encoding="utf-8") as file:
            self.assertEqual("桥 hello", file.read())
        self.assertEqual(DONE, worker.stop())

    def test_documents_of_a_result_become_files_and_none_leaves_the_folder(self):
        documents = json.dumps({"documents": {"certificate.en.txt": "good", "../evil.txt": "bad", ".hidden": "bad", "证书.txt": "合格"}})
        worker = self.worker("--service", "bench.echo", "--exec", "cat > /dev/null; cp \"$QIAO_BODY_FILE\" \"$QIAO_RESULT_FILE\"")
        done = self.qiao("submit", "--service", "bench.echo", "--body", self.write("documents.json", documents), "--wait", "--json").json()
        told = self.qiao("output", done["id"], "-o", "papers", "--json").json()
        self.assertEqual(["body.json", "certificate.en.txt", "output.json", "request.json", "证书.txt"], sorted(told["files"]))
        self.assertEqual(sorted(told["files"]), sorted(os.listdir(os.path.join(self.broker.home, "papers"))))
        self.assertFalse(os.path.exists(os.path.join(self.broker.home, "evil.txt")))
        worker.stop()

    def test_a_json_worker_reports_progress_and_an_outcome(self):
        go = os.path.join(self.broker.home, "go")
        os.mkfifo(go)
        script = (f'read input; echo "progress 0.5 half of $QIAO_SERVICE" >&3; read go < {go}; '
                  'echo "{\\"outcome\\": \\"hits\\", \\"screened\\": 2000, \\"hits\\": [{\\"compound\\": \\"C1\\", \\"score\\": 0.9}]}"')
        worker = self.worker("--service", "compute.screening", "--exec", script, "--count", "1")
        identity = self.submit(SCREENING)
        watch = self.broker.child(program("qiao"), "watch", identity, "--from", "0", "--json", context=self.acme)
        self.assertEqual(0.5, json.loads(watch.line('"progress"'))["progress"])
        with open(go, "w", encoding="utf-8") as file:
            file.write("on\n")
        self.assertEqual("completed", json.loads(watch.line('"status":"completed"'))["status"])
        self.assertEqual(DONE, watch.process.wait(30))
        row = self.qiao("get", identity, "--output", "--json").json()
        self.assertEqual(("hits", 2000, 0.9), (row["outcome"], row["output"]["screened"], row["output"]["hits"][0]["score"]))
        self.assertEqual({"screened", "hits"}, set(self.qiao("output", identity).json()))
        worker.line('"completed"')
        self.assertEqual(DONE, worker.process.wait(30))

    def test_exit_code_65_fails_for_good_with_the_last_line_as_message(self):
        worker = self.worker("--service", "compute.target", "--exec", "echo 'input.disease: unknown' >&2; exit 65")
        done = self.qiao("submit", "--service", "compute.target", "--set", "input.disease=x", "--set", "input.dataset=y", "--wait", "--json", ok=False)
        self.assertEqual(FAILED, done.code, done)
        self.assertEqual("failed", done.json()["status"])
        self.assertIn("input.disease: unknown", self.qiao("get", done.json()["id"], "--trail", "--json").out)
        worker.stop()

    def test_retries_are_limited_then_an_operator_decides(self):
        worker = self.worker("--service", "bench.echo", "--exec", "exit 75")
        done = self.qiao("submit", "--service", "bench.echo", "--wait", "--json", ok=False)
        self.assertEqual(ON_HOLD, done.code, done)
        row = done.json()
        self.assertEqual(("on-hold", "attempts-exhausted"), (row["status"], row["reason"]))
        self.assertEqual(DONE, worker.stop())
        self.assertEqual(DONE, self.qiao("requeue", row["id"], "-m", "the worker was broken", context=self.broker.operator).code)
        self.assertEqual("ready", self.status(row["id"]))
        self.qiao("hold", row["id"], "-m", "wait", context=self.broker.operator)
        self.assertEqual("on-hold", self.status(row["id"]))
        self.qiao("hold", row["id"], "--lift", context=self.broker.operator)
        self.assertEqual("ready", self.status(row["id"]))
        self.qiao("fail", row["id"], "-m", "given up", context=self.broker.operator)
        self.assertEqual(FAILED, self.qiao("watch", row["id"], ok=False).code)

    def test_a_cancelled_task_stops_its_command(self):
        worker = self.worker("--service", "compute.target", "--exec", "echo started >&2; exec sleep 1000")
        identity = self.submit("service: compute.target\ninput: {disease: x, dataset: y}\n")
        worker.line('"started"')
        self.qiao("cancel", identity)
        self.assertEqual(CANCELLED, self.qiao("watch", identity, ok=False).code)
        self.assertEqual(DONE, worker.stop())

    def test_output_that_the_catalogue_refuses_fails_the_task(self):
        worker = self.worker("--service", "compute.screening", "--exec", """echo '{"nonsense": 1}'""")
        done = self.qiao("submit", "-", "--wait", "--json", input=SCREENING, ok=False)
        self.assertEqual(FAILED, done.code, done)
        worker.stop()


class Desk(Live):
    def test_a_person_accepts_asks_and_completes(self):
        desk = self.desk("sales.distribution")
        identity = self.submit(SALES)
        desk.line('"task"')
        task = self.qiao("desk", "list", "--json", "--service", "sales.distribution", context=self.lab).rows()[0]["task"]
        self.assertEqual(12, self.qiao("desk", "show", task, "--json", context=self.lab).json()["input"]["quantity"])
        act = lambda *words, **more: self.qiao("desk", *words, context=self.lab, **more)  # noqa: E731
        self.assertEqual("accepted", act("accept", task, "-m", "ours", "--json").json()["status"])
        self.assertEqual("in-progress", act("start", task, "--json").json()["status"])
        act("progress", task, "40%", "-m", "packed")
        act("hold", task, "--reason", "equipment-issue", "-m", "truck")
        self.assertEqual("on-hold", self.status(identity))
        act("hold", task, "--lift")
        act("ask", task, "-m", "which storage?", "--field", "storage")
        waiting = self.qiao("submit", "-", "--key", "waits", "--json", input=SALES)
        self.assertEqual(DONE, waiting.code)
        row = self.qiao("get", identity, "--json").json()
        self.assertEqual("on-hold", row["status"])
        self.qiao("reply", identity, "--set", "input.storage=room", "-m", "room temperature")
        self.assertEqual("in-progress", self.status(identity))
        done = act("complete", task, "--outcome", "delivered", "--charge", "1250.00 CNY", "-m", "delivered", ok=False)
        self.assertEqual(DONE, done.code, done)
        row = self.qiao("get", identity, "--json").json()
        self.assertEqual(("completed", {"amount": 125000, "currency": "CNY"}), (row["status"], row["charge"]))
        self.assertIn("1,250.00 CNY", self.qiao("get", identity).out)
        self.assertEqual(DONE, desk.stop(signal.SIGINT))

    def test_rejecting_releasing_and_failing(self):
        desk = self.desk("sales.distribution")
        for word, more in (("reject", ()), ("release", ()), ("fail", ())):
            identity = self.submit(SALES)
            desk.line(f'"request":"{identity}"')
            task = self.qiao("get", identity, "--json", context=self.lab).json()["task"]
            if word != "reject":
                self.qiao("desk", "accept", task, context=self.lab)
            if word == "fail":
                self.qiao("desk", "start", task, context=self.lab)
            self.assertEqual(DONE, self.qiao("desk", word, task, "-m", "no", *more, context=self.lab).code)
            self.qiao("cancel", identity, ok=False)
        self.assertEqual(STALE, self.qiao("desk", "accept", task[:-1] + ("Z" if task[-1] != "Z" else "Y"), context=self.lab, ok=False).code)
        desk.stop()

    def test_the_provider_may_refuse_to_stop_or_agree(self):
        desk = self.desk("sales.distribution")
        identity = self.submit(SALES)
        desk.line(f'"request":"{identity}"')
        task = self.qiao("get", identity, "--json", context=self.lab).json()["task"]
        self.qiao("desk", "accept", task, context=self.lab)
        self.qiao("desk", "start", task, context=self.lab)
        self.assertEqual("in-progress", self.qiao("cancel", identity, "--json").json()["status"])
        self.qiao("desk", "abort-refuse", task, "-m", "on the road", "--charge", "10.00 CNY", context=self.lab)
        self.assertEqual("in-progress", self.status(identity))
        self.qiao("cancel", identity)
        self.qiao("desk", "abort-agree", task, context=self.lab)
        self.assertEqual("cancelled", self.status(identity))
        desk.stop()

    def test_another_member_verifies(self):
        desk = self.desk("testing.release")
        identity = self.qiao("submit", "--service", "testing.release", "--set", "input.product=P", "--set", "input.batch=B", "--set", "input.sample=S",
                             "--json").json()["id"]
        desk.line(f'"request":"{identity}"')
        task = self.qiao("get", identity, "--json", context=self.lab).json()["task"]
        for word in ("accept", "start"):
            self.qiao("desk", word, task, context=self.lab)
        self.qiao("desk", "complete", task, "--outcome", "conforming", context=self.lab)
        self.assertEqual("in-progress", self.status(identity))
        refused = self.qiao("desk", "verify", task, context=self.lab, ok=False)
        self.assertEqual(FORBIDDEN, refused.code)
        self.assertIn("next: another member of your party", refused.err)
        mine = self.qiao("desk", "progress", task, "0.5", ok=False)          # the requester's own request is no task of its
        self.assertEqual(NOT_FOUND, mine.code)
        self.assertIn("your party does not perform that task", mine.err)
        self.qiao("desk", "verify", task, "-m", "checked", context=self.lab2)
        row = self.qiao("get", identity, "--json").json()
        self.assertEqual(("completed", "conforming"), (row["status"], row["outcome"]))
        desk.stop()


class Operator(Live):
    def operate(self, *words, **more):
        return self.qiao(*words, context=self.broker.operator, **more)

    def test_queues_workers_stats_and_top(self):
        worker = self.worker("--service", "biobank.*", "--exec", "exec sleep 1000", "--name", "freezer")
        self.submit("service: biobank.samples\ninput: {kind: plasma, purpose: test}\n")
        worker.line('"started"')
        queue = self.operate("queues", "biobank.samples", "--json").json()
        self.assertEqual((1, 1), (queue["running"], queue["providers"]))
        self.assertIn("freezer", self.operate("workers").out)
        self.assertEqual("lab", self.operate("workers", "--json").rows()[0]["party"])
        self.assertTrue(all("name" in row for row in self.operate("stats", "--json").rows()))
        top = self.operate("top", "--count", "2", "--every", "100ms").out
        self.assertEqual(2, top.count("running"))
        self.assertIn("biobank.samples", top)
        worker.process.send_signal(signal.SIGTERM)
        self.until(lambda: self.operate("workers", "biobank.*", "--json").rows()[0]["capacity"] == 0)
        worker.process.send_signal(signal.SIGTERM)
        worker.line('"released"')
        self.assertEqual(DONE, worker.process.wait(30))

    def test_what_prints_without_end_ends_when_nobody_reads(self):
        for words in (("top", "--every", "100ms"), ("top", "--json", "--every", "100ms"), ("watch", "--scope", "all", "--from", "0")):
            child = self.broker.child(program("qiao"), *words, context=self.broker.operator)
            child.line("")
            child.process.stdout.close()
            self.assertIsNotNone(child.process.wait(PATIENCE), words)
            self.assertEqual("", child.err(), words)

    def test_pause_resume_and_drain(self):
        self.operate("pause", "cro.screening", "-m", "x", ok=False)
        self.operate("pause", "compute.target", "-m", "service of the cluster")
        self.assertTrue(self.operate("queues", "compute.target", "--json").json()["paused"])
        self.operate("resume", "compute.target")
        self.assertFalse(self.operate("queues", "compute.target", "--json").json()["paused"])
        self.operate("drain", "compute.target")
        done = self.qiao("submit", "--service", "compute.target", "--set", "input.disease=x", "--set", "input.dataset=y", ok=False)
        self.assertEqual(RETRY_LATER, done.code, done)
        self.operate("resume", "compute.target")
        self.operate("drain", "--party", "lab")
        self.operate("resume", "--party", "lab")

    def test_parties_are_made_granted_and_revoked(self):
        self.operate("party", "add", "brief", "--title", "Brief Bio", "--role", "requester", "--service", "bench.*")
        context = self.broker.member("brief", "m1")
        self.operate("party", "grant", "brief", "--quota", "1", "--service", "compute.*", "--attribute", "site=[39.8, 116.5]")
        rows = self.operate("party", "list", "brief", "--json").rows()
        self.assertEqual("Brief Bio", rows[0]["title"])
        self.qiao("submit", "--service", "bench.echo", context=context)
        over = self.qiao("submit", "--service", "bench.echo", context=context, ok=False)
        self.assertEqual(RETRY_LATER, over.code, over)
        narrow = self.broker.party("narrow", ["performer"], ["bench.*"])
        done = self.qiao("worker", "run", "--service", "testing.device", "--exec", "true", context=narrow, ok=False)
        self.assertEqual(FORBIDDEN, done.code, done)
        self.operate("party", "revoke", "brief", "--member", "m1", "-m", "lost laptop")
        self.assertIn(self.qiao("list", context=context, ok=False, timeout=60).code, (69, FORBIDDEN))

    def test_a_member_can_be_added_with_a_key_made_elsewhere(self):
        key = self.operate("keygen", "-o", os.path.join(self.broker.home, "elsewhere.key")).out.strip()
        self.operate("party", "add", "acme", "--member", "robot", "--key", key)
        self.assertIn("robot", [row.get("member") for row in self.operate("party", "list", "acme", "--json").rows()])

    def test_an_invitation_works_once(self):
        path = os.path.join(self.broker.home, "once.invite")
        self.operate("party", "invite", "acme", "--member", "once", "-o", path)
        self.assertEqual(0o600, os.stat(path).st_mode & 0o777)
        self.operate("context", "import", path, "--name", "once")
        self.assertIn("once", self.operate("context", "list", "-q").out.split())
        again = self.operate("context", "import", path, "--name", "twice", "--timeout", "1s", ok=False)
        self.assertNotEqual(DONE, again.code)
        self.assertIn("qiao party invite", again.err)

    def test_the_catalogue_is_loaded_again(self):
        self.assertEqual(DONE, self.operate("catalogue", "reload").code)
        self.assertEqual(FORBIDDEN, self.qiao("catalogue", "reload", ok=False).code)

    def test_bench_measures_and_says_so_as_json(self):
        done = self.qiao("bench", "--worker-context", self.lab, "--count", "50", "--warmup", "0", "--window", "8", "--json")
        self.assertIsInstance(done.json(), dict)

    def test_watch_of_everything_shows_what_others_do(self):
        watch = self.broker.child(program("qiao"), "watch", "--json", "--from", "0", "--count", "1", context=self.broker.operator)
        self.submit(SCREENING)
        self.assertIn('"seq"', watch.line('"seq"'))
        self.assertEqual(DONE, watch.process.wait(30))


class Restart(unittest.TestCase):
    def test_waiting_and_working_go_on_over_a_crash_of_the_broker(self):
        """D1: what was acknowledged is finished; both sides find the broker again by themselves."""
        with Broker() as broker:
            acme, lab = broker.party("acme", roles=["requester"]), broker.party("lab", roles=["performer"])
            go = os.path.join(broker.home, "go")
            os.mkfifo(go)
            worker = broker.child(program("qiao"), "worker", "run", "--service", "sales.*", "--json", "--exec",
                                  f"""read go < {go}; echo '{{"delivered": 12, "outcome": "delivered"}}'""", context=lab)
            path = os.path.join(broker.home, "sales.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(SALES)
            waiting = broker.child(program("qiao"), "submit", path, "--wait", "--json", context=acme)
            worker.line('"started"')
            broker.crash()
            broker.start()
            with open(go, "w", encoding="utf-8") as file:
                file.write("on\n")
            row = json.loads(waiting.line('"status":"completed"'))
            self.assertEqual(("delivered", 12), (row["outcome"], row["output"]["delivered"]))
            self.assertEqual(DONE, waiting.process.wait(30))
            self.assertEqual(DONE, worker.stop())


    def test_a_wish_to_stop_reaches_a_busy_worker_over_a_crash_of_the_broker(self):
        """L5: an owned task comes again to a worker that has no capacity left, and the wish with it."""
        with Broker() as broker:
            acme, lab = broker.party("acme", roles=["requester"]), broker.party("lab", roles=["performer"])
            worker = broker.child(program("qiao"), "worker", "run", "--service", "sales.*", "--json", "--exec", "exec sleep 1000", context=lab)
            identity = broker.qiao("submit", "-", "--json", input=SALES, context=acme).json()["id"]
            worker.line('"started"')
            broker.crash()
            broker.start()
            broker.qiao("cancel", identity, context=acme)
            self.assertEqual(CANCELLED, broker.qiao("watch", identity, ok=False, context=acme).code)
            self.assertEqual(DONE, worker.stop())


class Examples(Live):
    def test_the_shipped_documents_are_read_and_typed(self):
        folder = os.path.join(HERE, "..", "..", "deploy", "examples")
        for name in sorted(os.listdir(folder)):
            if name.endswith(".yaml"):
                done = self.qiao("submit", os.path.join(folder, name), "--dry-run", "--json", ok=False)
                self.assertEqual(DONE, done.code, f"{name} {done}")


if __name__ == "__main__":
    tap.main()
