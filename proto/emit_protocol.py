"""Write the generated parts of PROTOCOL.md: limits, codes, records, rows, and the byte-exact examples.

The page is committed; each generated part stands between two marker lines:
    <!-- made: NAME -->  ...  <!-- end: NAME -->
"""

import re

SENDERS = {"client": "client → broker", "broker": "broker → client", "both": "either side"}


def cell(text):
    return text.replace("|", "\\|")


def type_cell(field):
    text = f"`{field.type_text}`"
    if field.required:
        text += ", required"
    if field.fallback_name:
        text += f", default `{field.fallback_name}`"
    return text


def fields_table(fields):
    if not fields:
        return ["No fields.", ""]
    lines = ["| field | type | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{f.name}` | {type_cell(f)} | {cell(f.doc)} |" for f in fields]
    return lines + [""]


def part_limits(schema, _vectors):
    lines = ["| limit | value |", "| --- | --- |"]
    return lines + [f"| `{name}` | {value} |" for name, value in schema.limits.items()]


def part_codes(schema, _vectors):
    lines = ["| code | words |", "| --- | --- |"]
    for name, values in schema.enums.items():
        words = []
        for word in values:
            doc = schema.enum_docs.get((name, word))
            words.append(f"`{word}`" + (f" ({cell(doc)})" if doc else ""))
        lines.append(f"| `{name}` | {', '.join(words)} |")
    return lines


def part_records(schema, _vectors):
    lines = []
    for record in schema.records:
        lines += [f"#### `{record.name}`", ""]
        notes = [SENDERS[record.sender]]
        if record.roles:
            notes.append("role " + " or ".join(record.roles))
        if record.body:
            notes.append("carries a body")
        lines += ["; ".join(notes) + ". " + record.doc, ""]
        lines += fields_table(record.fields)
    return lines[:-1]


def part_rows(schema, _vectors):
    lines = []
    for shape in schema.structs:
        lines += [f"#### `{shape.name}`", "", shape.doc, ""] + fields_table(shape.fields)
    return lines[:-1]


def value_text(kind, text):
    """Maps, lists and bins of the vectors are hex there; people want to see what is in them."""
    base = kind.split(":")[0]
    if base in ("map", "list"):
        import json

        import msgpack
        return json.dumps(msgpack.unpackb(bytes.fromhex(text)), ensure_ascii=False)
    return text + " (hex)" if base == "bin" else text


def part_examples(schema, vectors):
    types = {r.name: {f.name: f.type_text for f in r.fields} for r in schema.records}
    lines = []
    for vector in vectors:
        lines += [f"`{vector['record']}` ({vector['name']})", "", "```"]
        lines += [f"{name:<12} {value}" for name, value in vector["head"]]
        lines += [f"{name:<12} {value_text(types[vector['record']][name], text)}" for name, text in vector["fields"]]
        if vector["body"]:
            lines.append(f"{'(body)':<12} {vector['body']} (hex)")
        lines.append("")
        lines += [" ".join(vector["hex"][i:i + 2] for i in range(at, min(at + 64, len(vector["hex"])), 2))
                  for at in range(0, len(vector["hex"]), 64)]
        lines += ["```", ""]
    return lines[:-1]


def page_vectors(path):
    """The vectors marked `page` of tests/wire/vectors.txt."""
    vectors, current = [], None
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            word, _, rest = line.strip().partition(" ")
            if word in ("vector", "refuse") and not line.startswith(" "):
                current = None
                if word == "vector" and rest.endswith(" page"):
                    current = {"name": rest.split()[0], "head": [], "fields": [], "body": "", "hex": ""}
                    vectors.append(current)
            elif current is None or not line.strip() or line.startswith("#"):
                continue
            elif line.startswith("  "):
                current["fields"].append((word, rest))
            elif word == "record":
                current["record"] = rest.split()[0]
                current["head"] = [("t", current["record"])] + [tuple(p.split("=")) for p in rest.split()[1:]]
            else:
                current[word] = rest
    return vectors


PARTS = {"limits": part_limits, "codes": part_codes, "records": part_records, "rows": part_rows,
         "examples": part_examples}


def page(text, schema, vectors_path):
    """The page with its generated parts made anew."""
    vectors = page_vectors(vectors_path)
    for name, make in PARTS.items():
        pattern = re.compile(rf"(<!-- made: {name} -->\n).*?(<!-- end: {name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"proto/generate.py: the page has no part '{name}'")
        body = "\n".join(make(schema, vectors)) + "\n"
        text = pattern.sub(lambda found, body=body: found.group(1) + body + found.group(2), text)
    return text
