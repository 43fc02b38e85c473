"""What histories tell, read into memory: acts with their answers, what was heard unasked, and what the final audit brought.

Nothing here judges. Times are µs of the shared clock; `where` is the client's name.
"""
import bisect
import os

from history import LOG, folder_paths, read, records

ANSWERS = ("receipt", "page", "refusal")
TERMINAL = ("completed", "failed", "cancelled")


class Act:
    """A numbered record that a client said, and its answer, if one came."""
    __slots__ = ("client", "t", "name", "header", "body", "connection", "answer", "answered_at", "answer_body", "answers")

    def __init__(self, client, t, header, body, connection):
        self.client, self.t, self.name, self.header, self.body, self.connection = client, t, header["t"], header, body, connection
        self.answer, self.answered_at, self.answer_body, self.answers = None, 0, b"", 0

    def __str__(self):
        return f"{self.client.name} n={self.header['n']} {self.name}"


class Watch:
    __slots__ = ("client", "number", "scope", "start", "seqs", "id")

    def __init__(self, client, header):
        self.client, self.number, self.scope = client, header["n"], header.get("scope", "requester")
        self.start, self.id, self.seqs = header.get("seq", 0), header.get("id", 0), []


class Client:
    """Everything of one history."""

    def __init__(self, path):
        head, entries = read(path)
        self.name, self.party, self.member, self.kind, self.key = (head.get(word, "") for word in ("client", "party", "member", "kind", "key"))
        self.acts, self.events, self.tasks, self.watches, self.welcomes, self.notes, self.unknown = [], [], [], {}, [], [], []
        self.hellos, self.pings = [], set()      # times; numbers
        self.final = {}                # "list" -> [n], "watch" -> n, "get" -> [n]
        self.connection = 0
        open_acts = {}
        for t, kind, value in entries:
            if kind == "said":
                for header, body in records(value):
                    self.say(t, header, body, open_acts)
            elif kind == "heard":
                for header, body in records(value):
                    self.hear(t, header, body, open_acts)
            elif kind == "connect":
                self.connection = value
            elif kind == "note":
                self.note(t, value)

    def say(self, t, header, body, open_acts):
        if header["t"] == "watch" and not header.get("stop"):
            self.watches[header["n"]] = Watch(self, header)
        elif header["t"] == "hello":
            self.hellos.append(t)
        elif header["t"] == "ping":
            self.pings.add(header.get("n", 0))
        elif "n" in header:
            open_acts[header["n"]] = act = Act(self, t, header, body, self.connection)
            self.acts.append(act)

    def hear(self, t, header, body, open_acts):
        name, re = header["t"], header.get("re", 0)
        if name in ANSWERS and re in open_acts:
            act = open_acts[re]
            act.answers += 1
            act.answer, act.answered_at, act.answer_body = header, t, body
        elif name == "event":
            self.events.append((t, header, body))
            if re in self.watches:
                self.watches[re].seqs.append(header["seq"])
        elif name == "task":
            self.tasks.append((t, header, body))
        elif name == "welcome":
            self.welcomes.append((t, header))
        elif name in ANSWERS and re not in (0, 1) and re not in self.watches and re not in self.pings:
            self.unknown.append(header)

    def note(self, t, value):
        self.notes.append((t, value))
        word = value.get("final")
        if word == "list":
            if value["first"]:
                self.final["list"] = []
            self.final["list"].append(value["n"])
        elif word == "get":
            self.final.setdefault("get", []).append(value["n"])
        elif word:
            self.final[word] = value["n"]


def log_lines(folder):
    """What the broker logged; nothing, when nobody kept it."""
    path = os.path.join(folder, LOG)
    if not os.path.exists(path):
        return []
    with open(path, "rb") as file:
        return file.read().splitlines()


class Told:
    """All histories of a run."""

    def __init__(self, folder=None, clients=None):
        paths = folder_paths(folder) if folder else []
        self.clients = clients if clients is not None else [Client(path) for path in paths if os.path.getsize(path)]
        self.actors = [client for client in self.clients if client.kind not in ("faults", "stage")]
        self.secrets = {}              # name -> bytes that nobody may find in a log: the needle of the run, and secret keys as Z85
        for client in self.clients:
            for _, note in client.notes:
                self.secrets.update(note.get("secrets", {}))
        self.log = log_lines(folder) if folder else []
        self.index()

    def index(self):
        self.acts = [act for client in self.clients for act in client.acts]
        self.by_n = {(act.client.name, act.header["n"]): act for act in self.acts}
        overseer = next((client for client in self.clients if client.kind == "overseer"), None)
        self.overseer = overseer
        self.stream = []               # the journal as an operator is told it at the end: (header, body)
        if overseer is not None and "watch" in overseer.final:
            number = overseer.final["watch"]
            self.stream = [(header, body) for _, header, body in overseer.events if header.get("re") == number]
        self.at = {header["seq"]: (header, body) for header, body in self.stream}
        self.of = {}                   # id -> its events, in order
        for header, _ in self.stream:
            self.of.setdefault(header["id"], []).append(header)
        self.assigned = {}             # id -> sequences of its assignments
        for id, events in self.of.items():
            self.assigned[id] = [event["seq"] for event in events if event["event"] == "assigned"]
        self.limits = {row["service"]: row for act in self.acts if act.name == "services" and act.answer and act.answer["t"] == "page"
                       for row in act.answer.get("rows", ()) if "attempts" in row}

    def assignment(self, id, seq):
        """Sequence of the assignment that was in force at that sequence; 0: none."""
        seqs = self.assigned.get(id, ())
        at = bisect.bisect_right(seqs, seq)
        return seqs[at - 1] if at else 0

    def final_rows(self, client):
        """Rows of a client's final list, and of an operator's final gets: id -> [row]."""
        rows = []
        for n in client.final.get("list", ()):
            answer = self.by_n[client.name, n].answer
            rows += answer.get("rows", ()) if answer and answer["t"] == "page" else ()
        return rows

    def final_gets(self):
        for n in self.overseer.final.get("get", ()) if self.overseer else ():
            act = self.by_n[self.overseer.name, n]
            yield act

    def request_rows(self):
        """Every row of a request that anybody was shown: (act, row)."""
        for act in self.acts:
            answer = act.answer
            if answer and answer["t"] == "page" and answer.get("kind") in ("request", "task"):
                for row in answer.get("rows", ()):
                    yield act, row


def without(header, *words):
    return {key: value for key, value in header.items() if key not in words}


def task_request(task):
    return task & ~63
