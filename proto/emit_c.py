"""Write qiao_proto.h and qiao_proto.c: structs, bit constants, enums and tables. Data only; codec.c has the logic."""

C_KEYWORDS = {"enum", "default", "register", "switch", "case", "long", "short", "union", "struct", "int", "float"}
C_TYPES = {"bool": "bool", "u32": "uint32_t", "u64": "uint64_t", "i64": "int64_t", "f64": "double",
           "str": "struct proto_str"}
# The container of a journal event has the name `struct proto_event`, so the record of that name gives way.
RECORD_TAGS = {"event": "event_record", "record": "record_record", "error": "error_record"}


def c_name(name):
    name = name.replace("-", "_")
    return name + "_" if name in C_KEYWORDS else name


def upper(name):
    return name.replace("-", "_").upper()


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def c_type(field):
    if field.kind == "enum":
        return f"enum proto_{c_name(field.enum)}"
    return C_TYPES.get(field.kind, "struct proto_bin")


def record_tag(name):
    return c_name(RECORD_TAGS.get(name, name))


def struct_lines(tag, fields, prefix):
    lines = []
    for bit, field in enumerate(fields):
        lines.append(f"#define PROTO_{prefix}_{upper(field.name)} (UINT64_C(1) << {bit})")
    lines.append(f"struct proto_{tag} {{")
    lines.append("    uint64_t has;")
    for field in fields:
        note = field.type_text + (": " + field.doc if field.doc else "")
        lines.append(f"    {c_type(field)} {c_name(field.name)}; /* {note} */")
    lines.append("};")
    lines.append("")
    return lines


def enum_lines(tag, prefix, values, first=None):
    lines = [f"enum proto_{tag} {{"]
    for name, number in values:
        lines.append(f"    PROTO_{prefix}{upper(name)} = {number},")
    if not values:
        lines.append(f"    PROTO_{prefix}NOTHING = 0,")
    lines.append("};")
    lines.append("")
    return lines


def header_limits(schema):
    lines = [f"#define PROTO_VERSION {schema.version}"]
    for name, value in schema.limits.items():
        lines.append(f"#define PROTO_LIMIT_{upper(name)} {value}")
    for record in schema.records:
        for field in record.fields:
            if field.limit:
                lines.append(f"#define PROTO_{upper(record.name)}_{upper(field.name)}_MAX {field.limit}")
    lines.append("")
    return lines


def header(schema):
    lines = ["/* Made by proto/generate.py from schema.toml and events.toml. Do not edit. */",
             "#ifndef QIAO_PROTO_H", "#define QIAO_PROTO_H", "", '#include "proto/types.h"', ""]
    lines += header_limits(schema)
    lines += enum_lines("enum", "ENUM_", [(name, i) for i, name in enumerate(schema.enums)])
    for name, values in schema.enums.items():
        lines += enum_lines(c_name(name), upper(name) + "_", sorted(values.items(), key=lambda v: v[1]))
    lines += enum_lines("struct", "STRUCT_", [(s.name, s.number) for s in schema.structs])
    for shape in schema.structs:
        lines += struct_lines(c_name(shape.name), shape.fields, upper(shape.name))
    lines += enum_lines("type", "", [(r.name, r.number) for r in schema.records])
    for shape in schema.records:
        lines += struct_lines(record_tag(shape.name), shape.fields, upper(shape.name))
    lines += ["struct proto_record {", "    enum proto_type type;",
              "    uint64_t n;  /* the number that the sender gave it; 0: none */",
              "    uint64_t re; /* the number of the record that it answers; 0: none */",
              "    struct proto_bin body;", "    union {"]
    lines += [f"        struct proto_{record_tag(r.name)} {c_name(r.name)};" for r in schema.records]
    lines += ["    } u;", "};", ""]
    lines += enum_lines("ev", "EV_", [(e.name, e.number) for e in schema.events])
    for shape in schema.events:
        lines += struct_lines("ev_" + c_name(shape.name), shape.fields, "EV_" + upper(shape.name))
    for bit, field in enumerate(schema.event_common):
        lines.append(f"#define PROTO_EV_COMMON_{upper(field.name)} (UINT64_C(1) << {bit})")
    lines += ["/* One journal event: what all events have, then what this kind has. */",
              "struct proto_event {", "    uint64_t has; /* of the common fields */", "    enum proto_ev type;"]
    lines += [f"    {c_type(f)} {c_name(f.name)}; /* {f.type_text}{': ' + f.doc if f.doc else ''} */"
              for f in schema.event_common]
    lines += ["    struct proto_bin body;", "    union {", "        uint64_t has; /* each kind begins with it */"]
    lines += [f"        struct proto_ev_{c_name(e.name)} {c_name(e.name)};" for e in schema.events]
    lines += ["    } u;", "};", ""]
    lines += table_declarations() + ["#endif", ""]
    check_names(lines)
    return "\n".join(lines)


def table_declarations():
    return ["/* The tables; use the functions of proto/codec.h. */",
            "extern const struct proto_enum_desc proto_enums[];", "extern const unsigned proto_enums_count;",
            "extern const struct proto_desc *const proto_records[];", "extern const unsigned proto_records_count;",
            "extern const struct proto_desc *const proto_structs[];", "extern const unsigned proto_structs_count;",
            "extern const struct proto_desc *const proto_evs[];", "extern const unsigned proto_evs_count;",
            "extern const struct proto_desc proto_event_common;",
            "/* Record names: proto_word_slot with these holds the record's number. */",
            "extern const uint8_t proto_name_slots[];", "extern const uint8_t proto_name_factors[3];",
            "extern const unsigned proto_name_slots_count;", ""]


def check_names(lines):
    seen = set()
    for line in lines:
        words = line.split()
        name = words[1] if line.startswith("#define PROTO_") else \
            words[0] if line.startswith("    PROTO_") and "=" in line else None
        if name in seen:
            raise SystemExit(f"proto/generate.py: the C name {name} would be made twice; rename a field or an enum")
        if name:
            seen.add(name)


FIELD_TYPES = {"bool": "BOOL", "u32": "U32", "u64": "U64", "i64": "I64", "f64": "F64", "str": "STR", "bin": "BIN",
               "enum": "ENUM", "map": "MAP", "any": "ANY", "strs": "STRS", "structs": "STRUCTS"}


KEY_BYTES = 16   # PROTO_KEY_BYTES of types.h
WORD_BYTES = 32  # PROTO_WORD_BYTES
# The field's place that shows whether it differs from the default: member behind it, width, bits that count.
PRESENCE = {"bool": ("", 1, "0xff"), "u32": ("", 4, "UINT32_MAX"), "enum": ("", 4, "UINT32_MAX"),
            "u64": ("", 8, "UINT64_MAX"), "i64": ("", 8, "UINT64_MAX"), "f64": ("", 8, "INT64_MAX")}
PRESENCE_LENGTH = (".n", 4, "UINT32_MAX")
HEADER_BYTES = 3 + KEY_BYTES + 2 + 9 + 3 + 9  # map head, first pair, n, re
OVER_BYTES = 64  # what fixed-size copies may write behind the end


def key_bytes(field, number_keys):
    if number_keys:
        return bytes([field.number])
    name = field.name.encode()
    return word_bytes(field.name, KEY_BYTES)


def word_bytes(name, room):
    name = name.encode()
    if not 0 < len(name) < room:
        raise SystemExit(f"proto/generate.py: the name {name} is longer than {room - 1} bytes")
    return bytes([0xA0 | len(name)]) + name


def c_bytes(data):
    return "{" + ", ".join(f"0x{byte:02x}" for byte in data) + "}"


def field_rows(tag, fields, number_keys, enums):
    lines = []
    for field in fields:
        key = key_bytes(field, number_keys)
        named = sum(1 << number for number in enums.get(field.enum, {}).values())
        lines.append(
            f"    {{.name = {c_string(field.name)}, .key = {c_bytes(key)}, .name_len = {len(field.name)}, "
            f".key_len = {len(key)}, .number = {field.number}, .type = PROTO_FIELD_{FIELD_TYPES[field.kind]}, "
            f".required = {str(field.required).lower()}, "
            f".enum_id = {'PROTO_ENUM_' + upper(field.enum) if field.enum else 0}, "
            f".struct_id = {'PROTO_STRUCT_' + upper(field.struct) if field.struct else 0}, "
            f".offset = offsetof(struct proto_{tag}, {c_name(field.name)}), .limit = {field.limit}, "
            f".words = {'enum_' + c_name(field.enum) + '_words' if field.enum else 'NULL'}, "
            f".named = UINT64_C({named if named < 2 ** 64 else 0:#x}), .fallback = {field.fallback}, .doc = {c_string(field.doc)}}},")
    return lines


def field_mask(fields, wanted):
    return f"UINT64_C({sum(1 << bit for bit, field in enumerate(fields) if wanted(field)):#x})"


def presence_rows(tag, fields):
    lines = []
    for field in fields:
        member, width, bits = PRESENCE.get(field.kind, PRESENCE_LENGTH)
        place = f"offsetof(struct proto_{tag}, {c_name(field.name)}{member})"
        lines.append(f"    PROTO_PRESENCE({place}, {width}, {bits}, {field.fallback}),")
    lines += ["    {0, 0, 0},"] * (-len(fields) % 4)
    return lines


def first_pair(symbol, shape):
    if symbol.startswith("record_"):
        return bytes([0xA1]) + b"t" + word_bytes(shape.name, KEY_BYTES - 2)
    if symbol.startswith("ev_"):
        return bytes([0, shape.number]) if shape.number < 128 else bytes([0, 0xCC, shape.number])
    return b""


SMALL_BYTES = 64  # text up to this limit counts as small: its room is always made


def small_value(field, number_keys):
    """The most bytes of an encoded value, or 0: unbounded, or too many to make room for them without a look."""
    if field.kind in ("str", "bin"):
        return 2 + field.limit if field.limit <= SMALL_BYTES else 0
    if field.kind == "enum":
        return 5 if number_keys else WORD_BYTES
    return 9 if field.kind in PRESENCE else 0


def fixed_max(fields, number_keys):
    values = sum(len(key_bytes(field, number_keys)) + (small_value(field, number_keys) or 9) for field in fields)
    return HEADER_BYTES + OVER_BYTES + values


def desc_lines(symbol, tag, shape, number_keys, enums):
    lines = []
    if shape.fields:
        lines += [f"static const struct proto_field {symbol}_fields[] = {{"]
        lines += field_rows(tag, shape.fields, number_keys, enums) + ["};"]
        lines += [f"static const struct proto_presence {symbol}_presence[] = {{"]
        lines += presence_rows(tag, shape.fields) + ["};"]
    head = first_pair(symbol, shape)
    roles = " | ".join(f"1u << PROTO_ROLE_{upper(role)}" for role in shape.roles) or "0"
    storage = "" if symbol == "proto_event_common" else "static "
    lines += [
        f"{storage}const struct proto_desc {symbol} = {{.name = {c_string(shape.name)}, .name_len = {len(shape.name)}, "
        f".number = {shape.number}, .size = sizeof(struct proto_{tag}), .count = {len(shape.fields)}, "
        f".body = {str(shape.body).lower()}, .from_client = {str(shape.sender in ('client', 'both')).lower()}, "
        f".from_broker = {str(shape.sender in ('broker', 'both')).lower()}, .roles = {roles}, "
        f".required = {field_mask(shape.fields, lambda f: f.required)}, "
        f".defaulted = {field_mask(shape.fields, lambda f: f.fallback)}, "
        f".enums = {field_mask(shape.fields, lambda f: f.kind == 'enum')}, "
        f".variable = {field_mask(shape.fields, lambda f: not small_value(f, number_keys))}, "
        f".head = {c_bytes(head) if head else '{0}'}, .head_len = {len(head)}, "
        f".fixed_max = {fixed_max(shape.fields, number_keys)}, "
        f".presence = {symbol + '_presence' if shape.fields else 'NULL'}, "
        f".fields = {symbol + '_fields' if shape.fields else 'NULL'}, .doc = {c_string(shape.doc)}}};", ""]
    return lines


def pointer_table(name, rows):
    size = max([number for number, _ in rows], default=0) + 1
    return [f"const struct proto_desc *const {name}[{size}] = {{"] + \
        [f"    [{number}] = &{symbol}," for number, symbol in rows] + \
        ["};", f"const unsigned {name}_count = {size};", ""]


def name_slots(names):
    """Slots and factors for proto_word_slot, so that every name of [(name, number)] gets a slot of its own."""
    names = [(name.encode(), number) for name, number in names]
    for size in (16, 32, 64, 128, 256, 512, 1024):
        for factor in range(1 if size >= len(names) else 32 ** 3, 32 ** 3):
            a, b, c = factor % 32, factor // 32 % 32, factor // 1024
            slots = {}
            for n, number in names:
                slots[(len(n) + n[0] * a + n[-1] * b + n[len(n) // 2] * c + n[len(n) // 4] +
                       7 * n[-1 - len(n) // 4]) % size] = number
            if len(slots) == len(names):
                return slots, (a, b, c), size
    raise SystemExit(f"proto/generate.py: no free slots for {names}")


def slot_lines(symbol, slots, size):
    return [f"{symbol}[{size}] = {{" + " ".join(f"[{slot}] = {number}," for slot, number in sorted(slots.items())) + "};"]


def enum_tables(schema):
    lines, rows = [], []
    for name, values in schema.enums.items():
        slots, factors, size = name_slots(values.items())
        lines.append(f"static const struct proto_str enum_{c_name(name)}[] = {{")
        lines += [f"    [{number}] = {{{c_string(value)}, {len(value)}}}," for value, number in values.items()]
        lines += ["};", f"static const uint8_t enum_{c_name(name)}_words[][PROTO_WORD_BYTES] = {{"]
        lines += [f"    [{number}] = {c_bytes(word_bytes(value, WORD_BYTES))}," for value, number in values.items()]
        lines += ["};"] + slot_lines(f"static const uint8_t enum_{c_name(name)}_slots", slots, size)
        rows.append(f"    [PROTO_ENUM_{upper(name)}] = {{{c_string(name)}, {max(values.values()) + 1}, "
                    f"enum_{c_name(name)}, enum_{c_name(name)}_words, enum_{c_name(name)}_slots, "
                    f"{{{', '.join(str(factor) for factor in factors)}}}, {size}}},")
    lines += ["const struct proto_enum_desc proto_enums[] = {"] + rows
    lines += ["};", f"const unsigned proto_enums_count = {len(schema.enums)};", ""]
    return lines


def source(schema):
    from schema_load import Shape
    lines = ["/* Made by proto/generate.py from schema.toml and events.toml. Do not edit. */",
             '#include "qiao_proto.h"', ""]
    lines += enum_tables(schema)
    for shape in schema.structs:
        lines += desc_lines(f"struct_{c_name(shape.name)}", c_name(shape.name), shape, False, schema.enums)
    lines += pointer_table("proto_structs", [(s.number, f"struct_{c_name(s.name)}") for s in schema.structs])
    for shape in schema.records:
        lines += desc_lines(f"record_{c_name(shape.name)}", record_tag(shape.name), shape, False, schema.enums)
    lines += pointer_table("proto_records", [(r.number, f"record_{c_name(r.name)}") for r in schema.records])
    lines += desc_lines("proto_event_common", "event", Shape("event_common", 0, schema.event_common), True,
                        schema.enums)
    for shape in schema.events:
        lines += desc_lines(f"ev_{c_name(shape.name)}", f"ev_{c_name(shape.name)}", shape, True, schema.enums)
    lines += pointer_table("proto_evs", [(e.number, f"ev_{c_name(e.name)}") for e in schema.events])
    slots, factors, size = name_slots([(r.name, r.number) for r in schema.records])
    lines += slot_lines("const uint8_t proto_name_slots", slots, size)
    lines += [f"const uint8_t proto_name_factors[3] = {{{', '.join(str(factor) for factor in factors)}}};",
              f"const unsigned proto_name_slots_count = {size};", ""]
    return "\n".join(lines)
