#!/usr/bin/python3
"""Decide from histories alone whether the broker kept its promises.

    judge.py FOLDER...       one folder per run; prints what it counted and every anomaly; exit 1 when there is one
    judge.py --rules         the rules, each with the invariants that it guards

The judge reads what clients said and heard (history.py), the log only for what it must not hold, and nothing else: no journal, no database, no code of the
broker. What it takes for the journal is the stream that the operator is shown at the end; everything that anybody was told at any time must fit it.
"""
import collections
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rules_kept  # noqa: E402
import rules_quiet  # noqa: E402
import rules_work  # noqa: E402
from told import Told  # noqa: E402

RULES = rules_kept.RULES + rules_work.RULES + rules_quiet.RULES
SHOWN = 10             # anomalies of one rule that are printed


def judge(told):
    """(rule, anomalies) for each rule that is broken."""
    found = []
    for rule in RULES:
        anomalies = list(rule(told))
        if anomalies:
            found.append((rule, anomalies))
    return found


def counts(told):
    """What a run consisted of."""
    count = collections.Counter(operations=len(told.acts), events=sum(len(client.events) for client in told.clients))
    count["unanswered"] = sum(act.answer is None for act in told.acts)
    count["requests"] = len(told.of)
    count["clients"] = len(told.actors)
    faults = collections.Counter(note["fault"] for client in told.clients for _, note in client.notes if "fault" in note and not note.get("over"))
    kinds = collections.Counter(act.name for act in told.acts)
    refusals = collections.Counter(act.answer["code"] for act in told.acts if act.answer is not None and act.answer["t"] == "refusal")
    return count, faults, kinds, refusals


def line(counter):
    return ", ".join(f"{name} {number:,}" for name, number in sorted(counter.items()))


def report(told, out=sys.stdout):
    """Print counts and anomalies; the number of anomalies."""
    for title, counter in zip(("counts", "faults", "acts", "refusals"), counts(told)):
        print(f"{title}: {line(counter)}", file=out)
    total = 0
    for rule, anomalies in judge(told):
        total += len(anomalies)
        print(f"ANOMALY {rule.__name__} ({len(anomalies)}): {rule.__doc__}", file=out)
        for text in anomalies[:SHOWN]:
            print(f"    {text[:600]}", file=out)
    print(f"{total} anomalies", file=out)
    return total


def main():
    if sys.argv[1:] == ["--rules"]:
        for rule in RULES:
            print(f"{rule.__name__}: {rule.__doc__}")
        return 0
    return 1 if sum([report(Told(folder)) for folder in sys.argv[1:]]) else 0


if __name__ == "__main__":
    sys.exit(main())
