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
            "/* Record names: slot (length + first * a + last * b + middle * 3 + second) mod size holds the record's number. */",
            "extern const uint8_t proto_name_slots[];", "extern const unsigned proto_name_factors[3];", ""]


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


def key_bytes(field, number_keys):
    if number_keys:
        return bytes([field.number])
    name = field.name.encode()
    if len(name) > 31:
        raise SystemExit(f"proto/generate.py: the field name {field.name} is longer than 31 bytes")
    return bytes([0xA0 | len(name)]) + name


def field_rows(tag, fields, number_keys):
    lines = []
    for field in fields:
        key = key_bytes(field, number_keys)
        text = "".join(f"\\x{byte:02x}" for byte in key)
        lines.append(
            f"    {{.name = {c_string(field.name)}, .key = (const uint8_t *)\"{text}\", .name_len = {len(field.name)}, "
            f".key_len = {len(key)}, .number = {field.number}, .type = PROTO_FIELD_{FIELD_TYPES[field.kind]}, "
            f".required = {str(field.required).lower()}, "
            f".enum_id = {'PROTO_ENUM_' + upper(field.enum) if field.enum else 0}, "
            f".struct_id = {'PROTO_STRUCT_' + upper(field.struct) if field.struct else 0}, "
            f".offset = offsetof(struct proto_{tag}, {c_name(field.name)}), .limit = {field.limit}, "
            f".fallback = {field.fallback}, .doc = {c_string(field.doc)}}},")
    return lines


def field_mask(fields, wanted):
    return f"UINT64_C({sum(1 << bit for bit, field in enumerate(fields) if wanted(field)):#x})"


def desc_lines(symbol, tag, shape, number_keys):
    lines = []
    if shape.fields:
        lines += [f"static const struct proto_field {symbol}_fields[] = {{"]
        lines += field_rows(tag, shape.fields, number_keys) + ["};"]
    roles = " | ".join(f"1u << PROTO_ROLE_{upper(role)}" for role in shape.roles) or "0"
    storage = "" if symbol == "proto_event_common" else "static "
    lines += [
        f"{storage}const struct proto_desc {symbol} = {{.name = {c_string(shape.name)}, .name_len = {len(shape.name)}, "
        f".number = {shape.number}, .size = sizeof(struct proto_{tag}), .count = {len(shape.fields)}, "
        f".body = {str(shape.body).lower()}, .from_client = {str(shape.sender in ('client', 'both')).lower()}, "
        f".from_broker = {str(shape.sender in ('broker', 'both')).lower()}, .roles = {roles}, "
        f".required = {field_mask(shape.fields, lambda f: f.required)}, "
        f".defaulted = {field_mask(shape.fields, lambda f: f.fallback)}, "
        f".fields = {symbol + '_fields' if shape.fields else 'NULL'}, .doc = {c_string(shape.doc)}}};", ""]
    return lines


def pointer_table(name, rows):
    size = max([number for number, _ in rows], default=0) + 1
    return [f"const struct proto_desc *const {name}[{size}] = {{"] + \
        [f"    [{number}] = &{symbol}," for number, symbol in rows] + \
        ["};", f"const unsigned {name}_count = {size};", ""]


def name_slots(records):
    """Find factors with which every record name gets a slot of its own."""
    names = [(r.name.encode(), r.number) for r in records]
    for size in (64, 128, 256, 512):
        for a in range(1, 64):
            for b in range(1, 64):
                slots = {(len(n) + n[0] * a + n[-1] * b + 3 * n[len(n) // 2] + n[1]) % size: number for n, number in names}
                if len(slots) == len(names):
                    return slots, (a, b, size)
    raise SystemExit("proto/generate.py: no free slots for the record names")


def enum_tables(schema):
    lines = []
    for name, values in schema.enums.items():
        lines.append(f"static const struct proto_str enum_{c_name(name)}[] = {{")
        lines += [f"    [{number}] = {{{c_string(value)}, {len(value)}}}," for value, number in values.items()]
        lines += ["};"]
    lines.append("const struct proto_enum_desc proto_enums[] = {")
    for name, values in schema.enums.items():
        lines.append(f"    [PROTO_ENUM_{upper(name)}] = {{{c_string(name)}, {max(values.values()) + 1}, "
                     f"enum_{c_name(name)}}},")
    lines += ["};", f"const unsigned proto_enums_count = {len(schema.enums)};", ""]
    return lines


def source(schema):
    from schema_load import Shape
    lines = ["/* Made by proto/generate.py from schema.toml and events.toml. Do not edit. */",
             '#include "qiao_proto.h"', ""]
    lines += enum_tables(schema)
    for shape in schema.structs:
        lines += desc_lines(f"struct_{c_name(shape.name)}", c_name(shape.name), shape, False)
    lines += pointer_table("proto_structs", [(s.number, f"struct_{c_name(s.name)}") for s in schema.structs])
    for shape in schema.records:
        lines += desc_lines(f"record_{c_name(shape.name)}", record_tag(shape.name), shape, False)
    lines += pointer_table("proto_records", [(r.number, f"record_{c_name(r.name)}") for r in schema.records])
    lines += desc_lines("proto_event_common", "event", Shape("event_common", 0, schema.event_common), True)
    for shape in schema.events:
        lines += desc_lines(f"ev_{c_name(shape.name)}", f"ev_{c_name(shape.name)}", shape, True)
    lines += pointer_table("proto_evs", [(e.number, f"ev_{c_name(e.name)}") for e in schema.events])
    slots, factors = name_slots(schema.records)
    lines += [f"const uint8_t proto_name_slots[{factors[2]}] = {{"]
    lines += [f"    [{slot}] = {number}," for slot, number in sorted(slots.items())] + ["};"]
    lines += [f"const unsigned proto_name_factors[3] = {{{factors[0]}, {factors[1]}, {factors[2]}}};", ""]
    return "\n".join(lines)
