"""The requester's side: submit, wait, look, watch, cancel, reply."""
import itertools
import secrets
import time
from dataclasses import dataclass, field

from . import wire
from .connection import Connection, Uncertain
from .ids import id_number, id_text

TERMINAL = {"completed", "failed", "cancelled", "rejected", "entered-in-error"}
WATCH_CREDIT = 256


@dataclass
class Receipt:
    """The request is on the broker's disk."""
    id: int
    status: str
    seq: int
    duplicate: bool = False

    def __str__(self):
        return id_text(self.id)


@dataclass
class Event:
    """Something that happened to a request. `body` is a partial result or the output body."""
    id: int
    seq: int
    status: str
    event: str = ""
    outcome: str = ""
    reason: str = ""
    business_status: str = ""
    performer: str = ""
    progress: float = 0.0
    message: str = ""
    output: dict = field(default_factory=dict)
    body: bytes = b""
    header: dict = field(default_factory=dict, repr=False)

    @property
    def terminal(self):
        return self.status in TERMINAL

    @classmethod
    def of(cls, header, body):
        known = {name: header[name] for name in cls.__dataclass_fields__ if name in header}
        return cls(**{"id": 0, "seq": 0, "status": "", **known}, body=body, header=header)


class Requester(Connection):
    """A connection of a requester. One thread at a time."""

    def __init__(self, context, timeout=10.0):
        self.producer = secrets.randbits(63) | 1
        self.sequence = itertools.count(1)
        self.events = {}           # id -> events that were heard and not yet asked for
        super().__init__(context, timeout)

    def submit(self, service, input=None, body=b"", key=None, timeout=None, notify="outcome", **fields):
        """Ask for a service and wait until the broker has it on disk.

        `key` is your own: the same key and content give the same request, for 7 days. Without one the library numbers the submission
        itself, so that it is never doubled by a lost answer. More fields as in the protocol: priority, performer, require, complete_by, ...
        """
        own = {"key": key} if key else {"producer": self.producer, "pseq": next(self.sequence)}
        _, header, _ = self.call("submit", body, timeout, service=service, input=input or {}, notify=notify, **own, **fields)
        return Receipt(header["id"], header.get("status", ""), header.get("seq", 0), header.get("duplicate", False))

    def wait(self, id, timeout=60.0):
        """The event that ended a request (or put it on hold until somebody acts). Uncertain when it has not come in time."""
        id = id_number(id)
        deadline = time.monotonic() + timeout
        look_at = 0.0
        while True:
            for event in self._heard(id):
                if event.terminal or event.status == "on-hold":
                    return event
            if time.monotonic() >= look_at:            # events of another connection do not come here: look now and then
                row, body = self.get(id, output=True)
                if row["status"] in TERMINAL:
                    return Event.of(row, body)
                look_at = time.monotonic() + 2.0
            if not Connection.wait(self, min(deadline, look_at)) and time.monotonic() >= deadline:
                raise Uncertain(f"request {id_text(id)} is not finished yet")

    def _heard(self, id):
        while self.inbox:
            name, header, body = self.inbox.popleft()
            if name == "event":
                self.events.setdefault(header["id"], []).append(Event.of(header, body))
        return self.events.pop(id, [])

    def get(self, id, trail=False, output=False, input=False):
        """One request as (row, output body)."""
        _, header, body = self.call("get", id=id_number(id), trail=trail, output=output, input=input)
        return header["rows"][0], body

    def list(self, **fields):
        """Every row, page by page: scope, status, service, party, since, until, finished, limit (rows a page)."""
        return self._pages("list", fields)

    def services(self, service=None):
        return self._pages("services", {"service": service})

    def _pages(self, name, fields):
        after = None
        while True:
            _, header, _ = self.call(name, after=after, **fields)
            yield from header.get("rows", [])
            after = header.get("next")
            if not after:
                return

    def watch(self, seq=0, id=None, scope="requester", timeout=None):
        """Events above a sequence, for as long as nothing is silent for `timeout` seconds. Resume from the last event's seq."""
        number = next(self.numbers)
        left = self._watch(number, seq, id, scope, WATCH_CREDIT)
        self._send(self.pending[number])
        try:
            while self.inbox or Connection.wait(self, time.monotonic() + (timeout or 1e9)):
                name, header, body = self.inbox.popleft()
                if name != "event":
                    continue
                if header.get("re") != number:
                    self.events.setdefault(header["id"], []).append(Event.of(header, body))
                    continue
                left -= 1
                self._watch(number, header["seq"], id, scope, left)
                if left <= WATCH_CREDIT // 2:
                    self.post("credit", re=number, credit=WATCH_CREDIT - left)
                    left = WATCH_CREDIT
                yield Event.of(header, body)
            if number in self.answers:
                self.settle(number)        # a refusal: raised here
        finally:
            if self.pending.pop(number, None):
                self.post("watch", re=number, stop=True)

    def _watch(self, number, seq, id, scope, credit):
        """What a reconnect sends: the watch from where it is now. Watches are owed no answer, only events."""
        self.pending[number] = wire.encode("watch", {"n": number, "scope": scope, "seq": seq, "id": id_number(id) if id else None, "credit": credit})
        return credit

    def cancel(self, id, message=None):
        """At once while nobody works at it; otherwise the provider is asked, and an event tells its answer."""
        return self._receipt("cancel", id=id_number(id), message=message)

    def reply(self, id, message=None, input=None, body=b""):
        """The answer to what a performer asked."""
        return self._receipt("reply", body, id=id_number(id), message=message, input=input)

    def close_request(self, id, message=None):
        """End a request of yours that nobody works at."""
        return self._receipt("close", id=id_number(id), message=message)

    def explain(self, id):
        """Why it is where it is: the page's header, with candidates as rows."""
        return self.call("explain", id=id_number(id))[1]

    def _receipt(self, name, body=b"", **fields):
        _, header, _ = self.call(name, body, **fields)
        return Receipt(header.get("id", 0), header.get("status", ""), header.get("seq", 0), header.get("duplicate", False))

