"""kill -9 in the middle of every step, restart, and nothing that was acknowledged is lost (D1, D4, N1, A2, L1, L5).

    crash_test.py [--cycles N] [--calls N] [--seed S]

N kills at moments that the clients see (default 100), and N at the n-th call by which the daemon changes a file, some in the middle
of a write, some by errors from there on (default 0; they need the build's libfaults_calls.so). The seed is printed and repeats a run's choices.
"""
import argparse
import errno
import os
import signal
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True
from crowd import Asker, Crowd, Doer  # noqa: E402
from faulty import FaultyBroker  # noqa: E402

CATALOGUE = """
services:
  - name: test.leased
    title: Leased work
    title_zh: 租约任务
    category: test
    tenure: leased
    limits: {attempts: 50, lease: 500ms, backoff: 1ms, backoff_max: 10ms}
  - name: test.owned
    title: Owned work
    title_zh: 归属任务
    category: test
    tenure: owned
    limits: {attempts: 50, accept_by: 1h, start_by: 1h, attempt: 1h, backoff: 1ms, backoff_max: 10ms}
"""
# Moments at which the broker is killed; "boot" is while it recovers.
STEPS = ["said submit", "heard receipt of submit", "heard task", "said accept", "heard receipt of accept", "heard receipt of start", "said progress",
         "heard receipt of progress", "said complete", "heard receipt of complete", "heard receipt of fail", "heard event", "boot"]
# The daemon kills itself: while it serves, and while it recovers.
CALLS = ["call", "half a write", "EIO", "call of a boot", "call", "ENOSPC"]
CALLS_PER_CYCLE, CALLS_PER_BOOT = 20, 5
# Small, so that marks, pruning and the moving of logs are among what is cut short.
CONFIG = "store: {mark_distance: 1024, keep_events: 2048, wal: 1MiB}\n"
REQUESTS_PER_CYCLE = 8
PATIENCE = 60


class Story:
    def __init__(self, broker, seed):
        self.broker = broker
        self.crowd = Crowd(seed)
        askers = [broker.party(name, ["requester"], ["test.*"]) for name in ("acme", "helix")]
        doers = [broker.party(name, ["performer"], ["test.*"]) for name in ("biolab", "assayer")]
        self.askers = [Asker(self.crowd, context) for context in askers]
        self.doers = [Doer(self.crowd, context, ["test.leased", "test.owned"]) for context in doers]
        self.kills = {}
        self.down = False

    def kill(self):
        self.broker.crash()
        self.down = True

    def calls_arm(self, step):
        faults = self.broker.faults
        if step in ("EIO", "ENOSPC"):
            faults.fail(self.crowd.chance.randint(1, CALLS_PER_CYCLE), getattr(errno, step), for_good=True)
            return
        if step != "call of a boot":
            faults.die(self.crowd.chance.randint(1, CALLS_PER_CYCLE), half=step == "half a write")
            return
        self.kill()
        faults.die(self.crowd.chance.randint(1, CALLS_PER_BOOT))
        self.start()
        faults.never()

    def start(self):
        """A boot that dies on the way is begun again."""
        try:
            self.broker.start()
        except AssertionError:
            assert self.dead() and self.broker.faults.hit, self.broker.daemon.err()
            self.broker.faults.never()
            self.kills["call of a boot"] = self.kills.get("call of a boot", 0) + 1
            self.broker.start()
        self.down = False

    def dead(self):
        """D3: a daemon whose disk fails says so and stops; what ends it otherwise is the fault itself."""
        code = self.broker.daemon.process.poll()
        if code is not None and code != -signal.SIGKILL:
            assert code == os.EX_IOERR and "store-failed" in self.broker.daemon.err(), f"exit {code}: {self.broker.daemon.err()}"
        return code is not None

    def cycle(self, number, step):
        chance = self.crowd.chance
        if step == "boot":
            self.kill()
            daemon = self.broker.child(*self.broker.daemon.process.args)
            daemon.kill()
        elif step in CALLS:
            self.calls_arm(step)
        else:
            self.crowd.set_trap(step, chance.randint(1, 6), self.kill)
        for index in range(REQUESTS_PER_CYCLE):
            asker = chance.choice(self.askers)
            asker.submit(f"{number}-{index}", chance.choice(["test.leased", "test.owned"]), b"%d" % index)
        self.crowd.run(lambda: self.down or self.dead() or self.quiet(), PATIENCE)
        self.crowd.trap = None
        if self.down or self.dead():
            self.kills[step] = self.kills.get(step, 0) + 1
            self.broker.faults.never()
            self.start()
        self.broker.faults.never()

    def quiet(self):
        """Every submission was promised and every promise has ended."""
        return all(len(asker.promised) == len(asker.submissions) and set(asker.promised.values()) <= set(asker.ended) for asker in self.askers)

    def judge(self):
        """After the last restart: everything ends, and the broker says the same as the clients' own notes."""
        self.crowd.run(self.quiet, PATIENCE)
        for doer in self.doers:
            for task, fence in doer.credited:
                assert fence == self.crowd.fences[task], f"A3: task {task} was done with fence {fence}, and {self.crowd.fences[task]} was given out"
        credited = {f"{task & ~63}": outcome for doer in self.doers for (task, fence), outcome in doer.credited.items()}
        for asker in self.askers:
            for key, (service, body) in asker.submissions.items():
                asker.submit(key, service, body)          # N1: the same key must give the same id; on_receipt asserts it
            for id, (status, outcome, _) in asker.ended.items():
                assert status == "completed", f"request {id} ended as {status}"
                if str(id) in credited:
                    assert credited[str(id)] == outcome, f"L4: {id}: the performer was told {credited[str(id)]}, the requester {outcome}"
        self.crowd.run(lambda: not any(asker.pending for asker in self.askers), PATIENCE)
        ids = [id for asker in self.askers for id in asker.promised.values()]
        assert len(ids) == len(set(ids)), "two keys share a request"
        return len(ids)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--calls", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(f"# crash_test --cycles {args.cycles} --calls {args.calls} --seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "test.yaml"), "w", encoding="utf-8") as file:
            file.write(CATALOGUE)
        with FaultyBroker("--catalogue", folder, config=CONFIG) as broker:
            if not args.calls:
                broker.preload = []
            broker.start()
            story = Story(broker, args.seed)
            try:
                steps = [STEPS[n % len(STEPS)] for n in range(args.cycles)] + [CALLS[n % len(CALLS)] for n in range(args.calls)]
                story.crowd.chance.shuffle(steps)
                for number, step in enumerate(steps):
                    story.cycle(number, step)
                requests = story.judge()
            finally:
                story.crowd.close()
            assert broker.stop() == 0, broker.daemon.err()
    killed = sum(story.kills.values())
    cycles = args.cycles + args.calls
    print(f"# {killed} kills in {cycles} cycles, {requests} requests, {dict(story.crowd.count)}, kills by step {story.kills}")
    print(f"{'ok' if killed >= cycles * 0.8 else 'not ok'} 1 - every_acknowledged_request_survives_{cycles}_kills_with_one_outcome")
    print("1..1")
    return 0 if killed >= cycles * 0.8 else 1


if __name__ == "__main__":
    sys.exit(main())
