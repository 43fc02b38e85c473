"""Write the Python module of tables: what the pure-Python client and the tests know of the wire. Data only."""

PAGE_ROWS = {"service": "service_row", "party": "party_row", "task": "request"}


def fields_dict(fields):
    table = {}
    for field in fields:
        row = {"number": field.number, "type": field.type_text, "required": field.required}
        if field.kind == "enum":
            row["enum"] = field.enum
        if field.struct:
            row["struct"] = field.struct
        if field.limit:
            row["limit"] = field.limit
        if field.fallback_name:
            row["default"] = field.fallback_name
        if field.doc:
            row["doc"] = field.doc
        table[field.name] = row
    return table


def table_lines(name, rows):
    lines = [f"{name} = {{"]
    for key, row in rows:
        fields = row.pop("fields")
        lines.append(f"    {key!r}: {{")
        lines += [f"        {k!r}: {v!r}," for k, v in row.items()]
        lines.append("        'fields': {")
        lines += [f"            {k!r}: {v!r}," for k, v in fields.items()]
        lines += ["        },", "    },"]
    return lines + ["}", ""]


def module(schema):
    lines = ['"""Made by proto/generate.py from schema.toml. Do not edit."""', "", f"VERSION = {schema.version}", "",
             "LIMITS = {"]
    lines += [f"    {k!r}: {v!r}," for k, v in schema.limits.items()]
    lines += ["}", "", "ENUMS = {"]
    for name, values in schema.enums.items():
        lines.append(f"    {name!r}: {{")
        lines += [f"        {word!r}: {number}," for word, number in values.items()]
        lines.append("    },")
    lines += ["}", ""]
    lines += table_lines("STRUCTS", [
        (s.name, {"number": s.number, "fields": fields_dict(s.fields)}) for s in schema.structs])
    lines += table_lines("RECORDS", [
        (r.name, {"number": r.number, "from": r.sender, "roles": r.roles, "body": r.body, "doc": r.doc,
                  "fields": fields_dict(r.fields)}) for r in schema.records])
    lines.append("# The struct of a page's rows, by the page's kind.")
    rows = {kind: PAGE_ROWS.get(kind, kind) for kind in schema.enums["page_kind"]}
    lines += [f"PAGE_ROWS = {rows!r}", ""]
    return "\n".join(lines)
