"""QSRP/1 between dictionaries and bytes.

A frame is one or more records; a record is a msgpack map with "t" first, then a msgpack bin (the body).
"""
import msgpack

from . import schema

DEPTH_MAX = schema.LIMITS["depth"]


class WireError(ValueError):
    """Bytes that are no record, or a record outside the schema."""


def encode(name, fields, body=b""):
    """One record. `fields` holds n, re and the record's fields; None means absent."""
    record = schema.RECORDS.get(name)
    if record is None:
        raise WireError(f"no record is called {name!r}")
    header = {"t": name}
    for key, value in fields.items():
        if value is None:
            continue
        if key not in ("n", "re"):
            kind = record["fields"].get(key)
            if kind is None:
                raise WireError(f"{name} has no field {key!r}")
            if kind["type"] == "f64":
                value = float(value)
        header[key] = value
    return msgpack.packb(header, use_bin_type=True) + msgpack.packb(bytes(body), use_bin_type=True)


def decode(frame):
    """The records of a frame: a list of (name, header, body)."""
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=schema.LIMITS["frame_bytes"])
    unpacker.feed(frame)
    records = []
    while unpacker.tell() < len(frame):
        try:
            header = unpacker.unpack()
            body = unpacker.unpack()
        except (msgpack.OutOfData, ValueError, UnicodeDecodeError) as error:
            raise WireError(f"byte {unpacker.tell()}: {error or 'cut short'}") from error
        if not isinstance(header, dict) or not isinstance(header.get("t"), str) or not isinstance(body, bytes):
            raise WireError(f"byte {unpacker.tell()}: a record is a map with t, then a bin")
        records.append((header.pop("t"), header, body))
    return records
