"""Rules about what nobody is told: C5. The recorder puts a needle into every body, input, output and wrong value, and notes it with all secret keys."""
import base64

import zmq.utils.z85


def forms(secret):
    """How a log line may hold a secret; half of it is enough, because a line may be cut."""
    texts = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    if len(secret) == 40:                    # a key as Z85, as people keep it
        raw = zmq.utils.z85.decode(secret)
        texts += [bytes(byte if 0x20 <= byte != 0x7f else ord("?") for byte in raw), raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw)]
    return [text[:(len(text) + 1) // 2] for text in texts]


def holds(text, secrets):
    """Names of the secrets that a text holds."""
    return [name for name, secret in secrets.items() if any(form in text for form in forms(secret))]


def log_is_silent(told):
    """C5: no line that the broker logged holds anything of a body, an input, an output or a secret key."""
    if holds(b"\n".join(told.log), told.secrets):
        for number, line in enumerate(told.log, 1):
            for name in holds(line, told.secrets):
                yield f"line {number} of the log holds {name}: {line.decode(errors='replace')}"


def refusals_are_silent(told):
    """C5: a refusal names the place and the rule, and never the value; figures hold none either."""
    needles = {name: secret for name, secret in told.secrets.items() if name == "needle"}
    for act in told.acts:
        if act.answer is not None and (act.answer["t"] == "refusal" or act.name == "stats"):
            if holds(repr(act.answer).encode(), needles):
                yield f"{act}: was answered {act.answer}"


RULES = [log_is_silent, refusals_are_silent]
