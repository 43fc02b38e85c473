"""Rules about what is kept: D1, D2, L1, L2, L3, L4, L5, and what lists, gets and watches agree on."""
import bisect

from told import TERMINAL, task_request, without

# Section 5 of PROTOCOL.md: from which status a request may come into which. Staying where it is needs no entry.
STEPS = {
    None: {"ready", "requested"},
    "ready": {"in-progress", "cancelled", "on-hold", "failed"},
    "requested": {"accepted", "cancelled", "on-hold", "failed"},
    "accepted": {"in-progress", "requested", "cancelled", "on-hold", "failed"},
    "in-progress": {"completed", "failed", "cancelled", "on-hold", "ready", "requested"},
    "on-hold": {"in-progress", "ready", "requested", "accepted", "cancelled", "failed"},
}

GIVEN_UP = {"reject": "rejected", "fail": "failed"}    # the task is over; the request goes on with another


def acknowledged(told):
    """D1: what a receipt told is in the journal that the operator is shown at the end, at that sequence, about that request."""
    for act in told.acts:
        answer = act.answer
        if answer is None or answer["t"] != "receipt" or "id" not in answer:
            continue
        event = told.at.get(answer["seq"])
        if event is None or event[0]["id"] != answer["id"]:
            yield f"{act}: receipt of request {answer['id']} seq {answer['seq']}, where the journal has {event and event[0]['id']}"
        elif act.name == "submit" and event[0]["requester"] != act.client.party:
            yield f"{act}: receipt of a request of {event[0]['requester']}"


def receipt_status(told):
    """L4: the status in a receipt is the one that everybody else is told for that sequence; to a performer that gives up a task, the task's."""
    for act in told.acts:
        answer = act.answer
        if answer is not None and answer["t"] == "receipt" and "id" in answer:
            event = told.at.get(answer["seq"])
            given_up = GIVEN_UP.get(act.name) == answer.get("status") and act.client.kind == "performer"
            if event is not None and event[0]["status"] != answer.get("status") and not given_up:
                yield f"{act}: the receipt says {answer.get('status')}, the journal {event[0]['status']} at {answer['seq']}"


def own_event(told):
    """N4, D1: a receipt that is not marked as duplicate has an event of its own; no two acts share one."""
    owner = {}
    for act in told.acts:
        answer = act.answer
        if answer is not None and answer["t"] == "receipt" and "id" in answer and not answer.get("duplicate"):
            first = owner.setdefault(answer["seq"], act)
            if first is not act:
                yield f"{act} and {first}: both have a receipt of their own for sequence {answer['seq']}"


def heard_is_kept(told):
    """D2, L4: every event that anybody heard, live or in a watch, is in the journal at the end, with the same content for all."""
    for client in told.actors:
        for _, header, body in client.events:
            event = told.at.get(header["seq"])
            if event is None:
                yield f"{client.name}: heard an event of sequence {header['seq']}, which the journal does not have"
            elif without(header, "re") != without(event[0], "re") or body != event[1]:
                yield f"{client.name}: heard {header}, the journal has {event[0]}"
        last = told.stream[-1][0]["seq"] if told.stream else 0
        for _, header, _ in client.tasks:
            if header["seq"] > last or told.assignment(task_request(header["task"]), header["seq"]) == 0:
                yield f"{client.name}: was sent task {header['task']} at {header['seq']}, where the journal has no assignment of it"


def rows_agree(told):
    """D2: a row that was shown, at any time, has the status that the journal has at the row's sequence."""
    for act, row in told.request_rows():
        event = told.at.get(row["seq"])
        if event is None or event[0]["id"] != row["id"]:
            yield f"{act}: a row of request {row['id']} with sequence {row['seq']}, which the journal does not have for it"
        elif event[0]["status"] != row["status"]:
            yield f"{act}: a row of request {row['id']} is {row['status']} at {row['seq']}, the journal says {event[0]['status']}"


def told_before(told):
    """id -> (times, highest sequence told to anybody up to that time)."""
    heard = {}
    for act in told.acts:
        if act.answer is not None and act.answer["t"] == "receipt" and "id" in act.answer:
            heard.setdefault(act.answer["id"], []).append((act.answered_at, act.answer["seq"]))
    for client in told.actors:
        for t, header, _ in client.events:
            heard.setdefault(header["id"], []).append((t, header["seq"]))
    for id, pairs in heard.items():
        pairs.sort()
        times, highest, top = [], [], 0
        for t, seq in pairs:
            top = max(top, seq)
            times.append(t)
            highest.append(top)
        heard[id] = (times, highest)
    return heard


def reads_are_fresh(told):
    """D1: who asks after anybody was told of a change sees that change, across restarts too."""
    heard = told_before(told)
    for act in told.acts:
        if act.name != "get" or act.answer is None or act.header["id"] not in heard:
            continue
        times, highest = heard[act.header["id"]]
        at = bisect.bisect_left(times, act.t)
        if at == 0:
            continue
        if act.answer["t"] == "page":
            row = act.answer["rows"][0]
            if row["seq"] < highest[at - 1]:
                yield f"{act}: shows request {row['id']} at {row['seq']} after {highest[at - 1]} had been told"
        elif act.answer["code"] == "not-found" and told.of.get(act.header["id"], [{}])[0].get("requester") == act.client.party:
            yield f"{act}: request {act.header['id']} of this party is not found after it was told"


def terminal_is_final(told):
    """L1: a request has at most one terminal event, and nothing after it."""
    for id, events in told.of.items():
        ends = [event for event in events if event["status"] in TERMINAL]
        if len(ends) > 1:
            yield f"request {id} ended at {[event['seq'] for event in ends]} as {[event['status'] for event in ends]}"
        if ends and events[-1] is not ends[0]:
            yield f"request {id} went on after it had ended: {events[-1]}"


def steps_are_allowed(told):
    """L2: each status comes from the one before it, by a step of the protocol's diagram."""
    for id, events in told.of.items():
        before = None
        for event in events:
            was, status = event.get("was"), event["status"]
            if was != before:
                yield f"request {id}: at {event['seq']} it is said to have been {was}, it was {before}"
            if status != before and status not in STEPS.get(before, ()):
                yield f"request {id}: from {before} to {status} at {event['seq']}"
            before = status


def conserved(told):
    """L3: the final list has every accepted request once, and nothing else; the requesters' lists together are the operator's."""
    if told.overseer is None:
        return
    rows = told.final_rows(told.overseer)
    listed = {}
    for row in rows:
        if row["id"] in listed:
            yield f"request {row['id']} is listed twice, as {listed[row['id']]['status']} and {row['status']}"
        listed[row["id"]] = row
    for id in told.of.keys() - listed.keys():
        yield f"request {id} was accepted and is in no state of the final list"
    for id in listed.keys() - told.of.keys():
        yield f"request {id} is listed and was never accepted"
    accepted = {act.answer["id"] for act in told.acts if act.name == "submit" and act.answer is not None and act.answer["t"] == "receipt"}
    for id in accepted - listed.keys():
        yield f"request {id} was acknowledged and is not listed"
    for client in told.actors:
        if client.kind == "requester" and "list" in client.final:
            own = [row["id"] for row in told.final_rows(client)]
            want = {id for id, row in listed.items() if row["requester"] == client.party}
            if set(own) != want or len(own) != len(want):
                yield f"{client.name}: its final list has {len(own)} requests, {len(set(own) ^ want)} other than the operator's of {client.party}"


def nobody_else_submitted(told):
    """L3: every accepted request was submitted by somebody of that party, and not every such submission was refused."""
    said = {}
    for act in told.acts:
        if act.name == "submit" and (act.answer is None or act.answer["t"] == "receipt"):
            header = act.header
            said.setdefault((act.client.party, header["service"], header.get("input", {}).get("batch")), []).append(act)
    for act in told.final_gets():
        if act.answer is not None and act.answer["t"] == "page":
            row = act.answer["rows"][0]
            if (row["requester"], row["service"], row.get("input", {}).get("batch")) not in said:
                yield f"request {row['id']} of {row['requester']} with input {row.get('input')}: nobody said that, or it was refused"


def final_get_agrees(told):
    """L4: at the end status, sequence, outcome, result and trail of a get are those of the stream."""
    for act in told.final_gets():
        if act.answer is None or act.answer["t"] != "page":
            yield f"{act}: final get of {act.header['id']} was answered {act.answer}"
            continue
        row, events = act.answer["rows"][0], told.of.get(act.header["id"], [])
        last = events[-1] if events else {}
        if (row["seq"], row["status"], row.get("reason")) != (last.get("seq"), last.get("status"), last.get("reason")):
            yield f"request {row['id']}: get says {row['status']} at {row['seq']}, the stream ended as {last}"
        if [line["seq"] for line in row.get("trail", ())] != [event["seq"] for event in events]:
            yield f"request {row['id']}: its trail has {len(row.get('trail', ()))} lines, the stream {len(events)} events"
        if row["status"] == "completed":
            body = told.at[last["seq"]][1] if last else b""
            if (row.get("outcome"), row.get("output"), act.answer_body) != (last.get("outcome"), last.get("output"), body):
                yield f"request {row['id']}: get shows outcome {row.get('outcome')}, the event {last.get('outcome')}"


def all_ends(told):
    """L5: when the faults had stopped, everything came to its end."""
    for id, events in told.of.items():
        if events[-1]["status"] not in TERMINAL:
            yield f"request {id} is still {events[-1]['status']} at the end"


def stream_rises(told):
    """D4: the sequence of the journal rises and no sequence tells two events."""
    before = 0
    for header, _ in told.stream:
        if header["seq"] <= before:
            yield f"sequence {header['seq']} after {before}"
        before = header["seq"]


def watches_have_no_gaps(told):
    """L4: a watch brings exactly the events of its scope above its start, in order, each once; the final ones bring all of them."""
    wanted = {"all": [header["seq"] for header, _ in told.stream]}
    for client in told.actors:
        for watch in client.watches.values():
            word = {"requester": "requester", "performer": "performer"}.get(watch.scope)
            scope = (watch.scope, client.party) if word else "all"
            if scope not in wanted:
                wanted[scope] = [header["seq"] for header, _ in told.stream if header.get(word) == client.party]
            seqs = wanted[scope]
            begin = bisect.bisect_right(seqs, watch.start)
            want = seqs[begin:begin + len(watch.seqs)]
            if watch.seqs != want:
                at = next((i for i, pair in enumerate(zip(watch.seqs, want)) if pair[0] != pair[1]), len(want))
                yield (f"{client.name} watch {watch.number} ({watch.scope}, from {watch.start}): its event {at} is {watch.seqs[at:at + 2]}, "
                       f"wanted {want[at:at + 2]}")
            elif client.final.get("watch") == watch.number and len(watch.seqs) < len(seqs):
                yield f"{client.name}: its final watch ({watch.scope}) ends at event {len(watch.seqs)} of {len(seqs)}"


RULES = [acknowledged, receipt_status, own_event, heard_is_kept, rows_agree, reads_are_fresh, terminal_is_final, steps_are_allowed, conserved,
         nobody_else_submitted, final_get_agrees, all_ends, stream_rises, watches_have_no_gaps]
