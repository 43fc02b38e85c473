"""Runs unittest cases and speaks TAP, so that meson counts each case.

    if __name__ == "__main__":
        tap.main()
"""
import sys
import unittest


class TapResult(unittest.TestResult):
    def __init__(self, stream):
        super().__init__()
        self.tap = stream
        self.number = 0

    def line(self, ok, test, note=""):
        self.number += 1
        print(f"{'ok' if ok else 'not ok'} {self.number} - {test.id().rpartition('.')[2]}{note}", file=self.tap, flush=True)

    def comment(self, err, test):
        for line in self._exc_info_to_string(err, test).splitlines():
            print("# " + line, file=self.tap)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line(True, test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(True, test, f" # SKIP {reason}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.comment(err, test)
        self.line(False, test)

    def addError(self, test, err):
        super().addError(test, err)
        self.comment(err, test)
        self.line(False, test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.comment(err, test)
            self.line(False, test, f" {subtest}")


def main(module="__main__"):
    """Run the cases of a module, or those whose names contain one of the words on the command line."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    loader = unittest.TestLoader()
    suite = unittest.TestSuite()
    for case in flatten(loader.loadTestsFromName(module)):
        if not words or any(word in case.id() for word in words):
            suite.addTest(case)
    result = TapResult(sys.stdout)
    suite.run(result)
    print(f"1..{result.number}")
    sys.exit(0 if result.wasSuccessful() and result.number else 1)


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item
