"""A performer that mostly works, and otherwise is slow, silent, late, forgetful, contradictory, or a thief."""
from acting import Actor, body_of

SERVICES = "check.*"
CAPACITY = 64
RENEW = 0.3            # seconds
MISCHIEF = 0.2         # acts out of turn, as a share of the pace
LATE = {"leased": 1.6, "owned": 5.0}   # seconds after which a task has gone elsewhere
DROP = ("stale", "not-found")


class Held:
    __slots__ = ("fence", "tenure", "service", "silent")

    def __init__(self, fence, tenure, service):
        self.fence, self.tenure, self.service, self.silent = fence, tenure, service, False


class Performer(Actor):
    WATCH = "performer"
    services = SERVICES

    def start(self):
        self.held = {}                # task -> Held
        self.old = []                 # (task, fence) that were ours once
        self.credit = 0
        super().start()

    def on_welcome(self):
        super().on_welcome()
        self.say("offer", service=self.services, capacity=CAPACITY, credit=CAPACITY, worker=self.name)
        self.credit = 0

    def turn(self, time):
        super().turn(time)
        if self.welcome is None:
            return
        if self.credit:
            self.say("credit", numbered=False, service=self.services, credit=self.credit)
            self.credit = 0
        if self.phase == "run" and len(self.pending) < 200:
            paced = self.due(time, MISCHIEF)
            if self.chance.random() < 0.2 if paced is None else paced:
                self.misbehave()
        if self.phase == "audit":
            self.final_list("performer")
            self.final_watch("performer")

    def audited(self):
        return self.final_done()

    # ------------------------------------------------------------ mischief

    def misbehave(self):
        choice = self.chance.random()
        if choice < 0.3 and self.old:
            task, fence = self.chance.choice(self.old[-300:])
            self.on_task_say(self.chance.choice(["complete", "start", "progress", "fail", "release", "hold", "ask", "accept"]), task, fence)
        elif choice < 0.6:
            pair = self.world.gossip.hear(self.chance)
            if pair:
                self.on_task_say(self.chance.choice(["complete", "complete", "progress", "fail", "verify", "hold"]), *pair)
        elif choice < 0.7 and self.held:
            task, held = self.chance.choice(list(self.held.items()))
            self.on_task_say(self.chance.choice(["start", "accept", "verify", "complete"]), task, held.fence + self.chance.choice([-1, 1, 1 << 20]))
        elif choice < 0.8 and self.by_id:
            id = self.chance.choice(list(self.by_id)[-100:])
            self.say("get", id=id + self.chance.choice([0, 64, -64]), trail=True)
        elif choice < 0.85:
            self.say("list", scope="performer", limit=20)
        elif choice < 0.9:
            self.say(self.chance.choice(["submit", "pause", "requeue"]), service="check.leased", key="mine", id=64,
                     input={"batch": self.world.needle})
        elif choice < 0.95 and self.old:
            self.say("renew", held=[{"task": task, "fence": fence} for task, fence in self.old[-20:]])

    def on_task_say(self, name, task, fence, **fields):
        """An act on a task. A result names the fence, who says it and a number, so that the judge knows later whose result was recorded."""
        body = b""
        if name == "complete":
            result = f"{fence}.{self.name}.{self.number + 1}"
            kept = body_of(self.world.needle, result)
            fields = {"outcome": result, "output": {"result": kept.decode()}, "charge": fence % 1000, "currency": "CNY", **fields}
            body = kept
        elif name == "fail":
            fields = {"retryable": True, "message": "by chance", **fields}
        elif name == "verify":
            fields = {"agree": True, **fields}
        elif name == "progress":
            fields = {"progress": 0.5, "business_status": "half", **fields}
        elif name == "hold":
            fields = {"reason": "equipment-issue", **fields}
        elif name == "ask":
            fields = {"message": "which one?", "fields": ["volume"], **fields}
        self.say(name, body, task=task, fence=fence, **fields)

    # ------------------------------------------------------------ work

    def on_record(self, name, header, body):
        if name == "task":
            self.credit += 1
            self.task(header)
        elif name == "abort":
            self.abort(header)
        elif name == "withdraw":
            held = self.held.get(header["task"])
            if held is not None and held.fence == header["fence"] and self.chance.random() < 0.9:
                self.drop_task(header["task"])
        else:
            super().on_record(name, header, body)

    def drop_task(self, task):
        held = self.held.pop(task, None)
        if held is not None:
            self.old.append((task, held.fence))
            if len(self.old) > 1000:
                del self.old[:500]

    def task(self, header):
        task, fence, status = header["task"], header["fence"], header["status"]
        self.world.gossip.tell(task, fence)
        self.by_id[task & ~63] = True
        if header.get("business_status") == "to_be_verified":
            agree = self.phase != "run" or self.chance.random() < 0.9
            self.after(self.chance.choice([0, 0, 0.05]), lambda: self.on_task_say("verify", task, fence, agree=agree))
            return
        known = self.held.get(task)
        if known is not None and known.fence != fence:
            self.drop_task(task)
        self.held[task] = Held(fence, header["tenure"], header["service"])
        if status == "requested":
            choice = self.chance.random() if self.phase == "run" else 0
            if choice < 0.88:
                self.on_task_say("accept", task, fence)
            elif choice < 0.95:
                self.on_task_say("reject", task, fence, reason="personnel-issue")
                self.drop_task(task)
        elif status == "accepted":
            self.on_task_say("start", task, fence)
        elif status == "in-progress":
            self.work(task, fence)
        elif status == "on-hold" and self.chance.random() < 0.5:
            self.lift(task, fence)

    def holds(self, task, fence):
        held = self.held.get(task)
        return held is not None and held.fence == fence

    def finish(self, task, fence, name="complete", **fields):
        self.on_task_say(name, task, fence, **fields)
        self.drop_task(task)

    def finish_if_held(self, task, fence):
        """Mostly notices when it was withdrawn meanwhile; sometimes not."""
        if self.holds(task, fence) or self.chance.random() < 0.3:
            self.finish(task, fence)

    def work(self, task, fence):
        chance, held = self.chance, self.held[task]
        choice = chance.random() if self.phase == "run" else 0
        if choice < 0.72:
            self.finish(task, fence)
        elif choice < 0.78:
            self.on_task_say("progress", task, fence)
            self.renew_later(task, fence)
            self.after(chance.uniform(0.1, 0.9), lambda: self.finish_if_held(task, fence))
        elif choice < 0.81:
            self.finish(task, fence, "fail")
        elif choice < 0.825:
            self.finish(task, fence, "fail", retryable=False)
        elif choice < 0.85:
            self.finish(task, fence, "release")
        elif choice < 0.88:
            held.silent = True
            self.after(LATE[held.tenure], lambda: self.finish(task, fence))
        elif choice < 0.91:
            self.on_task_say("hold", task, fence)
            self.after(0.2, lambda: self.lift(task, fence))
        elif choice < 0.93:
            self.on_task_say("ask", task, fence)
        elif choice < 0.96:
            self.finish_twice(task, fence)
        elif choice < 0.98:
            self.on_task_say("complete", task, fence - 1)
            self.finish(task, fence)
        else:
            self.finish(task, fence)
            self.on_task_say("complete", task, fence)          # another result under the same fence

    def finish_twice(self, task, fence):
        """The same result three times, now and later (N4)."""
        self.finish(task, fence)
        said = self.pending[self.number]
        self.say("complete", said.body, **said.fields)
        self.after(self.chance.uniform(0.1, 2.0), lambda: self.say("complete", said.body, **said.fields))

    def lift(self, task, fence):
        self.on_task_say("hold", task, fence, lift=True)
        self.after(0.05, lambda: self.finish_if_held(task, fence))

    def renew_later(self, task, fence):
        def renew():
            if self.holds(task, fence):
                self.say("renew", held=[{"task": task, "fence": fence}])
                self.after(RENEW, renew)
        self.after(RENEW, renew)

    def abort(self, header):
        choice = self.chance.random()
        if choice < 0.9:
            self.say("accept" if choice < 0.5 else "reject", task=header["task"], fence=header["fence"], code="abort", charge=7, currency="CNY")

    # ------------------------------------------------------------ answers

    def on_answer(self, said, name, header, body):
        super().on_answer(said, name, header, body)
        task = said.fields.get("task", 0)
        if not task or not self.holds(task, said.fields.get("fence")):
            return
        fence = said.fields["fence"]
        if name == "refusal" and header["code"] in DROP:
            self.drop_task(task)
        elif name == "refusal" and header["code"] == "conflict":
            self.carry_on(task, fence, header.get("status"))
        elif name == "receipt" and said.name in ("accept", "start"):
            self.carry_on(task, fence, header["status"])

    def carry_on(self, task, fence, status):
        if status == "accepted":
            self.on_task_say("start", task, fence)
        elif status == "in-progress" and not self.held[task].silent:
            self.work(task, fence)
        elif status != "on-hold":
            self.drop_task(task)

    def on_lost(self, doubt):
        """Results in doubt are said again as they were; the broker sends again what is still ours."""
        for said in doubt:
            if said.name == "complete":
                self.say("complete", said.body, **said.fields)
