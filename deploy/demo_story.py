"""The story that deploy/demo tells: two enterprises, four providers, every document of deploy/examples.

Everything that is printed comes from the broker: events of an operator's watch, and the answers of the command line.
"""
import json
import os
import select
import shutil
import sys
import time

from demo_stage import PATIENCE, Lines, Stage, Trouble, stop_remembered

ENTERPRISES = {"helix": "Helix Bio 海利生物", "medora": "Medora Devices 美多医疗"}
PROVIDERS = {  # name: (title, services, attributes, worker program)
    "biolab": ("Park Biologics Laboratory 园区检验中心", "testing.*", "testing.json", "qiao-testing"),
    "yizhuang-cdmo": ("Yizhuang CDMO 亦庄生产平台", "cdmo.*", "cdmo.json", "qiao-cdmo"),
    "polar": ("Polar Cold Chain 极地冷链", "cold-chain.*", "coldchain.json", "qiao-coldchain"),
    "parkfund": ("Park Finance 园区金融", "funding.*", "funding.json", "qiao-funding"),
}
VERIFIED = {"biolab", "yizhuang-cdmo"}         # their certificates count only after a second member verified them
REFUSED, STUCK, CANCELLED, KILLED, ASKED = "invalid", "nobody", "cancel", "cdmo-cell-gene", "testing-release-asks-back"
DECIDED = "cdmo-nucleic-acid"                  # a deviation: no program decides about it, a person at the desk does
SPEED = "500000"                               # a CDMO's month passes in seconds
TERMINAL = {"completed", "failed", "cancelled"}


def title(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


class Story:
    def __init__(self, root):
        self.stage = Stage(root)
        self.requests = {}                     # id -> document
        self.ids = {}                          # document -> id
        self.contexts = {}
        self.ended = {}
        self.done = set()                      # turns of the story that were seen

    # ------------------------------------------------------------ the scene is set

    def open(self):
        stage = self.stage
        title("A broker with its own keys 代理启动")
        print(f"qiaod listens on {stage.start_broker()}, data in {stage.data}")
        title("Parties and members 机构与成员")
        for name, text in ENTERPRISES.items():
            stage.add_party(name, text, ["requester"], ["testing.*", "cdmo.*", "cold-chain.*", "funding.*", "bench.*", "compute.*"])
            self.contexts[name] = stage.add_member(name, "portal")
        for name, (text, services, attributes, _) in PROVIDERS.items():
            stage.add_party(name, text, ["performer"], [services], attributes)
        print(stage.run("qiao", "party", "list", context=stage.operator), end="")

    def hire(self):
        title("One worker of each kind, and second members who verify 各类执行程序")
        for name, (_, services, attributes, program) in PROVIDERS.items():
            self.worker(name, "bench-1", program, services, attributes)
            if name in VERIFIED:
                self.worker(name, "reviewer", program, services, attributes, "--verify")
        self.contexts["qa"] = self.stage.add_member("yizhuang-cdmo", "qa")
        self.wait_for_offers()
        print(self.stage.run("qiao", "workers", context=self.stage.operator), end="")

    def worker(self, party, member, program, services, attributes, *more):
        context = self.stage.add_member(party, member)
        if program == "qiao-cdmo":
            more += ("--speed", SPEED, "--ledger", os.path.join(self.stage.home, "suites.ledger"))
        self.stage.start(f"{party}-{member}", program, "--context", context, "--name", member, "--services", services, "--attributes",
                         os.path.join(self.stage.examples, "providers", attributes), *more)

    def wait_for_offers(self):
        deadline = time.monotonic() + PATIENCE
        while {row["party"] for row in self.stage.json("workers", context=self.stage.operator)} < set(PROVIDERS):
            if time.monotonic() > deadline:
                raise Trouble("the workers did not offer their services; see the logs in " + self.stage.home)
            select.select([], [], [], 0.1)

    # ------------------------------------------------------------ requests

    def submit(self):
        title("Every document of deploy/examples, submitted in turn by two enterprises 提交请求")
        documents = sorted(name.removesuffix(".yaml") for name in os.listdir(self.stage.examples) if name.endswith(".yaml"))
        for number, document in enumerate(documents):
            party = list(ENTERPRISES)[number % 2]
            done = self.stage.run("qiao", "submit", os.path.join(self.stage.examples, document + ".yaml"), "--json", context=self.contexts[party], ok=False)
            if document == REFUSED:
                if done.returncode != 65:
                    raise Trouble(f"{document} was to be refused with exit code 65, not {done.returncode}: {done.stdout}{done.stderr}")
                print(f"  {'refused':13}  {document:38} {party:7} {json.loads(done.stderr)['message']}")
                continue
            if done.returncode:
                raise Trouble(f"submit {document}: {done.stderr}")
            receipt = json.loads(done.stdout)
            self.requests[receipt["id"]] = document
            self.ids[document] = receipt["id"]
            self.contexts[document] = self.contexts[party]
            print(f"  {receipt['id']}  {document:38} {party:7} {receipt['status']}", flush=True)

    def follow(self):
        """Show every event as the operator's watch tells it, and take the story's turns on the way."""
        title("What happens, event by event 过程")
        watch = self.stage.start("watch", "qiao", "watch", "--scope", "all", "--from", "0", "--json", context=self.stage.operator, pipe=True)
        lines = Lines(watch.stdout)
        deadline = time.monotonic() + PATIENCE
        while set(self.requests) - {self.ids[STUCK]} - set(self.ended):
            line = lines.next(deadline - time.monotonic())
            if line is None:
                missing = [self.requests[id] for id in self.requests if id not in self.ended and id != self.ids[STUCK]]
                raise Trouble(f"these requests did not end within {PATIENCE:g} s: {', '.join(missing)}; see the logs in {self.stage.home}")
            if not line:
                raise Trouble(f"the watch ended: {self.stage.log('watch')}")
            event = json.loads(line)
            if event.get("id") in self.requests:
                self.show(event)
                self.turn(event)

    def show(self, event):
        part = f"{event['progress']:4.0%}" if event.get("progress") else ""
        words = [event.get("event", ""), part, event.get("performer", ""), event.get("member", ""), event.get("outcome", ""), event.get("reason", ""),
                 event.get("business_status", ""), event.get("message", "")]
        print(f"  {self.requests[event['id']]:38} {event['status']:12} {' · '.join(word for word in words if word and word != 'none')}"[:180], flush=True)
        if event["status"] in TERMINAL:
            self.ended[event["id"]] = event

    def turn(self, event):
        document = self.requests[event["id"]]
        stage = self.stage
        if document == KILLED and event.get("progress") and KILLED not in self.done:
            self.done.add(KILLED)
            name, (_, services, attributes, program) = "yizhuang-cdmo", PROVIDERS["yizhuang-cdmo"]
            stage.kill(f"{name}-bench-1")
            print("  >> kill -9 of the worker bench-1 at this moment; bench-2 of the same provider is started and carries on", flush=True)
            self.worker(name, "bench-2", program, services, attributes)
        elif document == ASKED and event.get("reason") == "awaiting-information" and ASKED not in self.done:
            self.done.add(ASKED)
            print("  >> the laboratory asks back; the enterprise replies with more replicates", flush=True)
            stage.run("qiao", "reply", event["id"], os.path.join(stage.examples, "replies", ASKED + ".yaml"), context=self.contexts[ASKED])
        elif document == DECIDED and event.get("event") == "presented" and DECIDED not in self.done:
            self.done.add(DECIDED)
            print("  >> a deviation: a person of the provider decides at the desk", flush=True)
            stage.run("qiao", "desk", "verify", event["id"], "-m", "yield explained by a filter change; batch record attached", context=self.contexts["qa"])
        if CANCELLED not in self.done and CANCELLED in self.ids:
            self.done.add(CANCELLED)
            stage.run("qiao", "cancel", self.ids[CANCELLED], "-m", "batch was withdrawn", context=self.contexts[CANCELLED])

    # ------------------------------------------------------------ looking back

    def tell(self):
        stage = self.stage
        title("Outcomes 结论")
        print(stage.run("qiao", "list", "--scope", "all", "--finished", context=stage.operator), end="")
        title("A killed worker's task: the whole way 被终止的任务")
        print(stage.run("qiao", "get", self.ids[KILLED], "--trail", context=self.contexts[KILLED]), end="")
        title("Why nobody performs that one: qiao explain 无法匹配的原因")
        print(stage.run("qiao", "explain", self.ids[STUCK], context=self.contexts[STUCK]), end="")
        title("A certificate, as its requester gets it: qiao output 证书")
        folder = os.path.join(stage.home, "certificate")
        stage.run("qiao", "output", self.ids["testing-release"], "-o", folder, context=self.contexts["testing-release"])
        for name in sorted(os.listdir(folder)):
            print(f"  {os.path.join(folder, name)}")
            if name.endswith(".en.txt"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    print("".join("    " + line for line in file), end="")
        title("The queues 队列")
        print(stage.run("qiao", "queues", context=stage.operator), end="")

    def check(self):
        """The story is only told when it was true."""
        wanted = {CANCELLED: ("cancelled", None), "testing-release-out-of-specification": ("completed", "out-of-specification"), KILLED: ("completed", None),
                  ASKED: ("completed", None), DECIDED: ("completed", "deviation"), "testing-release": ("completed", "conforming")}
        for document, (status, outcome) in wanted.items():
            event = self.ended[self.ids[document]]
            if event["status"] != status or outcome and event.get("outcome") != outcome:
                raise Trouble(f"{document} ended as {event['status']} {event.get('outcome', '')}, not as {status} {outcome or ''}")
        others = [self.requests[id] for id, event in self.ended.items() if event["status"] != "completed" and self.requests[id] != CANCELLED]
        if others:
            raise Trouble(f"not completed: {', '.join(others)}")
        missed = {KILLED, ASKED, CANCELLED, DECIDED} - self.done
        if missed:
            raise Trouble(f"these turns never came: {', '.join(missed)}")


def stay(stage):
    stage.remember()
    title("It goes on running. Three things to try 接下来可以试试")
    print(f"  export QIAO_CONFIG_DIR={stage.config} PATH={os.path.join(stage.build, 'clients', 'cli')}:$PATH")
    print(f"  qiao --context {stage.operator} top")
    print(f"  qiao --context helix-portal submit {os.path.join(stage.examples, 'funding-lease.yaml')} --key my-first --wait")
    print("  qiao --context medora-portal template testing.release")
    print(f"To end it: {os.path.join(os.path.dirname(stage.examples), 'demo')} --stop {stage.home}")


def main():
    root, options = sys.argv[1], sys.argv[2:]
    if options[:1] == ["--stop"]:
        if len(options) != 2:
            sys.exit("deploy/demo --stop wants the directory that --stay named")
        return stop_remembered(options[1])
    began = time.monotonic()
    story = Story(root)
    try:
        story.open()
        story.hire()
        story.submit()
        story.follow()
        story.tell()
        story.check()
        if options == ["--stay"]:
            stay(story.stage)
            return 0
    except Trouble as trouble:
        print(f"\ndeploy/demo: {trouble}", file=sys.stderr)
        story.stage.stop()
        return 1
    except BaseException:
        story.stage.stop()
        raise
    bad = story.stage.stop()
    for text in bad:
        print(f"deploy/demo: {text}", file=sys.stderr)
    print(f"\n{len(story.ended)} requests ended, one waits for a provider that does not exist, one was refused; {time.monotonic() - began:.0f} s. "
          + ("The logs stay in " + story.stage.home if bad else "Everything was stopped and its data removed."))
    if not bad:
        shutil.rmtree(story.stage.home)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
