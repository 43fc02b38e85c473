"""Whatever the program says to people while it runs, it says in Chinese too, with the same values in the same places."""
import glob
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "tests"))
import tap  # noqa: E402

STRING = r'"((?:[^"\\]|\\.)*)"'
CONVERSION = re.compile(r"%[-+ #0]*[0-9*.]*(?:hh|h|ll|l|z|j)?[a-zA-Z]")


def pairs():
    with open(os.path.join(HERE, "..", "notes.c"), encoding="utf-8") as file:
        return dict(re.findall(r"\{ " + STRING + r",\s*" + STRING + r" \}", file.read()))


def said():
    """Every format that is given to cli_note or cli_error, and where."""
    for path in sorted(glob.glob(os.path.join(HERE, "..", "*.c"))):
        with open(path, encoding="utf-8") as file:
            source = file.read()
        for call in re.finditer(r"\bcli_(?:note|error)\((?=[^)]*?\")", source):
            format = re.compile(STRING).search(source, call.end())
            yield os.path.basename(path), format.group(1)


class Notes(unittest.TestCase):
    def test_every_note_is_there_in_chinese(self):
        known = pairs()
        found = list(said())
        self.assertGreater(len(found), 50)
        missing = sorted({f"{path}: {format}" for path, format in found if re.search("[A-Za-z]{2}", CONVERSION.sub("", format)) and format not in known})
        self.assertEqual([], missing)

    def test_no_translation_outlives_its_note(self):
        self.assertEqual(set(), set(pairs()) - {format for _, format in said()})

    def test_values_stand_in_the_same_order(self):
        for english, chinese in pairs().items():
            self.assertEqual(CONVERSION.findall(english), CONVERSION.findall(chinese), english)
            self.assertRegex(chinese, "[\u4e00-\u9fff]")


if __name__ == "__main__":
    tap.main()
