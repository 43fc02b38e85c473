"""A requester that submits, submits again, contradicts itself, asks, cancels, pries into what is not its own, and says what makes no sense."""
from acting import Actor, body_of

TERMINAL = ("completed", "failed", "cancelled")
SERVICES = ["check.leased"] * 5 + ["check.owned"] * 3 + ["check.verified"]
WINDOW = 400          # records without an answer at most
BURST = 40            # acts of one turn at most
OPEN_MAX = 600        # requests of this client that have not ended


def invalid(needle):
    """Each breaks one rule of PROTOCOL.md; none may be stored, and no refusal may repeat the value."""
    return [
        {"service": "check.nowhere", "key": "invalid-1", "input": {"batch": needle}},
        {"service": "check.leased", "key": "invalid-2", "input": {"volume": 1}},
        {"service": "check.leased", "key": "invalid-3", "input": {"batch": needle, "unknown": needle}},
        {"service": "check.leased", "key": "invalid-4", "input": {"batch": needle, "volume": 1001}},
        {"service": "check.leased", "input": {"batch": needle}},
        {"service": "check.leased", "key": "k" * 129, "input": {"batch": needle}},
        {"service": "check.leased", "key": "invalid-5", "input": {"batch": needle * 3}},
        {"service": "check.leased", "key": "invalid-6", "input": {"batch": needle}, "require": [["grade", "like", 1]]},
        {"service": "check.leased", "key": "invalid-7", "input": {"batch": needle, "volume": needle}},
    ]


class Submission:
    __slots__ = ("fields", "body", "id")

    def __init__(self, fields, body):
        self.fields, self.body, self.id = fields, body, 0


class Requester(Actor):
    WATCH = "requester"

    def start(self):
        self.serial = 0
        self.pseq = 0
        self.producer = self.chance.getrandbits(63)
        self.submissions = []
        self.by_fields = {}
        self.open = set()
        self.asked = set()
        self.mine = []
        self.re_said = 0
        super().start()

    # ------------------------------------------------------------ what it does

    def turn(self, time):
        super().turn(time)
        if self.welcome is None or self.phase not in ("run", "repeat", "audit"):
            return
        room = min(BURST, WINDOW - len(self.pending))
        if self.phase == "audit":
            self.final_list("requester")
            self.final_watch("requester")
        elif self.phase == "repeat":
            self.repeat(room)
        else:
            for _ in range(self.how_many(time, room)):
                self.act()

    def how_many(self, time, room):
        paced = self.due(time)
        if paced is not None:
            return paced
        return self.chance.randint(1, room) if room > BURST // 2 else 0

    def act(self):
        choice = self.chance.random()
        if choice < 0.42:
            if len(self.open) < OPEN_MAX:
                self.submit_new()
            else:
                self.look()
        elif choice < 0.52:
            self.submit_again()
        elif choice < 0.56:
            self.contradict()
        elif choice < 0.80:
            self.look()
        elif choice < 0.86:
            self.pry()
        elif choice < 0.93:
            self.end_something()
        elif choice < 0.96:
            self.say("submit", **self.chance.choice(invalid(self.world.needle)))
        elif choice < 0.98:
            self.overreach()
        elif choice < 0.999:
            self.ask_broadly()
        else:
            self.garbage(self.chance.choice([b"\xc1", b"\x81\xa1t", b"\x82\xa1n\x05\xa1t\xa4ping\xc4\x00", b"\x81\xa1t\xa4ping", bytes([0x91] * 40)]))

    def new_key(self):
        """Half of the keys are this member's own; the others are those that every member of every party uses too (N1, N3)."""
        self.serial += 1
        return f"{self.name}-{self.serial}" if self.chance.random() < 0.5 else f"shared-{self.serial}"

    def submit_new(self):
        chance = self.chance
        fields = {"service": chance.choice(SERVICES)}
        if chance.random() < 0.4:
            self.pseq += 1
            fields.update(producer=self.producer, pseq=self.pseq)
            name = f"{self.producer}-{self.pseq}"
        else:
            name = fields["key"] = self.new_key()
        fields["input"] = {"batch": f"{self.world.needle}-{name}"}
        shape = sum(name.encode()) % 7          # a function of the name: two members of a party say the same under the same key
        if shape == 1:
            fields.update(performer="biolab", fallback="any")
        elif shape == 2:
            fields.update(exclude=["assayer"])
        elif shape == 3:
            fields.update(priority="urgent", note="soon", subject=name)
        elif shape == 4:
            fields.update(cost=2, prefer=["assayer"])
        self.submit(Submission(fields, body_of(self.world.needle, self.member.party, fields["service"], name)))

    def submit(self, submission):
        fields = submission.fields
        name = (fields["service"], fields["key"]) if "key" in fields else (fields["producer"], fields["pseq"])
        if name not in self.by_fields:
            self.by_fields[name] = submission
            self.submissions.append(submission)
        self.say("submit", submission.body, notify=self.chance.choice(["none", "outcome", "all"]), **submission.fields)

    def submit_again(self):
        if self.submissions:
            submission = self.chance.choice(self.submissions[-3000:])
            self.say("submit", submission.body, notify=self.chance.choice(["none", "outcome"]), **submission.fields)

    def contradict(self):
        """The same key with other content: never taken when the first was (N2)."""
        known = [submission for submission in self.submissions[-200:] if submission.id]
        if known:
            submission = self.chance.choice(known)
            how = self.chance.randrange(3)
            fields = dict(submission.fields)
            if how == 0:
                fields["input"] = {**fields["input"], "batch": f"{self.world.needle}-other"}
            elif how == 1:
                fields["priority"] = "stat"
            self.say("submit", submission.body + (b"?" if how == 2 else b""), **fields)

    def look(self):
        if self.mine:
            id = self.chance.choice(self.mine[-2000:] if self.chance.random() < 0.9 else self.mine)
            if self.chance.random() < 0.9:
                self.say("get", id=id, trail=self.chance.random() < 0.3, output=self.chance.random() < 0.3, input=self.chance.random() < 0.2)
            else:
                self.say("explain", id=id)

    def pry(self):
        """Ids near its own: another party's, a task's, or nobody's. The judge knows afterwards which was which (C3)."""
        if not self.mine:
            return
        id = self.chance.choice(self.mine[-300:]) + 64 * self.chance.choice([-3, -2, -1, 1, 2, 3, 1 << 20])
        name = self.chance.choice(["get", "cancel", "close", "explain", "reply"])
        if id not in self.by_id:
            self.say(name, id=id)

    def end_something(self):
        if self.open:
            id = self.chance.choice(self.mine[-100:])
            self.say(self.chance.choice(["cancel", "cancel", "close"]), id=id, message="by chance")

    def overreach(self):
        """Records of other roles."""
        id = self.chance.choice(self.mine) if self.mine else 64
        name = self.chance.choice(["complete", "pause", "requeue", "queues", "workers", "party", "fail", "catalogue"])
        fields = {"complete": {"task": id + 1, "fence": 1, "outcome": "mine"}, "pause": {"service": "check.leased"}, "requeue": {"id": id},
                  "party": {"action": "add", "party": "intruder"}, "fail": {"id": id}}.get(name, {})
        self.say(name, **fields)

    def ask_broadly(self):
        self.say(*self.chance.choice([("services",), ("list",)]))

    # ------------------------------------------------------------ what it hears

    def on_answer(self, said, name, header, body):
        super().on_answer(said, name, header, body)
        if said.name == "submit" and name == "receipt":
            fields = said.fields
            key = (fields["service"], fields["key"]) if "key" in fields else (fields["producer"], fields["pseq"])
            submission = self.by_fields.get(key)
            if submission is not None and submission.body == said.body:
                submission.id = header["id"]
            if header["id"] not in self.by_id:
                self.by_id[header["id"]] = True
                self.mine.append(header["id"])
                if header["status"] not in TERMINAL:
                    self.open.add(header["id"])

    def on_event(self, header, body):
        id = header["id"]
        if header["status"] in TERMINAL:
            self.open.discard(id)
        elif header.get("reason") == "awaiting-information" and header["status"] == "on-hold" and (self.phase == "settle" or self.chance.random() < 0.8):
            self.say("reply", body_of(self.world.needle, "answer"), id=id, message="here it is")

    def on_lost(self, doubt):
        """Submissions in doubt are said again as they were; of the rest half is."""
        for said in doubt:
            if said.name == "submit" or (said.name in ("cancel", "close", "reply") and self.chance.random() < 0.5):
                self.say(said.name, said.body, **said.fields)

    # ------------------------------------------------------------ the end

    def repeat(self, room):
        """Say every submission once more (N1). What was refused for good reasons before may be taken now."""
        while room > 0 and self.re_said < len(self.submissions):
            submission = self.submissions[self.re_said]
            self.re_said += 1
            room -= 1
            self.say("submit", submission.body, **{**submission.fields, "notify": "none"})

    def repeated(self):
        return self.re_said == len(self.submissions) and self.quiet()

    def audited(self):
        return self.final_done()

    def quiet(self):
        """Everything in doubt is settled."""
        return not any(said.name == "submit" for said in self.pending.values())
