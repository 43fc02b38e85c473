"""Rules about keys, work and sight: N1, N2, N3, N4, A1, A2, A3, A4, A6, C3, C4, and that answers are of the right kind."""
import msgpack

from told import TERMINAL, task_request, without

PAGES = {"get", "list", "explain", "services", "queues", "workers", "stats"}
TASK_ACTS = {"accept", "reject", "start", "progress", "hold", "ask", "complete", "verify", "fail", "release"}
NOT_CONTENT = ("t", "n", "notify", "traceparent")
SIGHT = {"get", "cancel", "close", "explain", "reply"}
ENDERS = {"lapsed", "released", "rejected", "failed", "requeued", "exhausted"}     # events after which a task waits for somebody again

LOST = {"lapsed", "failed", "rejected"}                                           # of those, the ones that count as an attempt


def one_answer_of_its_kind(told):
    """Section 4: a record is answered at most once, by the kind that belongs to it or by a refusal; nothing is answered that was not said."""
    for act in told.acts:
        if act.answers > 1:
            yield f"{act}: was answered {act.answers} times"
        if act.answer is not None and act.answer["t"] != "refusal":
            page = act.name in PAGES or (act.name == "party" and act.header["action"] == "list")
            if act.answer["t"] != ("page" if page else "receipt"):
                yield f"{act}: was answered by a {act.answer['t']}"
    for client in told.actors:
        for header in client.unknown:
            yield f"{client.name}: heard an answer to n={header['re']}, which it never said: {header}"


# ---------------------------------------------------------------- keys

def key_of(act):
    header = act.header
    if header.get("key"):
        return act.client.party, header["service"], header["key"]
    return (act.client.party, header["producer"], header["pseq"]) if "producer" in header else None


def content_of(act):
    return msgpack.packb(sorted((key, value) for key, value in act.header.items() if key not in NOT_CONTENT)), act.body


def submissions(told):
    for act in told.acts:
        if act.name == "submit" and act.answer is not None:
            key = key_of(act)
            if key is not None:
                yield act, key


def same_key_same_id(told):
    """N1: the same key with the same content is the same request, at any time and from any member of the party."""
    first = {}
    for act, key in submissions(told):
        if act.answer["t"] == "receipt":
            known = first.setdefault((key, content_of(act)), act)
            if known.answer["id"] != act.answer["id"]:
                yield f"{act}: key {key} is request {act.answer['id']}, for {known} it was {known.answer['id']}"


def one_accepted_per_key(told):
    """N1: of all receipts for one key at most one is no duplicate."""
    first = {}
    for act, key in submissions(told):
        if act.answer["t"] == "receipt" and not act.answer.get("duplicate"):
            known = first.setdefault(key, act)
            if known is not act:
                yield f"{act} and {known}: key {key} was accepted twice"


def other_content_conflicts(told):
    """N2: the same key with other content is never taken; and a conflict is never told without other content, and names the first request."""
    taken = {}
    for act, key in submissions(told):
        if act.answer["t"] == "receipt":
            known = taken.setdefault(key, act)
            if content_of(known) != content_of(act):
                yield f"{act} and {known}: key {key} was taken with two contents"
    for act, key in submissions(told):
        if act.answer["t"] == "refusal" and act.answer["code"] == "conflict" and key in taken:
            if content_of(act) == content_of(taken[key]):
                yield f"{act}: the content that was taken for key {key} is told to be in conflict"
            elif act.answer.get("id") != taken[key].answer["id"]:
                yield f"{act}: the conflict of key {key} names {act.answer.get('id')}, not {taken[key].answer['id']}"


def keys_do_not_meet(told):
    """N3: different keys, services or parties are different requests."""
    owner = {}
    for act, key in submissions(told):
        if act.answer["t"] == "receipt":
            known = owner.setdefault(act.answer["id"], key)
            if known != key:
                yield f"{act}: request {act.answer['id']} is that of {known} and of {key}"


def sent_back(told, one, other):
    low, high = sorted((one["seq"], other["seq"]))
    return any(event["event"] == "sent_back" and low < event["seq"] < high for event in told.of.get(one["id"], ()))


def same_result_same_receipt(told):
    """N4: the same result under the same fence, said again, is a duplicate of the same request and task, or refused; it is taken again only
    after a colleague had sent it back."""
    first = {}
    for act in told.acts:
        if act.name == "complete" and act.answer is not None and act.answer["t"] == "receipt":
            key = (act.client.party, act.header["task"], act.header["fence"], act.header["outcome"])
            known = first.setdefault(key, act)
            if known is act:
                continue
            if (known.answer["id"], known.answer.get("task")) != (act.answer["id"], act.answer.get("task")):
                yield f"{act}: the same result as {known} has another receipt"
            elif not act.answer.get("duplicate") and not known.answer.get("duplicate") and not sent_back(told, known.answer, act.answer):
                yield f"{act}: the same result as {known} was taken twice"


# ---------------------------------------------------------------- work

def fences(told):
    """sequence of an assignment -> {fence: [client]}, as the performers were told; every task record names one in force."""
    found = {}
    for client in told.actors:
        for _, header, _ in client.tasks:
            at = told.assignment(task_request(header["task"]), header["seq"])
            found.setdefault(at, {}).setdefault(header["fence"], []).append(client)
    return found


def one_live_assignment(told):
    """A1: an assignment has one fence and one party, a fence one assignment; a task is assigned again only after it came back."""
    owner = {}
    for at, by_fence in fences(told).items():
        if at == 0:
            yield f"a task was sent that was never assigned: fences {list(by_fence)}"
            continue
        if len(by_fence) > 1:
            yield f"the assignment at {at} has the fences {list(by_fence)}"
        for fence, clients in by_fence.items():
            if owner.setdefault(fence, at) != at:
                yield f"fence {fence} is that of the assignments at {owner[fence]} and {at}"
            for client in clients:
                if client.party != told.at[at][0].get("performer"):
                    yield f"{client.name} was sent the task that is assigned to {told.at[at][0].get('performer')} at {at}"
    for id, events in told.of.items():
        held = False
        for event in events:
            if event["event"] == "assigned":
                if held:
                    yield f"request {id} is assigned at {event['seq']} while it is with somebody"
                held = True
            elif event["event"] in ENDERS:
                held = False


def fences_rise(told):
    """A2: in the order of the assignments fences rise strictly, over all tasks and across restarts."""
    last_at, last = 0, 0
    for at, by_fence in sorted(fences(told).items()):
        for fence in sorted(by_fence):
            if fence <= last and at != last_at:
                yield f"fence {fence} of the assignment at {at} is not above {last} of the one at {last_at}"
            last_at, last = at, max(last, fence)


def stale_is_refused(told):
    """A3, A4: a receipt for work goes only to the party and fence of the assignment in force at the receipt's sequence."""
    known = {at: set(by_fence) for at, by_fence in fences(told).items()}
    for act in told.acts:
        answer = act.answer
        if act.name not in TASK_ACTS or "fence" not in act.header or answer is None or answer["t"] != "receipt" or "seq" not in answer:
            continue
        id = task_request(act.header["task"])
        if answer["id"] != id:
            yield f"{act}: an act on request {id} has a receipt of {answer['id']}"
            continue
        at = told.assignment(id, answer["seq"])
        if at == 0 or (at in known and act.header["fence"] not in known[at]):
            yield f"{act}: fence {act.header['fence']} has a receipt at {answer['seq']}, where {sorted(known.get(at, ()))} is in force"
        elif told.at[at][0].get("performer") != act.client.party:
            yield f"{act}: {act.client.party} has a receipt for a task of {told.at[at][0].get('performer')}"


def heard_higher_is_refused(told):
    """A3: who was sent a task again under a higher fence gets no receipt of its own for the lower one any more."""
    for client in told.actors:
        if not client.tasks:
            continue
        moments = sorted([(t, 0, header["task"], header["fence"], None) for t, header, _ in client.tasks]
                         + [(act.t, 1, act.header["task"], act.header["fence"], act) for act in client.acts
                            if act.name in TASK_ACTS and "fence" in act.header and act.answer is not None], key=lambda moment: moment[:2])
        highest = {}
        for _, _, task, fence, act in moments:
            if act is None:
                highest[task] = max(highest.get(task, 0), fence)
            elif fence < highest.get(task, 0) and act.answer["t"] == "receipt" and not act.answer.get("duplicate"):
                yield f"{act}: fence {fence} was taken although {highest[task]} had been told for task {task}"


def result_from_the_assigned(told):
    """A3, A4, N4: the outcome of a request is one that its performer said under the fence in force, with that content, and that was not refused."""
    known = {at: set(by_fence) for at, by_fence in fences(told).items()}
    said = {}
    for act in told.acts:
        if act.name == "complete" and "outcome" in act.header:
            said.setdefault(act.header["outcome"], []).append(act)
    for header, body in told.stream:
        if header["status"] != "completed":
            continue
        at = told.assignment(header["id"], header["seq"])
        acts = [act for act in said.get(header.get("outcome"), ()) if task_request(act.header["task"]) == header["id"]]
        if not acts:
            yield f"request {header['id']}: nobody said the outcome {header.get('outcome')}"
            continue
        act = acts[0]
        if all(one.answer is not None and one.answer["t"] == "refusal" for one in acts):
            yield f"request {header['id']}: its outcome is that of {act}, which was refused"
        if act.client.party != header.get("performer") or at == 0 or act.client.party != told.at[at][0].get("performer"):
            yield f"request {header['id']}: its outcome is that of {act}, its performer {header.get('performer')}"
        if at in known and act.header["fence"] not in known[at]:
            yield f"request {header['id']}: its outcome was said under fence {act.header['fence']}, in force was {sorted(known[at])}"
        if (act.body, act.header.get("output"), act.header.get("charge", 0)) != (body, header.get("output"), header.get("charge", 0)):
            yield f"request {header['id']}: its result is not what {act} said"


def work_is_what_was_submitted(told):
    """D6: the performer gets the input and the body that the requester submitted; after an answer to its question, the body of the answer if it has one."""
    content, replies = {}, {}
    for act in told.acts:
        if act.name == "reply" and act.body:
            replies.setdefault(act.header["id"], set()).add(act.body)
        if act.name == "submit" and act.answer is not None and act.answer["t"] == "receipt":
            content.setdefault(act.answer["id"], act)
    for client in told.actors:
        for _, header, body in client.tasks:
            act = content.get(task_request(header["task"]))
            if act is None or header.get("reply"):
                continue
            if header.get("input") != act.header.get("input") or (body != act.body and body not in replies.get(task_request(header["task"]), ())):
                yield f"{client.name}: task {header['task']} brought {header.get('input')} {body!r}, {act} said {act.header.get('input')} {act.body!r}"


def attempts_are_limited(told):
    """A6: no request is tried more often than its service allows, counted anew after each requeue; then it is on hold."""
    for id, events in told.of.items():
        limit = told.limits.get(events[0]["service"], {}).get("attempts", 0)
        if limit == 0:
            continue
        rounds, tries, held = 1, 0, False
        for event in events:
            if event["event"] == "assigned":
                held = True
            elif event["event"] in ENDERS:
                tries += held and event["event"] in LOST and event["status"] not in TERMINAL
                held = False
            rounds += event["event"] == "requeued"
        highest = max((event.get("attempt", 0) for event in events), default=0)
        if highest > limit * rounds or tries > limit * rounds:
            yield f"request {id}: attempt {highest}, {tries} lost attempts, the limit is {limit} in each of {rounds} rounds"


# ---------------------------------------------------------------- sight

def may_see(told, client, id):
    """True, False, or None when it has changed during the run and the answer may have been either."""
    events = told.of.get(id)
    if client.kind in ("overseer", "stage"):
        return True
    if not events:
        return False
    if events[0]["requester"] == client.party:
        return True
    return None if any(event.get("performer") == client.party for event in events) else False


def foreign_is_absent(told):
    """C3: another party's ids are answered exactly as those of nobody; lists and watches show nobody else's."""
    answers = {}
    for act in told.acts:
        if act.answer is None or act.answer.get("path") in ("hello", "key"):
            continue
        if act.name in SIGHT and may_see(told, act.client, act.header["id"]) is False:
            id = act.header["id"]
        elif act.name in TASK_ACTS and "task" in act.header and act.client.kind == "performer" and \
                may_see(told, act.client, task_request(act.header["task"])) is False:
            id = task_request(act.header["task"])
        else:
            continue
        if act.answer["t"] != "refusal" or act.answer["code"] not in ("not-found", "forbidden"):
            yield f"{act}: request {id}, which is not of {act.client.party}, was answered {act.answer}"
            continue
        kind = act.name, act.client.kind, act.header.get("code")
        answers.setdefault(kind, {}).setdefault(msgpack.packb(sorted(without(act.answer, "re").items())), []).append((id, act))
    for kind, by_answer in answers.items():
        if len(by_answer) > 1:
            yield f"{kind}: ids that a party may not see are told apart: {[without(found[0][1].answer, 're') for found in by_answer.values()]}"
    for act, row in told.request_rows():
        if may_see(told, act.client, row["id"]) is False:
            yield f"{act}: shows request {row['id']} of {row.get('requester')} to {act.client.party}"
    for client in told.actors:
        for _, header, _ in client.events:
            if may_see(told, client, header["id"]) is False:
                yield f"{client.name}: was told of request {header['id']} of {header.get('requester')}"


def unverified_is_hidden(told):
    """C3: outcome and charge of a result are nobody's but its performer's until the request is completed; an agreed abort tells its cost."""
    for client in told.actors:
        for _, header, _ in client.events:
            if header["status"] != "completed" and header.get("outcome"):
                yield f"{client.name}: was told the outcome of a request that is {header['status']}: {header}"
    for act, row in told.request_rows():
        if row["status"] != "completed" and row.get("outcome") and act.client.party == row["requester"]:
            yield f"{act}: shows the outcome of request {row['id']}, which is {row['status']}"


def revoked_is_refused(told):
    """C4: whatever a member says after the operator has the receipt of its revocation is not answered, or refused as forbidden."""
    for act in told.acts:
        if act.name != "party" or act.header.get("action") != "revoke" or act.answer is None or act.answer["t"] != "receipt":
            continue
        key, party = act.header.get("key"), act.header["party"]
        for client in told.actors:
            if client.key == key if key else client.party == party:
                for late in client.acts:
                    if late.t > act.answered_at and late.answer is not None and (late.answer["t"] != "refusal" or late.answer["code"] != "forbidden"):
                        yield f"{late}: said after the revocation of {client.member} of {client.party}, answered {late.answer}"
                for t, _ in client.welcomes:
                    if max((hello for hello in client.hellos if hello <= t), default=0) > act.answered_at:
                        yield f"{client.name}: was welcomed after its revocation"


def epochs_rise(told):
    """Section 3: the epoch of the broker never falls, whoever asks."""
    welcomes = sorted((t, welcome["epoch"], client.name) for client in told.clients for t, welcome in client.welcomes)
    for before, after in zip(welcomes, welcomes[1:]):
        if after[1] < before[1]:
            yield f"{after[2]}: welcomed with epoch {after[1]} after {before[2]} with {before[1]}"


RULES = [one_answer_of_its_kind, same_key_same_id, one_accepted_per_key, other_content_conflicts, keys_do_not_meet, same_result_same_receipt,
         one_live_assignment, fences_rise, stale_is_refused, heard_higher_is_refused, result_from_the_assigned, work_is_what_was_submitted,
         attempts_are_limited, foreign_is_absent, unverified_is_hidden, revoked_is_refused, epochs_rise]
