"""A short run of the checker for every change: real processes, every kind of fault, no anomaly. tests/checker/campaign runs longer ones."""
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import judge  # noqa: E402
import record  # noqa: E402
import tap  # noqa: E402
from told import Told  # noqa: E402

OPERATIONS = 10_000
EVERY = 500            # operations between two faults
SEED = 1


class Slice(unittest.TestCase):
    def test_history_of_a_run_under_faults_has_no_anomaly(self):
        with tempfile.TemporaryDirectory(prefix="qiao-slice-") as folder:
            recorder = record.record(folder, SEED, OPERATIONS, list(record.FAULTS), EVERY)
            told = Told(folder)
            print(f"# {len(told.acts)} operations, faults {dict(recorder.count)}, {len(told.of)} requests, seed {SEED}", flush=True)
            self.assertGreaterEqual(len(told.acts), OPERATIONS)
            self.assertGreater(recorder.count["kill"], 0)
            self.assertGreater(recorder.count["cut"], 0)
            self.assertGreater(len(told.log), 10)
            self.assertTrue(any(told.secrets["needle"] in act.body for act in told.acts if act.name == "submit"))
            self.assertEqual([], [f"{rule.__name__}: {text}" for rule, found in judge.judge(told) for text in found[:5]])


if __name__ == "__main__":
    tap.main()
