#!/usr/bin/env python3
"""Reads vectors.txt. As a program:

    vectors.py --schema QIAO_SCHEMA.PY --fill     write the hex of vectors that have none yet

Packs with msgpack for Python, so that the golden bytes do not come from the codec that they check.
"""

import argparse
import importlib.util
import os
import re
import sys
from dataclasses import dataclass, field

import msgpack

HERE = os.path.dirname(os.path.abspath(__file__))
PATH = os.path.join(HERE, "vectors.txt")


@dataclass
class Vector:
    name: str
    record: str = ""
    n: int = 0
    re: int = 0
    fields: list = field(default_factory=list)  # (name, text)
    body: bytes = b""
    hex: str = ""
    page: bool = False
    refusal: str = ""
    path: str = ""
    lines: list = field(default_factory=list)


def vectors_read(path=PATH):
    vectors = []
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            word, _, rest = line.strip().partition(" ")
            if line.startswith("#") or not line.strip():
                continue
            if line.startswith("  "):
                vectors[-1].fields.append((word, rest))
            elif word == "vector":
                vectors.append(Vector(rest.split()[0], page="page" in rest.split()[1:]))
            elif word == "refuse":
                parts = rest.split()
                vectors.append(Vector(parts[0], refusal=parts[1], path=parts[2] if len(parts) > 2 else ""))
            elif word == "record":
                vectors[-1].record = rest.split()[0]
                for number in rest.split()[1:]:
                    setattr(vectors[-1], number.partition("=")[0], int(number.partition("=")[2]))
            elif word == "body":
                vectors[-1].body = bytes.fromhex(rest)
            elif word == "hex":
                vectors[-1].hex = rest.strip()
            else:
                raise SystemExit(f"vectors.txt: line not understood: {line}")
            vectors[-1].lines.append(line)
    return vectors


def schema_load(path):
    spec = importlib.util.spec_from_file_location("qiao_schema", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def value_of(kind, text):
    """A field's text as the Python value that goes on the wire."""
    base = kind.split(":")[0]
    if base == "bool":
        return text == "true"
    if base in ("u32", "u64", "i64"):
        return int(text)
    if base == "f64":
        return float(text)
    if base in ("str", "enum"):
        return text
    raw = bytes.fromhex(text)
    return raw if base == "bin" else msgpack.unpackb(raw, strict_map_key=True)


def meaning(vector, schema):
    """Header as a dict in the order of the wire, and the body."""
    header = {"t": vector.record}
    if vector.n:
        header["n"] = vector.n
    if vector.re:
        header["re"] = vector.re
    types = schema.RECORDS[vector.record]["fields"]
    given = dict(vector.fields)
    for name, row in types.items():
        if name in given:
            header[name] = value_of(row["type"], given.pop(name))
    if given:
        raise SystemExit(f"vectors.txt: {vector.name}: no such fields {sorted(given)}")
    return header, vector.body


def pack(header, body):
    return msgpack.packb(header, use_bin_type=True) + msgpack.packb(body, use_bin_type=True)


def fill(path, schema):
    """Add a hex line to every vector without one."""
    with open(path, encoding="utf-8") as file:
        blocks = re.split(r"\n\n", file.read().rstrip("\n"))
    missing = {v.name: v for v in vectors_read(path) if not v.hex and not v.refusal}
    for i, block in enumerate(blocks):
        head = re.match(r"vector (\S+)", block)
        if head and head.group(1) in missing:
            blocks[i] = block + "\nhex " + pack(*meaning(missing[head.group(1)], schema)).hex()
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n\n".join(blocks) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schema", required=True)
    parser.add_argument("--fill", action="store_true", required=True)
    args = parser.parse_args()
    fill(PATH, schema_load(args.schema))
    return 0


if __name__ == "__main__":
    sys.exit(main())
