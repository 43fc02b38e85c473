"""The judge finds what it is there to find: a small clean history, and one planted anomaly for each rule.

The clean story is written as recorders write, by a few lines that play a broker; each test bends one thing in it and names the rule that must object.
"""
import contextlib
import copy
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile
import unittest

import msgpack
import zmq.utils.z85

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import judge  # noqa: E402
import tap  # noqa: E402
from history import ENDING, LOG  # noqa: E402
from told import Told  # noqa: E402

CAST = {"acme-1": ("acme", "requester"), "acme-2": ("acme", "requester"), "helix-1": ("helix", "requester"), "biolab-1": ("biolab", "performer"),
        "assayer-1": ("assayer", "performer"), "guest-1": ("acme", "requester"), "park-1": ("park", "overseer"), "stage": ("park", "stage")}
A, B, ABSENT = 64 << 20, (64 << 20) + 64, (64 << 20) + 6400     # ids of two requests, and of none
INPUT = {"batch": "k1"}
NEEDLE, SECRET_KEY = b"needle0123456789abcdef", zmq.utils.z85.encode(bytes(range(64, 96)))


class Story:
    """Entries [t, kind, header or note, body] of each client, and the journal as the operator will be told it."""

    def __init__(self):
        self.t = 1000
        self.n = 1
        self.entries = {name: [] for name in CAST}
        self.journal = []
        self.bodies = {}
        self.log = [b"time=2026-03-01T08:00:00.000Z level=info event=ready endpoint=tcp://127.0.0.1:1 pid=1"]
        self.add("stage", "note", {"secrets": {"needle": NEEDLE, "a secret key": SECRET_KEY}})
        self.play()
        self.audit()

    def add(self, name, kind, header, body=b""):
        self.t += 10
        self.entries[name].append([self.t, kind, header, body])
        return header

    def ask(self, name, what, answer, body=b"", **fields):
        """A record and its answer; answer None: none came."""
        self.n += 1
        said = self.add(name, "said", {"t": what, "n": self.n, **fields}, body)
        if answer is not None:
            self.add(name, "heard", {**answer, "re": said["n"]})
        return said

    def event(self, id, seq, event, status, was=None, body=b"", **fields):
        header = {"t": "event", "id": id, "seq": seq, "event": event, "status": status, "service": "check.leased",
                  "requester": "acme" if id == A else "helix", **fields}
        if was:
            header["was"] = was
        self.journal.append(header)
        self.bodies[seq] = body
        return header

    def task(self, name, id, fence, seq):
        submitted = {A: b"acme", B: b"helix"}[id]
        self.add(name, "heard", {"t": "task", "task": id + 1, "fence": fence, "status": "in-progress", "input": INPUT, "seq": seq}, submitted)

    def play(self):
        for name in CAST:
            self.add(name, "heard", {"t": "welcome", "re": 1, "epoch": 1})
        self.ask("stage", "services", {"t": "page", "kind": "service", "rows": [{"service": "check.leased", "attempts": 2}]})
        submit = {"service": "check.leased", "key": "k1", "input": INPUT}
        self.event(A, 1, "accepted", "ready")
        self.ask("acme-1", "submit", receipt(A, 1, "ready"), b"acme", **submit)
        self.ask("acme-2", "submit", receipt(A, 1, "ready", duplicate=True), b"acme", **submit)
        self.ask("acme-2", "submit", {"t": "refusal", "code": "conflict", "id": A}, b"other", **submit)
        self.event(B, 2, "accepted", "ready")
        self.ask("helix-1", "submit", receipt(B, 2, "ready"), b"helix", **submit)
        self.event(A, 3, "assigned", "in-progress", "ready", performer="biolab", attempt=1)
        self.task("biolab-1", A, 1000, 3)
        for id in (A, ABSENT):
            self.ask("assayer-1", "complete", not_found("task"), task=id + 1, fence=1000, outcome="stolen")
        self.event(A, 4, "lapsed", "ready", "in-progress", performer="biolab", attempt=1)
        self.event(A, 5, "assigned", "in-progress", "ready", performer="assayer", attempt=2)
        self.task("assayer-1", A, 1001, 5)
        self.ask("biolab-1", "complete", {"t": "refusal", "code": "stale", "path": "fence"}, b"late", task=A + 1, fence=1000, outcome="late")
        self.event(A, 6, "completed", "completed", "in-progress", b"done", performer="assayer", attempt=2, outcome="fine")
        for again in (False, True):
            self.ask("assayer-1", "complete", receipt(A, 6, "completed", task=A + 1, duplicate=again), b"done", task=A + 1, fence=1001, outcome="fine")
        for id in (A, ABSENT):
            self.ask("helix-1", "get", not_found("id"), id=id)
        self.ask("acme-1", "get", page([self.row(A)]), id=A)
        self.event(B, 7, "assigned", "in-progress", "ready", performer="biolab", attempt=1)
        self.task("biolab-1", B, 1002, 7)
        self.event(B, 8, "abort_asked", "in-progress", "in-progress", performer="biolab", attempt=1)
        self.ask("helix-1", "cancel", receipt(B, 8, "in-progress"), id=B)
        self.event(B, 9, "cancelled", "cancelled", "in-progress", performer="biolab", attempt=1, reason="abort-agreed")
        self.ask("biolab-1", "accept", receipt(B, 9, "cancelled", task=B + 1), task=B + 1, fence=1002, code="abort")
        self.ask("guest-1", "get", page([self.row(A)]), id=A)
        self.ask("park-1", "party", {"t": "receipt", "seq": 10}, action="revoke", party="acme", member="guest-1", key=b"guest-1")
        self.ask("guest-1", "get", {"t": "refusal", "code": "forbidden", "path": "key"}, id=A)

    def row(self, id):
        events = [event for event in self.journal if event["id"] == id]
        last = events[-1]
        row = {word: last[word] for word in ("id", "seq", "status", "service", "requester", "performer", "outcome", "reason") if word in last}
        return {**row, "input": INPUT}

    def audit(self):
        for name, scope in (("acme-1", "requester"), ("helix-1", "requester"), ("biolab-1", "performer"), ("park-1", "all")):
            party = CAST[name][0]
            sees = [event for event in self.journal if scope == "all" or event.get(scope) == party]
            ids = sorted({event["id"] for event in sees})
            said = self.ask(name, "list", page([self.row(id) for id in ids]), scope=scope, finished=True)
            self.add(name, "note", {"final": "list", "n": said["n"], "first": True})
            self.n += 1
            self.add(name, "note", {"final": "watch", "n": self.n})
            self.add(name, "said", {"t": "watch", "n": self.n, "scope": scope, "seq": 0})
            for event in sees:
                self.add(name, "heard", {**copy.deepcopy(event), "re": self.n}, self.bodies[event["seq"]])
        for id in (A, B):
            trail = [{"seq": event["seq"]} for event in self.journal if event["id"] == id]
            said = self.ask("park-1", "get", page([{**self.row(id), "trail": trail}]), id=id)
            self.entries["park-1"][-1][3] = b"done" if id == A else b""
            self.add("park-1", "note", {"final": "get", "n": said["n"]})

    # ------------------------------------------------------------ bending it

    def pick(self, name, kind, **fields):
        """Entries of a client whose header has these fields, in order."""
        found = [entry for entry in self.entries[name] if entry[1] == kind and fields.items() <= entry[2].items()]
        assert found, f"the story has no {name} {kind} {fields}"
        return found

    def answer(self, said):
        return next(entry[2] for entries in self.entries.values() for entry in entries if entry[1] == "heard" and entry[2].get("re") == said["n"])

    def everywhere(self, seq):
        """All event records of a sequence, in whatever client."""
        heard = [entry[2] for entries in self.entries.values() for entry in entries if entry[1] == "heard"]
        return [header for header in heard if header["t"] == "event" and header["seq"] == seq]

    def drop_event(self, seq):
        for entries in self.entries.values():
            entries[:] = [entry for entry in entries if not (entry[1] == "heard" and entry[2]["t"] == "event" and entry[2]["seq"] == seq)]

    def insert_event(self, after, **fields):
        """One more event behind another, for everybody who was told that one."""
        for entries in self.entries.values():
            at = next((i for i, entry in enumerate(entries) if entry[1] == "heard" and entry[2]["t"] == "event" and entry[2]["seq"] == after), None)
            if at is not None:
                entries.insert(at + 1, [entries[at][0], "heard", {**entries[at][2], **fields}, b""])

    def write(self, folder):
        pack = msgpack.Packer().pack
        with open(os.path.join(folder, LOG), "wb") as file:
            file.writelines(line + b"\n" for line in self.log)
        for name, (party, kind) in CAST.items():
            with open(os.path.join(folder, name + ENDING), "wb") as file:
                file.write(pack({"client": name, "party": party, "member": name, "kind": kind, "key": name.encode()}))
                for t, what, header, body in self.entries[name]:
                    file.write(pack([t, what, header if what == "note" else pack(header) + pack(body)]))

    def verdict(self):
        """Names of the rules that are broken."""
        with tempfile.TemporaryDirectory() as folder:
            self.write(folder)
            return {rule.__name__ for rule, _ in judge.judge(Told(folder))}


def receipt(id, seq, status, **fields):
    return {"t": "receipt", "id": id, "seq": seq, "status": status, **fields}


def page(rows):
    return {"t": "page", "kind": "request", "rows": copy.deepcopy(rows)}


def not_found(path):
    return {"t": "refusal", "code": "not-found", "path": path}


# Each bends a clean story; its name is the rule that must object.

def acknowledged(story):
    story.answer(story.pick("helix-1", "said", t="cancel")[0][2])["seq"] = 99


def receipt_status(story):
    story.answer(story.pick("helix-1", "said", t="cancel")[0][2])["status"] = "cancelled"


def own_event(story):
    story.pick("acme-2", "heard", t="receipt")[0][2]["duplicate"] = False


def heard_is_kept(story):
    event = {**story.everywhere(6)[0], "outcome": "other"}
    event.pop("re")
    story.add("acme-2", "heard", event, b"done")


def rows_agree(story):
    story.pick("acme-1", "heard", t="page")[0][2]["rows"][0]["status"] = "failed"


def reads_are_fresh(story):
    row = story.pick("acme-1", "heard", t="page")[0][2]["rows"][0]
    row.update(seq=5, status="in-progress", performer="assayer")


def terminal_is_final(story):
    story.insert_event(9, seq=10, event="completed", status="completed", was="cancelled", outcome="fine")


def steps_are_allowed(story):
    for event in story.everywhere(3):
        event["status"] = "accepted"
    for event in story.everywhere(4):
        event["was"] = "accepted"


def conserved(story):
    rows = story.answer(story.pick("park-1", "said", t="list")[0][2])["rows"]
    rows.append(copy.deepcopy(rows[0]))


def nobody_else_submitted(story):
    for entry in story.pick("helix-1", "said", t="submit"):
        entry[2]["input"] = {"batch": "never"}


def final_get_agrees(story):
    story.answer(story.pick("park-1", "said", t="get")[1][2])["rows"][0]["trail"].pop()


def all_ends(story):
    story.drop_event(9)


def stream_rises(story):
    entries = story.entries["park-1"]
    places = [i for i, entry in enumerate(entries) if entry[1] == "heard" and entry[2]["t"] == "event"]
    entries[places[1]], entries[places[2]] = entries[places[2]], entries[places[1]]


def watches_have_no_gaps(story):
    entries = story.entries["acme-1"]
    entries.remove(next(entry for entry in entries if entry[1] == "heard" and entry[2].get("seq") == 4))


def one_answer_of_its_kind(story):
    said = story.pick("helix-1", "said", t="cancel")[0][2]
    story.add("helix-1", "heard", {"t": "refusal", "code": "conflict", "re": said["n"]})


def same_key_same_id(story):
    story.pick("acme-2", "heard", t="receipt")[0][2].update(id=B, seq=2)


def one_accepted_per_key(story):
    story.ask("acme-2", "submit", receipt(A, 3, "in-progress"), b"acme", service="check.leased", key="k1", input=INPUT)


def other_content_conflicts(story):
    said = story.pick("acme-2", "said", t="submit")[1][2]
    answer = story.answer(said)
    answer.clear()
    answer.update(receipt(A, 1, "ready", duplicate=True), re=said["n"])


def conflict_without_other_content(story):
    story.pick("acme-2", "said", t="submit")[1][3] = b"acme"


def keys_do_not_meet(story):
    story.answer(story.pick("helix-1", "said", t="submit")[0][2]).update(id=A, seq=1)


def same_result_same_receipt(story):
    story.answer(story.pick("assayer-1", "said", t="complete", outcome="fine")[1][2]).update(duplicate=False, seq=5)


def one_live_assignment(story):
    story.drop_event(4)


def task_of_another_party(story):
    story.task("biolab-1", A, 1001, 5)


def fences_rise(story):
    for name in ("biolab-1", "assayer-1"):
        for entry in story.entries[name]:
            if entry[2].get("fence") == 1001:
                entry[2]["fence"] = 999


def stale_is_refused(story):
    said = story.pick("biolab-1", "said", t="complete", outcome="late")[0][2]
    answer = story.answer(said)
    answer.clear()
    answer.update(receipt(A, 6, "completed", duplicate=True, task=A + 1), re=said["n"])


def heard_higher_is_refused(story):
    story.task("biolab-1", B, 1003, 7)
    story.ask("biolab-1", "progress", receipt(B, 8, "in-progress"), task=B + 1, fence=1002)


def result_from_the_assigned(story):
    for event in story.everywhere(6):
        event["outcome"] = "late"


def work_is_what_was_submitted(story):
    story.pick("assayer-1", "heard", t="task")[0][3] = b"helix"


def attempts_are_limited(story):
    for event in story.everywhere(6):
        event["attempt"] = 3


def foreign_is_absent(story):
    story.answer(story.pick("helix-1", "said", t="get", id=A)[0][2])["message"] = "not yours"


def foreign_is_shown(story):
    said = story.pick("helix-1", "said", t="get", id=A)[0][2]
    answer = story.answer(said)
    answer.clear()
    answer.update(page([story.row(A)]), re=said["n"])


def unverified_is_hidden(story):
    story.answer(story.pick("helix-1", "said", t="list")[0][2])["rows"][0]["outcome"] = "draft"


def revoked_is_refused(story):
    said = story.pick("guest-1", "said", t="get")[1][2]
    answer = story.answer(said)
    answer.clear()
    answer.update(page([story.row(A)]), re=said["n"])


def revoked_is_welcomed(story):
    story.add("guest-1", "said", {"t": "hello", "n": 1, "version": 1})
    story.add("guest-1", "heard", {"t": "welcome", "re": 1, "epoch": 1})


def epochs_rise(story):
    story.add("acme-1", "heard", {"t": "welcome", "re": 1, "epoch": 3})
    story.add("helix-1", "heard", {"t": "welcome", "re": 1, "epoch": 2})


def log_is_silent(story):
    story.log.append(b"time=2026-03-01T08:00:00.000Z level=debug event=record body=\"" + NEEDLE + b"/acme\"")


def cut_body_in_the_log(story):
    story.log.append(b"level=debug event=record text=\"" + b"x" * 900 + NEEDLE[:12])


def body_in_hex_in_the_log(story):
    story.log.append(b"level=debug event=record bytes=" + b"/".join([b"acme", NEEDLE]).hex().encode())


def secret_key_in_the_log(story):
    story.log.append(b"level=error event=key secret=" + SECRET_KEY)


def raw_secret_key_in_the_log(story):
    story.log.append(b"level=error event=key secret=" + zmq.utils.z85.decode(SECRET_KEY))


def refusals_are_silent(story):
    story.answer(story.pick("helix-1", "said", t="get", id=ABSENT)[0][2])["message"] = f"input.batch: at most 64, got {NEEDLE.decode()}"


PLANTS = {act: act.__name__ for act in (
    acknowledged, receipt_status, own_event, heard_is_kept, rows_agree, reads_are_fresh, terminal_is_final, steps_are_allowed, conserved,
    nobody_else_submitted, final_get_agrees, all_ends, stream_rises, watches_have_no_gaps, one_answer_of_its_kind, same_key_same_id, one_accepted_per_key,
    other_content_conflicts, keys_do_not_meet, same_result_same_receipt, one_live_assignment, fences_rise, stale_is_refused, heard_higher_is_refused,
    result_from_the_assigned, work_is_what_was_submitted, attempts_are_limited, foreign_is_absent, unverified_is_hidden, revoked_is_refused, epochs_rise,
    log_is_silent, refusals_are_silent)}
PLANTS.update({conflict_without_other_content: "other_content_conflicts", task_of_another_party: "one_live_assignment", foreign_is_shown: "foreign_is_absent",
               revoked_is_welcomed: "revoked_is_refused", cut_body_in_the_log: "log_is_silent", body_in_hex_in_the_log: "log_is_silent",
               secret_key_in_the_log: "log_is_silent", raw_secret_key_in_the_log: "log_is_silent"})


class Judge(unittest.TestCase):
    def test_clean_history_has_no_anomaly(self):
        self.assertEqual(set(), Story().verdict())

    def test_every_rule_has_a_plant(self):
        self.assertEqual({rule.__name__ for rule in judge.RULES}, set(PLANTS.values()))

    def test_every_rule_says_what_it_guards(self):
        for rule in judge.RULES:
            self.assertRegex(rule.__doc__ or "", r"^((D|L|N|A|C)\d|Section \d)", rule.__name__)

    def test_report_names_the_broken_rule(self):
        story = Story()
        acknowledged(story)
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as out:
            story.write(folder)
            self.assertGreater(judge.report(Told(folder), out), 0)
        self.assertIn("ANOMALY acknowledged", out.getvalue())


class Campaign(unittest.TestCase):
    def test_a_row_stands_in_the_table_of_its_own_section(self):
        loader = importlib.machinery.SourceFileLoader("campaign", os.path.join(HERE, "campaign"))
        campaign = importlib.util.module_from_spec(importlib.util.spec_from_loader("campaign", loader))
        loader.exec_module(campaign)
        head = campaign.HEAD + "| 1 | a | | 1..4 |\n\nA note.\n\n"
        others = "### Another table\n\n| date |\n| --- |\n| 2 |\n\n## And another\n\n| date |\n"
        with tempfile.TemporaryDirectory() as folder:
            campaign.PAGE = os.path.join(folder, "campaigns.md")
            with open(campaign.PAGE, "w", encoding="utf-8") as page:
                page.write("# Campaigns\n\n" + head + others)
            self.assertEqual(5, campaign.seed_after_last_row())
            campaign.row_add("| 3 | b | | 5..6 |")
            with open(campaign.PAGE, encoding="utf-8") as page:
                self.assertEqual("# Campaigns\n\n" + head.replace("1..4 |\n", "1..4 |\n| 3 | b | | 5..6 |\n") + others, page.read())


def planted(act, rule):
    def test(self):
        story = Story()
        act(story)
        self.assertIn(rule, story.verdict())
    return test


for plant, broken in PLANTS.items():
    setattr(Judge, f"test_planted_{plant.__name__}_is_found", planted(plant, broken))

if __name__ == "__main__":
    tap.main()
