#!/usr/bin/env python3
"""Make from schema.toml and events.toml what the other languages need.

    generate.py --c-header FILE --c-source FILE     for the C codec (meson does this)
    generate.py --python FILE                       types and tables of the Python client (meson does this)
    generate.py --protocol PAGE                     write the tables and examples into PROTOCOL.md, between its markers
    generate.py --protocol PAGE --check             exit 1 when the page is not what would be written

Nothing that it writes but PROTOCOL.md is committed.
"""

import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import emit_c  # noqa: E402
import emit_protocol  # noqa: E402
import emit_python  # noqa: E402
import schema_load  # noqa: E402


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def protocol(args, schema):
    with open(args.protocol, encoding="utf-8") as file:
        old = file.read()
    new = emit_protocol.page(old, schema, args.vectors)
    if args.check:
        if new != old:
            print(f"{args.protocol} is not fresh: run proto/generate.py --protocol {args.protocol}")
        return int(new != old)
    write(args.protocol, new)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schema", default=os.path.join(HERE, "schema.toml"))
    parser.add_argument("--events", default=os.path.join(HERE, "events.toml"))
    parser.add_argument("--c-header")
    parser.add_argument("--c-source")
    parser.add_argument("--python")
    parser.add_argument("--protocol")
    parser.add_argument("--vectors", default=os.path.join(HERE, os.pardir, "tests", "wire", "vectors.txt"))
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    try:
        schema = schema_load.load(args.schema, args.events)
    except schema_load.SchemaError as error:
        sys.exit(f"proto/generate.py: {error}")
    if args.c_header:
        write(args.c_header, emit_c.header(schema))
    if args.c_source:
        write(args.c_source, emit_c.source(schema))
    if args.python:
        write(args.python, emit_python.module(schema))
    if args.protocol:
        return protocol(args, schema)
    return 0


if __name__ == "__main__":
    sys.exit(main())
