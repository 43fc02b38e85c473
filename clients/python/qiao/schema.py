"""The generated tables of the wire (proto/schema.toml), found beside this file, in $QIAO_SCHEMA_DIR or in the build folder."""
import importlib.util
import os

HERE = os.path.dirname(os.path.abspath(__file__))


def _find():
    top = os.path.join(HERE, "..", "..", "..")
    places = [HERE, os.environ.get("QIAO_SCHEMA_DIR", ""), os.path.join(top, "build", "clients", "python")]
    for place in places:
        path = os.path.join(place, "qiao_schema.py")
        if place and os.path.isfile(path):
            return path
    raise ImportError("qiao_schema.py is missing: build the project (deploy/test does), or name its folder in QIAO_SCHEMA_DIR")


_spec = importlib.util.spec_from_file_location("qiao_schema", _find())
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

ENUMS = _module.ENUMS
LIMITS = _module.LIMITS
RECORDS = _module.RECORDS
STRUCTS = _module.STRUCTS
VERSION = _module.VERSION
