"""Request ids: an unsigned 64-bit number (shard 8 | UTC seconds 32 | counter 24), shown as 13 characters of Crockford base32."""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
VALUES = {letter: value for value, letter in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}


def id_text(number):
    """The 13 characters that people see."""
    return "".join(ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def id_number(text):
    """The number behind the 13 characters; case does not matter, O reads as 0, I and L as 1. ValueError for anything else."""
    if isinstance(text, int):
        return text
    if len(text) != 13:
        raise ValueError(f"an id has 13 characters, not {len(text)}: {text!r}")
    number = 0
    for letter in text.upper():
        if letter not in VALUES:
            raise ValueError(f"{letter!r} is not a character of an id: {text!r}")
        number = number << 5 | VALUES[letter]
    if number >> 64:
        raise ValueError(f"an id is at most F..., 64 bits: {text!r}")
    return number
