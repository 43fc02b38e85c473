"""The performer's side: offer services, perform tasks in threads, keep their leases, answer aborts."""
import logging
import os
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field


from .connection import Connection, Refusal
from .requester import TERMINAL

log = logging.getLogger("qiao.worker")


@dataclass
class Result:
    """How it came out. A bad batch is a result, not a failure."""
    output: dict = field(default_factory=dict)
    outcome: str = "completed"
    body: bytes = b""
    charge: int = None            # minor units
    currency: str = None
    business_status: str = None


class Failure(Exception):
    """It could not be done. `retryable` lets the broker try again elsewhere."""

    def __init__(self, message, retryable=False, reason=None):
        super().__init__(message)
        self.retryable = retryable
        self.reason = reason


class Question(Exception):
    """Ask the requester back; the task comes again, with `task.reply` true, when it has replied."""

    def __init__(self, message, fields=()):
        super().__init__(message)
        self.fields = list(fields)


class Task:
    """One piece of work. Fields of the protocol's `task` record are attributes; `input` is a dict, `body` bytes."""

    def __init__(self, header, body, tell):
        self.header = header
        self.body = body
        self.input = header.get("input", {})
        self.aborted = threading.Event()       # the requester wants it stopped; look at it in long work
        self.withdrawn = threading.Event()     # it is no longer ours: nothing that we send about it counts; its place is free when the function returns
        self._tell = tell

    def __getattr__(self, name):
        try:
            return self.__dict__["header"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def held(self):
        return {"task": self.header["task"], "fence": self.header["fence"]}

    def progress(self, part, message=None, **fields):
        """Report how far it is (0..1). Also keeps the lease."""
        self._tell(self, "progress", b"", {**self.held, "progress": part, "message": message, **fields})


def _is_leased(header):
    return header.get("tenure") == "leased" or bool(header.get("lease"))


class Worker(Connection):
    """Offers services and performs what comes, until `stop` is called or the process is told to end."""

    def __init__(self, context, name=None, timeout=10.0):
        self.name = name or f"{os.uname().nodename}-{os.getpid()}"
        self.offers = {}           # service -> fields of the offer
        self.functions = {}
        self.tasks = {}            # task -> Task
        self.working = set()       # Tasks whose function has not ended yet, also those that are no longer ours
        self.known = {}            # task -> (fence, offer): what this connection was told and we have not settled
        self.credit = {}           # offer -> credit that the broker has
        self.told = queue.SimpleQueue()
        self.unsettled = {}        # n -> (task, record name, whether it ends the work)
        self.running = True
        self.wake_r, self.wake_w = os.pipe()
        self.wake = [self.wake_r, self.wake_w]
        os.set_blocking(self.wake_r, False)
        super().__init__(context, timeout)

    def close(self):
        super().close()
        while self.wake:
            os.close(self.wake.pop())

    def performs(self, service, capacity=1, **offer):
        """Decorator: this function performs a service (exact name, or prefix.*). It takes a Task and returns a Result."""
        def take(function):
            self.functions[service] = function
            self.credit[service] = 0
            self.offers[service] = {"service": service, "capacity": capacity, "worker": self.name, **offer}
            return function
        return take

    def stop(self):
        """End `run` after the tasks in hand. From any thread or a signal handler."""
        self.running = False
        os.write(self.wake_w, b"s")

    # ------------------------------------------------------------ credit

    # One sum per offer: tasks known or in work + credit that the broker has = capacity. A function that was told that its task is
    # withdrawn still has its thread, so its place is free when it returns.

    def on_reconnect(self):
        """The broker has none of our credit any more. Owned tasks come again, each for one credit; leased ones in hand do not, or for
        nothing, with a reply that was missed."""
        in_hand = [task.header for task in self.working] + [header for name, header, _ in self.inbox if name == "task"]
        leased = {header["task"]: self._offered(header["service"]) for header in in_hand if _is_leased(header)}
        self.known = {task: told for task, told in self.known.items() if task in leased}
        for name, offer in self.offers.items():
            self.credit[name] = max(0, offer["capacity"] - list(leased.values()).count(name))
            self.post("offer", n=0, **offer, credit=self.credit[name])

    def _offer(self):
        for name, offer in self.offers.items():
            self.credit[name] = 0
            self.credit[name] = self._credit_free(name)
            self.call("offer", **offer, credit=self.credit[name])

    def _credit_free(self, name):
        held = {task for task, (_, offer) in self.known.items() if offer == name}
        held.update(task.header["task"] for task in self.working if self._offered(task.service) == name)
        return self.offers[name]["capacity"] - len(held) - self.credit[name]

    def _give_credit(self):
        for name in self.offers:
            free = self._credit_free(name)
            if free > 0:
                self.credit[name] += free
                self.post("credit", service=name, credit=free)

    def _receive(self, name, header, body):
        """Each task takes one credit when this connection hears of it first; a reply and a lifted hold come for nothing."""
        super()._receive(name, header, body)
        if name == "task":
            offer = self._offered(header["service"])
            if self.known.get(header["task"]) != (header["fence"], offer):
                self.known[header["task"]] = (header["fence"], offer)
                self.credit[offer] = max(0, self.credit[offer] - (not header.get("reply")))
        elif name == "withdraw":
            self._forget(header)

    def _forget(self, held):
        """Settled, or no longer ours."""
        if self.known.get(held["task"], (None,))[0] == held["fence"]:
            del self.known[held["task"]]

    # ------------------------------------------------------------ the loop

    def run(self, count=None):
        """Perform tasks; `count` ends it after so many. Returns how many were completed, failed or asked about."""
        done = 0
        self._offer()
        threads = sum(offer["capacity"] for offer in self.offers.values())
        renew_at = float("inf")
        with ThreadPoolExecutor(threads) as pool:
            while (self.running and (count is None or done < count)) or self.tasks or self.unsettled:
                renew_at = min(renew_at, time.monotonic() + self._renew_every())
                self.wait(min(renew_at, time.monotonic() + 1.0), self.wake_r)
                while self.inbox:
                    self._take(pool, *self.inbox.popleft())
                done += self._send_told()
                self._settle_answers()
                self._give_credit()
                if time.monotonic() >= renew_at:
                    self._renew()
                    renew_at = float("inf")
        return done

    def _take(self, pool, name, header, body):
        task = self.tasks.get(header.get("task"))
        if name == "task":
            if task is not None and task.fence == header["fence"] and not header.get("reply"):
                return             # sent again after a reconnect or a hold; we are at it
            if header.get("status") == "on-hold":
                return             # sent again when that is lifted
            if self._ends(header):
                return             # came again while its result was under way
            task = self.tasks[header["task"]] = Task(header, body, self._tell)
            if header.get("status") == "requested":
                self._begin(task, "accept", task.held)
            if header.get("status") in ("requested", "accepted"):
                self._begin(task, "start", task.held)
            self.working.add(task)
            pool.submit(self._perform, task)
        elif name == "abort" and task is not None:
            task.aborted.set()
        elif name == "withdraw" and task is not None and task.fence == header["fence"]:
            task.withdrawn.set()
            del self.tasks[header["task"]]

    def _ends(self, held):
        """What ends the work at it is under way, or its receipt is not looked at yet. After a question the task comes again."""
        return any(last and task.held == {"task": held["task"], "fence": held["fence"]} and
                   (number in self.pending or (name != "ask" and self.answers[number][0] == "receipt"))
                   for number, (task, name, last) in self.unsettled.items())

    def _function(self, service):
        while service not in self.functions:
            head = service.removesuffix(".*").rpartition(".")[0]
            if not head:
                return None
            service = head + ".*"
        return self.functions[service]

    def _perform(self, task):
        """In a thread of the pool: the user's function, its result turned into a record."""
        try:
            result = self._function(task.service)(task) or Result()
            if task.aborted.is_set() and isinstance(result, Result) and result.outcome == "aborted":
                self._tell(task, "accept", b"", {**task.held, "code": "abort", "charge": result.charge, "currency": result.currency}, True)
                return
            self._tell(task, "complete", result.body, {**task.held, "outcome": result.outcome, "output": result.output, "charge": result.charge,
                                                       "currency": result.currency, "business_status": result.business_status}, True)
        except Question as question:
            self._tell(task, "ask", b"", {**task.held, "message": str(question), "fields": question.fields}, True)
        except Failure as failure:
            self._tell(task, "fail", b"", {**task.held, "message": str(failure), "retryable": failure.retryable, "reason": failure.reason}, True)
        except Exception as error:  # the user's function broke: another attempt may find a better world
            self._tell(task, "fail", b"", {**task.held, "message": f"{type(error).__name__}: {error}"[:1000], "retryable": True}, True)

    def _tell(self, task, name, body, fields, last=False):
        """From any thread: hand a record to the loop."""
        self.told.put((task, name, body, fields, last))
        os.write(self.wake_w, b"t")

    def _send_told(self):
        """Send what the threads told; how many tasks came to their end in this."""
        ended = 0
        self._hush()
        while True:
            try:
                task, name, body, fields, last = self.told.get_nowait()
            except queue.Empty:
                break
            if last:
                self.working.discard(task)
            if task.withdrawn.is_set():
                continue
            self._begin(task, name, fields, body, last)
            if last:
                ended += 1
                if self.tasks.get(task.header["task"]) is task:
                    del self.tasks[task.header["task"]]
                if name != "ask":
                    self._forget(task.held)
        return ended

    def _hush(self):
        try:
            os.read(self.wake_r, 4096)
        except BlockingIOError:
            pass

    def _offered(self, service):
        return service if service in self.offers else next(name for name in self.offers if name[-1] == "*" and service.startswith(name[:-1]))

    def _begin(self, task, name, fields, body=b"", last=False):
        self.unsettled[self.begin(name, body, **fields)] = (task, name, last)

    def _settle_answers(self):
        for number in [number for number in self.unsettled if number in self.answers]:
            task, name, last = self.unsettled.pop(number)
            if last and name != "ask":
                self._forget(task.held)        # also when it came again while this was under way
            try:
                self.settle(number, 0.001)
            except Refusal as refusal:
                if refusal.code in ("stale", "not-found") or refusal.status in TERMINAL:
                    task.withdrawn.set()
                    self.tasks.pop(task.header["task"], None)
                    self._forget(task.held)
                    continue
                log.warning("%s of task %s was refused: %s", name, task.task, refusal)
                if name == "complete" and refusal.code in ("invalid", "too-large"):
                    # The function's result does not fit the catalogue; trying again gives the same one.
                    self._begin(task, "fail", {**task.held, "message": f"its result was refused: {refusal}"[:1000], "retryable": False}, last=True)

    # ------------------------------------------------------------ leases

    def _renew_every(self):
        leases = [task.header["lease"] for task in self.tasks.values() if task.header.get("lease")]
        return min(leases) / 3e6 if leases else float("inf")

    def _renew(self):
        held = [task.held for task in self.tasks.values() if task.header.get("lease")]
        if not held:
            return
        try:
            _, header, _ = self.call("renew", held=held[:1024])
        except Refusal:
            return
        for lost in header.get("lost", []):
            task = self.tasks.pop(lost["task"], None)
            if task is not None:
                task.withdrawn.set()
                self._forget(task.held)
