"""The golden vectors, seen from Python: msgpack for Python makes and reads exactly these bytes.

    vectors_test.py [words]      QIAO_SCHEMA_DIR holds the generated module
"""

import os
import sys
import unittest

import msgpack

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "python"))
import tap  # noqa: E402
import vectors  # noqa: E402
from qiao import wire  # noqa: E402

SCHEMA = vectors.schema_load(os.path.join(os.environ["QIAO_SCHEMA_DIR"], "qiao_schema.py"))
VECTORS = vectors.vectors_read()


class Golden(unittest.TestCase):
    def test_python_packs_every_meaning_to_the_golden_bytes(self):
        for vector in VECTORS:
            if not vector.refusal:
                self.assertEqual(vectors.pack(*vectors.meaning(vector, SCHEMA)).hex(), vector.hex, vector.name)

    def test_python_reads_every_golden_vector_back(self):
        for vector in VECTORS:
            if vector.refusal:
                continue
            unpacker = msgpack.Unpacker(strict_map_key=True)
            unpacker.feed(bytes.fromhex(vector.hex))
            header, body = unpacker.unpack(), unpacker.unpack()
            self.assertEqual((header, body), vectors.meaning(vector, SCHEMA), vector.name)
            self.assertRaises(msgpack.OutOfData, unpacker.unpack)

    def test_the_python_client_writes_and_reads_the_golden_bytes(self):
        for vector in VECTORS:
            if vector.refusal:
                continue
            header, body = vectors.meaning(vector, SCHEMA)
            name = header.pop("t")
            self.assertEqual(wire.encode(name, header, body).hex(), vector.hex, vector.name)
            self.assertEqual(wire.decode(bytes.fromhex(vector.hex) * 2), [(name, header, body)] * 2, vector.name)

    def test_every_record_that_the_hot_path_needs_has_a_vector(self):
        have = {vector.record for vector in VECTORS}
        for name in ("hello", "welcome", "submit", "receipt", "task", "complete", "event", "refusal", "offer", "renew",
                     "enrol", "party", "watch", "credit", "page"):
            self.assertIn(name, have)

    def test_enum_words_and_numbers_are_unique(self):
        for name, values in SCHEMA.ENUMS.items():
            self.assertEqual(len(values), len(set(values.values())), name)


if __name__ == "__main__":
    tap.main()
