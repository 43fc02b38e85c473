"""Prints a dictionary for a target, in libFuzzer's form: the words that its inputs are made of, so that they need not be guessed.

    python3 tests/fuzz/dictionary.py TARGET      broker codec config document readings
"""
import os
import re
import sys
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENT = """service key priority subject prefer exclude require performer fallback not_before complete_by location cost note based_on
traceparent body body_file input batch limit units values price prices on at times sterile extra level rest bare $bin $u64 $f64 eq ne in ge le has
near stat urgent routine any none latitude longitude amount currency 1250.00 CNY 2026-11-30T09:00:00+08:00 +2h nan 1e999 0x1f .5""".split()
READINGS = """time celsius temperature device sensor 2026-03-31T08:00:00+08:00 epcisBody eventList sensorElementList sensorMetadata sensorReport type
Temperature gs1:Temperature value minValue maxValue uom CEL FAH KEL deviceID eventTime startTime endTime exception ALARM_CONDITION
ERROR_CONDITION 1e308 -273.15""".split()


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def wire_words():
    """Names as they stand on the wire: short msgpack strings, length first."""
    schema = tomllib.loads(text("proto/schema.toml"))
    names = set(schema["record"]) | {"t", "n", "re", "l", "l.v", "o", "o.v", "*", "p1", "p2", "r1", "m1", "grade", "litres", "amount"}
    for table in list(schema["record"].values()) + list(schema["struct"].values()):
        names |= set(table.get("fields", {}))
    for codes in schema["enum"].values():
        names |= set(codes)
    return [bytes([0xa0 | len(name)]) + name.encode() for name in sorted(names) if len(name) < 32]


def file_words():
    """Every word in quotes of the loaders' tables, and what values look like."""
    sources = ("config_table.c", "catalogue_schema_load.c", "catalogue_load.c")
    words = {word for source in sources for word in re.findall(r'"\.?([a-z_.]{2,24})"', text("broker/shell/" + source))}
    values = "services leased owned direct least-loaded 30s 15m 8h 14d 64KiB 16MiB true false tcp://127.0.0.1:7420 ipc:///q &a *a <<: {} []"
    return sorted(words) + values.split()


def words(target):
    if target in ("broker", "codec"):
        return wire_words()
    return [word.encode() for word in {"config": file_words, "document": lambda: DOCUMENT, "readings": lambda: READINGS}[target]()]


if __name__ == "__main__":
    for word in words(sys.argv[1]):
        print('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"')
