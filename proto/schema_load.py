"""Read schema.toml and events.toml into plain objects, and refuse what contradicts itself.

Knows the file format; does not know C, Python or Markdown (emit_*.py do).
"""

import os
import re
import tomllib
from dataclasses import dataclass, field as dataclass_field

FIELDS_MAX = 64  # a bit each in `has`
EVENT_COMMON_BELOW = 32
KEY_NUMBER_BELOW = 128  # a number key is one byte


class SchemaError(Exception):
    pass


@dataclass
class Field:
    name: str
    number: int
    kind: str  # bool u32 u64 i64 f64 str bin enum map any strs structs
    limit: int = 0
    enum: str = ""
    struct: str = ""
    required: bool = False
    fallback: int = 0
    fallback_name: str = ""
    doc: str = ""
    type_text: str = ""


@dataclass
class Shape:
    """A record, a struct of a list, or an event."""

    name: str
    number: int
    fields: list
    doc: str = ""
    sender: str = ""
    roles: list = dataclass_field(default_factory=list)
    body: bool = False


@dataclass
class Schema:
    version: int
    limits: dict
    enums: dict  # name -> {value name: number}
    enum_docs: dict
    structs: list
    records: list
    event_common: list
    events: list
    retired: dict


SCALARS = {"bool", "u32", "u64", "i64", "f64"}


def field_type(field, text, enums, structs, where):
    """Fill kind, limit, enum and struct from the type text of the schema."""
    field.type_text = text
    parts = text.split(":")
    if text in SCALARS:
        field.kind = text
    elif parts[0] in ("str", "bin", "map") and len(parts) == 2:
        field.kind, field.limit = parts[0], int(parts[1])
    elif parts[0] == "enum" and parts[1] in enums:
        field.kind, field.enum = "enum", parts[1]
    elif parts[0] == "list" and len(parts) == 3:
        field.limit = int(parts[2])
        if parts[1] in ("str", "any"):
            field.kind = {"str": "strs", "any": "any"}[parts[1]]
        elif parts[1] in structs:
            field.kind, field.struct = "structs", parts[1]
    if not field.kind:
        raise SchemaError(f"{where}: type '{text}' is not known")


def fields_load(table, enums, structs, where, lowest=1, highest=FIELDS_MAX):
    fields = []
    for name, row in table.items():
        at = f"{where}.{name}"
        known = {"n", "type", "doc", "required", "default"}
        if set(row) - known:
            raise SchemaError(f"{at}: unknown {sorted(set(row) - known)}")
        field = Field(name, row["n"], "", required=row.get("required", False), doc=row.get("doc", ""))
        field_type(field, row["type"], enums, structs, at)
        if "default" in row:
            if field.kind != "enum":
                raise SchemaError(f"{at}: only an enum may have a default")
            field.fallback_name = row["default"]
            field.fallback = enums[field.enum][row["default"]]
        if not lowest <= field.number <= highest:
            raise SchemaError(f"{at}: number {field.number} is outside {lowest}..{highest}")
        fields.append(field)
    fields.sort(key=lambda f: f.number)
    numbers = [f.number for f in fields]
    if len(set(numbers)) != len(numbers):
        raise SchemaError(f"{where}: a number is used twice")
    if len(fields) > FIELDS_MAX:
        raise SchemaError(f"{where}: more than {FIELDS_MAX} fields")
    return fields


def shapes_load(table, enums, structs, where, **bounds):
    shapes = []
    for name, row in table.items():
        shapes.append(Shape(
            name, row["number"], fields_load(row.get("fields", {}), enums, structs, f"{where}.{name}", **bounds),
            doc=row.get("doc", ""), sender=row.get("from", ""), roles=row.get("roles", []),
            body=row.get("body", False)))
    shapes.sort(key=lambda s: s.number)
    numbers = [s.number for s in shapes]
    if len(set(numbers)) != len(numbers):
        raise SchemaError(f"{where}: a number is used twice")
    return shapes


def enum_docs(text):
    """The comments that stand behind enum values in the file: {(enum, value): doc}."""
    docs, current = {}, None
    for line in text.splitlines():
        head = re.match(r"\[enum\.([\w-]+)\]", line)
        if head:
            current = head.group(1)
        elif line.startswith("["):
            current = None
        elif current:
            value = re.match(r"([\w-]+)\s*=\s*\d+\s*#\s*(.*)", line)
            if value:
                docs[(current, value.group(1))] = value.group(2)
    return docs


def events_load(path, enums, structs):
    if not os.path.exists(path):
        return [], []
    with open(path, "rb") as file:
        raw = tomllib.load(file)
    common = fields_load(raw.get("event_common", {}).get("fields", {}), enums, structs, "event_common",
                         lowest=1, highest=EVENT_COMMON_BELOW - 1)
    events = shapes_load(raw.get("event", {}), enums, structs, "event",
                         lowest=EVENT_COMMON_BELOW, highest=KEY_NUMBER_BELOW - 1)
    return common, events


def load(schema_path, events_path):
    with open(schema_path, "rb") as file:
        raw = tomllib.load(file)
    with open(schema_path, encoding="utf-8") as file:
        docs = enum_docs(file.read())
    enums = raw["enum"]
    for name, values in enums.items():
        if len(set(values.values())) != len(values) or max(values.values()) > 255:
            raise SchemaError(f"enum.{name}: numbers must differ and be at most 255")
    struct_names = set(raw["struct"])
    structs = shapes_load(raw["struct"], enums, struct_names, "struct")
    records = shapes_load(raw["record"], enums, struct_names, "record")
    common, events = events_load(events_path, enums, struct_names)
    retired = raw.get("retired", {})
    for shape in records:
        if shape.number in retired.get("record", []) or shape.name in retired.get("record", []):
            raise SchemaError(f"record.{shape.name}: its number or name is retired")
    return Schema(raw["protocol"]["version"], raw["limits"], enums, docs, structs, records, common, events, retired)
