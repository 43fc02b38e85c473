"""C5 of a real broker, quickly: a short run with a kill, its log at the level debug; nothing that was carried is in it, and nothing wrong is repeated."""
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import record  # noqa: E402
import rules_quiet  # noqa: E402
import tap  # noqa: E402
from told import Told  # noqa: E402

OPERATIONS = 1500


class Quiet(unittest.TestCase):
    def test_log_and_refusals_hold_nothing_that_was_carried(self):
        with tempfile.TemporaryDirectory(prefix="qiao-quiet-") as folder:
            record.record(folder, 1, OPERATIONS, ["kill"], 600)
            told = Told(folder)
            needle = told.secrets["needle"]
            print(f"# {len(told.acts)} operations, {len(told.log)} lines of the log, {len(told.secrets)} secrets", flush=True)
            self.assertGreater(len(told.log), 5)
            for name in ("submit", "complete"):
                self.assertTrue(any(needle in act.body for act in told.acts if act.name == name), name)
            self.assertTrue(any(act.answer["code"] == "invalid" for act in told.acts if act.answer is not None and act.answer["t"] == "refusal"))
            self.assertEqual([], [f"{rule.__name__}: {text}" for rule in rules_quiet.RULES for text in list(rule(told))[:5]])


if __name__ == "__main__":
    tap.main()
