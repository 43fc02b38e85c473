"""The operator: watches everything, meddles, reloads the catalogue, adds members and revokes them, and at the end finishes what is left."""
from acting import Actor
from daemon import Member
from history import Writer
from performer import Performer
from requester import Requester

SERVICES = ("check.leased", "check.owned", "check.verified")
PARTIES = ("biolab", "assayer")
TRAILS = 300           # final gets in flight
LOOK = 0.3             # seconds between two looks at what is still open
MEDDLE = 0.1           # chance of an act per turn and kind


class Overseer(Actor):
    WATCH = "all"

    def start(self):
        self.recent = []
        self.guests = 0
        self.present = 0              # guests that are not revoked yet
        self.paused = set()
        self.listing = 0
        self.open, self.looks = None, 0
        self.gets, self.got, self.get_numbers = None, 0, set()
        super().start()

    def on_welcome(self):
        super().on_welcome()
        self.listing = 0

    def set_phase(self, phase):
        super().set_phase(phase)
        self.looks = 0

    def turn(self, time):
        super().turn(time)
        if self.welcome is None:
            return
        if self.phase == "run" and len(self.pending) < 100 and self.due(time) != 0:
            self.meddle()
        elif self.phase in ("settle", "repeat") and not self.listing:
            for word, name in list(self.paused):
                self.say("resume", **{word: name})
            self.listing = -1
            self.after(LOOK, self.look_again)
        elif self.phase == "audit":
            self.audit()

    def look_again(self):
        self.listing = self.say("list", scope="all", limit=1000)
        self.say("workers")

    # ------------------------------------------------------------ meddling

    def meddle(self):
        chance = self.chance
        if self.recent and chance.random() < 5 * MEDDLE:
            for _ in range(chance.randint(1, 10)):
                self.say("get", id=chance.choice(self.recent[-500:]), trail=chance.random() < 0.3, output=chance.random() < 0.3)
        choice = chance.random() / MEDDLE
        if choice > 1:
            return
        id = chance.choice(self.recent[-100:]) if self.recent else 64
        if choice < 0.2:
            self.say("hold", id=id, message="by chance")
            self.after(0.2, lambda: self.say("hold", id=id, lift=True))
        elif choice < 0.25:
            self.say("fail", id=id, message="by chance")
        elif choice < 0.35:
            self.say("requeue", id=id)
        elif choice < 0.45:
            self.pause()
        elif choice < 0.5:
            self.reload()
        elif choice < 0.52:
            self.invite_guest()
        elif choice < 0.7:
            self.say("list", scope="all", limit=50, finished=chance.random() < 0.5)
        elif choice < 0.8:
            self.say(chance.choice(["queues", "workers", "stats", "services"]))
        elif choice < 0.9:
            self.say("explain", id=id)
        else:
            self.say("list", scope="all", status=["on-hold"], limit=100)

    def pause(self):
        word, name = self.chance.choice([("service", self.chance.choice(SERVICES)), ("party", self.chance.choice(PARTIES))])
        self.paused.add((word, name))
        self.say(self.chance.choice(["pause", "drain"]), **{word: name})
        self.after(0.1, lambda: self.say("resume", **{word: name}))

    def reload(self):
        """Another catalogue, or a wrong one, which must change nothing."""
        wrong = self.chance.random() < 0.3
        self.world.catalogue_write(wrong, self.chance.choice(["900ms", "1s", "1100ms"]))
        self.history.note(fault="reload-wrong" if wrong else "reload")
        self.say("catalogue")

    def invite_guest(self):
        """A member that works for a while, is revoked, and goes on talking (C4)."""
        if self.guests >= 12:
            return
        self.guests += 1
        self.present += 1
        number = self.guests
        requester = self.chance.random() < 0.5
        whole = not requester and self.chance.random() < 0.5
        party = "acme" if requester else f"visitor-{number}" if whole else "biolab"
        member = Member(party, f"guest-{number}", self.member.server)
        if whole:
            self.say("party", action="add", party=party, roles=["performer"], services=["check.*"])
        self.history.note(secrets={f"the secret key of guest-{number}": member.secret})
        self.say("party", action="add", party=party, member=member.member, key=member.key())
        self.after(0.2, lambda: self.guest_begin(number, requester, member))
        self.after(self.chance.uniform(0.8, 2.0), lambda: self.guest_revoke(member, whole))

    def guest_begin(self, number, requester, member):
        writer = Writer(self.world.folder, f"guest-{number}", party=member.party, member=member.member, key=member.key(),
                        kind="requester" if requester else "performer")
        kind = GuestRequester if requester else GuestPerformer
        guest = kind(self.world, f"guest-{number}", member, self.endpoint, writer, self.chance.random())
        self.world.guests.append(guest)

    def guest_revoke(self, member, whole):
        self.history.note(fault="revoke")
        self.present -= 1
        fields = {} if whole else {"member": member.member, "key": member.key()}
        self.say("party", action="revoke", party=member.party, **fields)

    # ------------------------------------------------------------ what it hears

    def on_event(self, header, body):
        if header.get("event") == "accepted":
            self.recent.append(header["id"])
            if len(self.recent) > 20000:
                del self.recent[:10000]
        elif header.get("reason") == "attempts-exhausted" and header["status"] == "on-hold" and self.phase == "run":
            id, name = header["id"], self.chance.choice(["requeue", "requeue", "fail"])
            self.after(0.1, lambda: self.say(name, id=id, message="exhausted"))

    def on_answer(self, said, name, header, body):
        super().on_answer(said, name, header, body)
        if name == "receipt" and said.name == "resume":
            self.paused -= {(word, said.fields[word]) for word in ("service", "party") if word in said.fields}
        elif self.listing and header["re"] == self.listing:
            self.listing = 0
            if name == "page":
                self.settle(header.get("rows", []), header.get("next"))
        elif header["re"] in self.get_numbers:
            self.get_numbers.discard(header["re"])
            self.got += 1

    def settle(self, rows, more):
        """Help what is stuck; the run is settled when nothing is open."""
        self.open = len(rows) + (1 if more else 0)
        self.looks += 1
        for row in rows:
            if self.chance.random() < 5 / len(rows):
                self.say("explain", id=row["id"])
            if row["status"] == "on-hold":
                self.say("fail", id=row["id"], message="at the end")

    def on_lost(self, doubt):
        """Nothing that was meant may be left undone: a pause without an end, a member who was to be revoked."""
        self.listing = 0
        for said in doubt:
            if said.name == "party":
                self.say("party", **said.fields)

    # ------------------------------------------------------------ the end

    def quiet(self):
        return self.open == 0 and self.looks > 1 and self.present == 0 and not any(said.name in ("party", "resume") for said in self.pending.values())

    def audit(self):
        self.final_list("all")
        self.final_watch("all")
        if self.final_state.get("list") == "done":
            if self.gets is None:
                self.gets = list(self.final_rows)
                self.history.note(final="stats", n=self.say("stats"))
            while self.gets and len(self.get_numbers) < TRAILS:
                n = self.say("get", id=self.gets.pop(), trail=True, input=True, output=True)
                self.get_numbers.add(n)
                self.history.note(final="get", n=n)

    def audited(self):
        return self.final_done() and self.gets == [] and not self.get_numbers


class Guest:
    """Goes on talking, and tries to come back, after it was revoked. Takes no part in the audit."""

    def turn(self, time):
        super().turn(time)
        if self.shut_out and self.chance.random() < 0.01:
            self.shut_out = False
            self.connect()

    def on_lost(self, doubt):
        for said in doubt[:20]:
            self.say(said.name, said.body, **said.fields)

    def audited(self):
        return True

    def final_list(self, scope, after=""):
        pass

    def final_watch(self, scope):
        pass


class GuestRequester(Guest, Requester):
    def turn(self, time):
        if not self.shut_out or self.chance.random() < 0.01:
            super().turn(time)

    def repeat(self, room):
        pass


class GuestPerformer(Guest, Performer):
    pass
