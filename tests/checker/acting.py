"""What all actors have in common: a stream to watch, things to do later, phases, and the questions of the final audit."""
import heapq
import os
import random
import struct

from history import now
from peer import Peer

WATCH_CREDIT = 2000
PAGE = 1000


def body_of(*words):
    """A body that tells what it belongs to; the needle comes first."""
    return "/".join(words).encode()


class Actor(Peer):
    """A Peer with a random mind. Phases: run (anything goes), settle (finish what is open), repeat (say every submission again),
    audit (ask for everything once more), end."""
    WATCH = ""            # scope of its watch, from the beginning, resumed after each loss

    def __init__(self, world, name, member, endpoint, history, seed):
        super().__init__(world, name, member, endpoint, history)
        self.chance = random.Random(f"{seed}-{name}")
        self.phase = "run"
        self.by_id = {}
        self.next_act = 0             # time of the next act, where there is a pace
        self.later = []               # heap of (time, order, act)
        self.order = 0
        self.watch_number, self.watch_seq, self.watch_due = 0, 0, 0
        self.final = {}               # what the audit asked: "watch" -> number, "list" -> number of the last page
        self.final_state = {}
        self.final_rows = {}          # id -> seq
        self.start()

    def start(self):
        self.connect()

    def quiet(self):
        return True

    def repeated(self):
        return True

    def set_phase(self, phase):
        self.phase = phase
        self.history.note(phase=phase)
        if phase == "audit":
            self.final_state.clear()

    # ------------------------------------------------------------ time

    def after(self, seconds, act):
        self.order += 1
        heapq.heappush(self.later, (now() + int(seconds * 1e6), self.order, act))

    def due(self, time, share=1.0):
        """How many acts the pace of this run allows now; None: as many as it likes."""
        if not self.world.pace:
            return None
        count = 0
        while self.next_act <= time:
            self.next_act = max(self.next_act, time - 1_000_000) + int(self.chance.expovariate(self.world.pace * share) * 1e6)
            count += 1
        return count

    def turn(self, time):
        while self.later and self.later[0][0] <= time:
            heapq.heappop(self.later)[2]()

    # ------------------------------------------------------------ watching

    def on_welcome(self):
        if self.WATCH and self.phase != "audit":
            self.number += 1
            self.watch_number, self.watch_due = self.number, 0
            self.say("watch", numbered=False, n=self.number, scope=self.WATCH, seq=self.watch_seq, credit=WATCH_CREDIT)
        if self.phase == "audit":
            self.final_state.clear()  # whatever the audit had asked is asked again

    def on_record(self, name, header, body):
        if name == "event":
            self.event(header, body)
        elif name == "refusal":
            self.on_late_refusal(header)

    def event(self, header, body):
        number = header.get("re", 0)
        if number and number == self.watch_number:
            self.watch_seq = header["seq"]
            self.watch_due += 1
            if self.watch_due >= WATCH_CREDIT // 2:
                self.say("credit", numbered=False, re=number, credit=self.watch_due)
                self.watch_due = 0
        elif number and number == self.final_state.get("watch"):
            self.final_seq = header["seq"]
            self.final_due += 1
            if self.final_due >= WATCH_CREDIT // 2:
                self.say("credit", numbered=False, re=number, credit=self.final_due)
                self.final_due = 0
            return
        self.on_event(header, body)

    def on_event(self, header, body):
        pass

    def on_late_refusal(self, header):
        pass

    # ------------------------------------------------------------ the audit

    def final_list(self, scope, after=""):
        """Everything of a scope, page by page; the history notes which pages count."""
        if "list" not in self.final_state:
            self.final_rows.clear()
            self.final_state["list"] = self.final_page(scope, "")

    def final_page(self, scope, after):
        fields = {"after": after} if after else {}
        n = self.say("list", scope=scope, finished=True, limit=PAGE, **fields)
        self.history.note(final="list", n=n, first=not after, scope=scope)
        return n

    def final_watch(self, scope):
        """The whole stream again; it is complete when it has reached the last event of every row of the final list."""
        if "watch" not in self.final_state and self.final_state.get("list") == "done":
            self.number += 1
            self.final_state["watch"] = self.number
            self.final_seq = self.final_due = 0
            self.history.note(final="watch", n=self.number, scope=scope)
            self.say("watch", numbered=False, n=self.number, scope=scope, seq=0, credit=WATCH_CREDIT)

    def final_done(self):
        return self.final_state.get("list") == "done" and "watch" in self.final_state and self.final_seq >= max(self.final_rows.values(), default=0)

    def on_answer(self, said, name, header, body):
        if said.name == "list" and self.final_state.get("list") == header["re"]:
            if name != "page":
                del self.final_state["list"]
                return
            for row in header.get("rows", ()):
                self.final_rows[row["id"]] = row["seq"]
            more = header.get("next")
            self.final_state["list"] = self.final_page(said.fields["scope"], more) if more else "done"


class Gossip:
    """Tasks and fences that anybody was sent, for thieves: a file of pairs that all processes append to and read from."""
    PAIR = struct.Struct("<QQ")

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)

    def tell(self, task, fence):
        os.write(self.fd, self.PAIR.pack(task, fence))

    def hear(self, chance, recent=500):
        count = os.fstat(self.fd).st_size // self.PAIR.size
        if count == 0:
            return None
        at = chance.randrange(max(0, count - recent), count)
        return self.PAIR.unpack(os.pread(self.fd, self.PAIR.size, at * self.PAIR.size))
