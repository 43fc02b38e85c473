"""The table of figures: starts brokers of its own in a temporary place, measures with qiao-bench, prints floor and figure.

    table.py [--quick] [--only SCENE]... [--publish FILE]

One scene at a time, nothing else: the machine is shared only with what else runs on it. Needs QIAO_BUILD: the build folder.
"""
import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
from broker import Broker, program  # noqa: E402

BENCH = "tests/bench/qiao-bench"
FULL = "SQLite, WAL, synchronous=FULL, one commit per batch"
MANY = 1_000_000


class Stage:
    """One broker with a requester and a performer for the bench."""

    def __init__(self, plain, config=""):
        self.broker = Broker(*(["--plain"] if plain else []), config=config, start=False)
        self.plain = plain

    def __enter__(self):
        broker = self.broker.__enter__()
        self.started_in = self.start()
        if self.plain:
            self.requester = self.performer = broker.operator
        else:
            broker.qiao("party", "add", "bench", "--role", "requester", "--role", "performer", "--service", "*")
            self.requester = broker.member("bench", "producer")
            self.performer = broker.member("bench", "worker")
        return self

    def __exit__(self, *_):
        return self.broker.__exit__(*_)

    def start(self):
        """Seconds from exec to ready."""
        begun = time.monotonic()
        self.broker.start()
        return time.monotonic() - begun

    def measure(self, *words, timeout=1200):
        done = self.broker.run(program(BENCH), "--json", "--context", self.requester, "--worker-context", self.performer,
                               "--durability", FULL, "--broker-pid", str(self.broker.daemon.process.pid), *words, timeout=timeout)
        if done.code:
            raise SystemExit(f"qiao-bench {' '.join(words)}: {done}")
        return done.json()

    def stats(self):
        rows = self.broker.qiao("stats", "--json").rows()
        rows = rows[0]["rows"] if len(rows) == 1 and "rows" in rows[0] else rows
        return {row["name"]: row["value"] for row in rows}

    def history_lag(self):
        """Seconds until history holds all that was durable now."""
        wanted, begun = self.stats()["journal.durable"], time.monotonic()
        while self.stats()["history.seq"] < wanted:
            if time.monotonic() - begun > 600:
                return float("inf")
        return time.monotonic() - begun


def ms(us):
    return f"{us / 1000:.2f} ms"


def cpu(result, count):
    return f"{result['broker_cpu_us'] / max(1, count):.1f} µs of broker CPU each"


def run_rate(plain, seconds, floor, sustained=False):
    # Bursts may leave history behind; for a sustained rate the broker is told to hold submissions back before it lags by two seconds.
    with Stage(plain, config="store:\n  history_lag: 300000\n" if sustained else "") as stage:
        result = stage.measure("--window", "2048", "--seconds", str(seconds))
        lag = stage.history_lag()
    count, rate = result["lifecycles"], result["lifecycles_per_s"]
    times = result["outcome_us"]
    more = f"p50 {ms(times['p50'])}, p99 {ms(times['p99'])}, {cpu(result, count)}, {result['broker_rss_peak_bytes'] / 2**20:.0f} MiB peak, " \
           f"history {lag:.1f} s behind at the end" + (f", {result['put_off']:,} put off" if result["put_off"] else "")
    met = rate >= floor and (not sustained or lag <= 2)
    return [(f"{'plain' if plain else 'CURVE'}, window 2,048, {seconds} s", f"≥ {floor:,}/s" + (", history ≤ 2 s behind" if sustained else ""),
             f"{rate:,.0f}/s", met, more)]


def run_latency(plain, seconds):
    with Stage(plain) as stage:
        result = stage.measure("--latency", "--seconds", str(seconds))
    times = result["outcome_us"]
    return [(f"{'plain' if plain else 'CURVE'}, window 1, {seconds} s", "p50 ≤ 0.70 ms", f"p50 {ms(times['p50'])}", times["p50"] <= 700,
             f"p90 {ms(times['p90'])}, p99 {ms(times['p99'])}, p99.9 {ms(times['p99.9'])}, {result['lifecycles_per_s']:,.0f}/s")]


def run_queued(plain, count):
    rows = []
    name = "plain" if plain else "CURVE"
    with Stage(plain) as stage:
        result = stage.measure("--queued", str(count), "--window", "4096", "--no-worker")
        memory = result["broker_rss_queued_bytes"] / 2**20
        rows.append((f"{name}, {count:,} queued, accepted at", "≥ 350,000/s", f"{result['accepted_per_s']:,.0f}/s", result["accepted_per_s"] >= 350_000,
                     f"window 4,096, {cpu(result, result['accepted'])}"))
        rows.append((f"{name}, {count:,} queued, memory", "≤ 160 MiB", f"{memory:.0f} MiB", memory <= 160, "resident memory of the whole broker"))
        code = stage.broker.stop()
        ready = stage.start()
        rows.append((f"{name}, restart with {count:,} open requests", "≤ 3 s", f"{ready:.2f} s", ready <= 3 and code == 0, "from exec to ready"))
        drain = stage.measure("--drain", str(count), "--window", "4096")
        rows.append((f"{name}, {count:,} drained at", "≥ 200,000/s", f"{drain['drained_per_s']:,.0f}/s", drain["drained_per_s"] >= 200_000,
                     f"by one worker, {drain['broker_drain_cpu_us'] / max(1, drain['drained']):.1f} µs of broker CPU each"))
    return rows


SCENES = {
    "plain": lambda quick: run_rate(True, 3 if quick else 10, 250_000),
    "curve": lambda quick: run_rate(False, 3 if quick else 10, 160_000),
    "sustained": lambda quick: run_rate(False, 10 if quick else 60, 80_000, sustained=True),
    "latency-plain": lambda quick: run_latency(True, 2 if quick else 10),
    "latency": lambda quick: run_latency(False, 2 if quick else 10),
    "queued": lambda quick: run_queued(True, MANY // 10 if quick else MANY),
}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return f"{os.cpu_count()} processors ({model.group(1) if model else platform.machine()}), Linux {platform.release()}"


def commit():
    done = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def table(rows):
    lines = ["| what | floor | measured | | |", "| --- | --- | --- | --- | --- |"]
    return "\n".join(lines + [f"| {what} | {floor} | **{figure}** | {'met' if met else 'missed'} | {more} |" for what, floor, figure, met, more in rows])


def page(rows):
    return f"""# Figures

Made by `deploy/bench --publish` at commit {commit()} on {datetime.date.today()}, on {machine()}.

One producer process and one worker process beside the broker on the same machine, over loopback TCP; 256 B body, 64 B result, both of noise, so that
a journal that packs its batches gains nothing from them; every accept and every result is durable before it is answered ({FULL});
both sides pack what is ready at the same moment into one frame. A lifecycle is counted when its outcome is back at the producer. Every scene has
a fresh broker.

{table(rows)}

Each line again by itself: `deploy/bench --only SCENE`, with SCENE one of {', '.join(SCENES)}. One run by hand: `qiao bench --help`.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    parser.add_argument("--only", action="append", choices=list(SCENES), help="only this scene; may be given again")
    parser.add_argument("--publish", metavar="FILE", help="write the page of figures")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    rows = []
    for name in options.only or SCENES:
        print(f"# {name} ...", file=sys.stderr, flush=True)
        for row in SCENES[name](options.quick):
            rows.append(row)
            if options.json:
                print(json.dumps(dict(zip(("what", "floor", "figure", "met", "more"), row)), ensure_ascii=False), flush=True)
            else:
                print(f"{row[0]:<44} {row[1]:<34} {row[2]:>16}  {'met   ' if row[3] else 'MISSED'}  {row[4]}", flush=True)
    if options.publish:
        with open(options.publish, "w", encoding="utf-8") as file:
            file.write(page(rows))


if __name__ == "__main__":
    main()
