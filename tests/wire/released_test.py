"""The wire only grows: whatever a released schema has, today's has under the same number with the same type.

    released_test.py [words]
"""

import glob
import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
sys.path.insert(0, os.path.join(ROOT, "proto"))
sys.dont_write_bytecode = True

import schema_load  # noqa: E402
import tap  # noqa: E402


def complaints_of_fields(where, old, new):
    now = {field.name: field for field in new}
    for field in old:
        other = now.get(field.name)
        if other is None:
            yield f"{where}.{field.name} is gone"
            continue
        if other.number != field.number:
            yield f"{where}.{field.name} has another number"
        if (other.kind, other.enum, other.struct, other.fallback) != (field.kind, field.enum, field.struct, field.fallback):
            yield f"{where}.{field.name} has another type or default"
        if other.limit < field.limit:
            yield f"{where}.{field.name} has a lower limit"
    before = {field.name for field in old}
    for field in new:
        if field.required and field.name not in before:
            yield f"{where}.{field.name} is new and required"


def complaints_of_shapes(what, old, new):
    now = {shape.name: shape for shape in new}
    for shape in old:
        other = now.get(shape.name)
        if other is None:
            yield f"{what}.{shape.name} is gone"
        elif (other.number, other.sender) != (shape.number, shape.sender) or (shape.body and not other.body):
            yield f"{what}.{shape.name} has another number, sender or body"
        else:
            yield from complaints_of_fields(f"{what}.{shape.name}", shape.fields, other.fields)


def complaints(old, new):
    """What of the old schema the new one breaks."""
    for enum, values in old.enums.items():
        for word, number in values.items():
            if new.enums.get(enum, {}).get(word) != number:
                yield f"enum.{enum}.{word} is gone or has another number"
    for name, value in old.limits.items():
        if new.limits.get(name, 0) < value:
            yield f"limit {name} is lower"
    yield from complaints_of_shapes("struct", old.structs, new.structs)
    yield from complaints_of_shapes("record", old.records, new.records)


class Released(unittest.TestCase):
    def setUp(self):
        self.today = schema_load.load(os.path.join(ROOT, "proto", "schema.toml"), "")
        self.released = sorted(glob.glob(os.path.join(ROOT, "proto", "released", "qsrp-*.toml")))

    def test_todays_schema_keeps_every_promise_of_the_released_ones(self):
        self.assertTrue(self.released)
        for path in self.released:
            self.assertEqual([], list(complaints(schema_load.load(path, ""), self.today)), path)

    def test_a_removed_renumbered_or_retyped_field_would_be_found(self):
        old = schema_load.load(self.released[-1], "")
        cases = {
            "is gone": lambda s: s.records[5].fields.pop(0),
            "another number": lambda s: setattr(s.records[5].fields[0], "number", 60),
            "another type": lambda s: setattr(s.records[5].fields[0], "kind", "u32"),
            "lower limit": lambda s: setattr(s.records[5].fields[0], "limit", 1),
            "new and required": lambda s: s.records[5].fields.append(schema_load.Field("x", 61, "u32", required=True)),
        }
        for expected, spoil in cases.items():
            new = schema_load.load(self.released[-1], "")
            spoil(new)
            found = list(complaints(old, new))
            self.assertEqual(1, len(found), expected)
            self.assertIn(expected, found[0])

    def test_a_contradiction_in_the_schema_is_refused(self):
        for text in ("a = { n = 1, type = 'u33' }", "a = { n = 65, type = 'u32' }",
                     "a = { n = 1, type = 'u32' }\nb = { n = 1, type = 'u32' }", "a = { n = 1, type = 'u32', size = 3 }"):
            import tomllib
            with self.assertRaises(schema_load.SchemaError):
                schema_load.fields_load(tomllib.loads(text), {}, set(), "record.x")


if __name__ == "__main__":
    tap.main()
