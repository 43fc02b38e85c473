"""The golden vectors, seen from Python: msgpack for Python makes and reads exactly these bytes.

    vectors_test.py [words]      QIAO_SCHEMA names the generated module
"""

import os
import sys
import unittest

import msgpack

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import tap  # noqa: E402
import vectors  # noqa: E402

SCHEMA = vectors.schema_load(os.environ["QIAO_SCHEMA"])
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
