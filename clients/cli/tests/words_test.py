"""Whatever the broker answers in English, and what `qiao` finds wrong with documents and words, is said in Chinese too; and nothing else is in the table."""
import glob
import os
import re
import sys
import tomllib
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..", "..")
sys.path.insert(0, os.path.join(TOP, "tests"))
import tap  # noqa: E402

LITERAL = r'"((?:[^"\\]|\\.)*)"'
LITERALS = re.compile(LITERAL + r'(?:\s*' + LITERAL + r')*')
CONVERSION = re.compile(r"%(?:%|[-+ #0]*[0-9*.]*(?:hh|h|ll|l|z|j)?[a-zA-Z])")

# Of the core every text with a space counts, but for these: texts of files that are loaded and of their faults, figures, the trace.
NOT_SAID = {"catalogue.c", "catalogue_check.c", "on_figures.c", "status.c", "kept.c"}
# Its texts of one word: what a rule asks for, what was got instead, and the candidate that nothing hinders.
ONE_WORD = {"fault": [-3, -2], "blame": [-2, -3], "bounds_check": [4]}
# In the other rooms what these functions are given.
CALLS = {"talk_refuse_stranger": [4], "talk_refuse": [5], "talk_shut": [4], "talk_malformed": [3], "leave_refusal": [5]}
# What the library says of its caller's words and of contexts.
LIBRARY = {"qiaoi_refuse_argument": [2], "check_failed": [2], "qiaoi_context_report": [2], "wrong": [1]}


def code(path):
    """A C file without comments, includes and assertions; strings stay."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r'("(?:[^"\\\n]|\\.)*")|/\*.*?\*/', lambda found: found.group(1) or "", text, flags=re.S)
    text = re.sub(r"^#include.*$", "", text, flags=re.M)
    return re.sub(r'\bassert\(!?"[^"]*"\)|\bstatic_assert\([^;]*;', "", text)


def literals(text):
    """Its strings, those that stand side by side as one."""
    for found in LITERALS.finditer(text):
        yield "".join(re.findall(LITERAL, found.group(0)))


def arguments(text, at):
    """Of a call whose parenthesis is open before `at`."""
    depth, start, out, quoted = 1, at, [], False
    while depth:
        letter = text[at]
        if quoted:
            at += letter == "\\"
            quoted = letter != '"'
        elif letter == '"':
            quoted = True
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        if not quoted and (depth == 0 or (depth == 1 and letter == ",")):
            out.append(text[start:at])
            start = at + 1
        at += 1
    return out


def calls(text, names):
    """The strings in the arguments that matter of each call."""
    for found in re.finditer(r"(?<![\w.>])(" + "|".join(names) + r")\(", text):
        given = arguments(text, found.end())
        for at in names[found.group(1)]:
            if len(given) >= (at + 1 if at >= 0 else -at):
                yield from literals(given[at])


def has_words(text):
    return re.search("[A-Za-z]", CONVERSION.sub("", text))


def pattern(text):
    """A format of the broker as the table writes it: every value %s, also one that is put before or behind."""
    text = CONVERSION.sub("%s", text)
    return ("%s" if text.startswith(": ") else "") + text + ("%s" if text.endswith(" ") else "")


def core_says():
    said = set()
    for path in sorted(glob.glob(os.path.join(TOP, "broker", "core", "*.c"))):
        if os.path.basename(path) in NOT_SAID:
            continue
        text = code(path)
        of = set(calls(text, {"bounds_check": [2]}))
        for one in set(literals(text)) - of:
            if " " in one:
                said |= {pattern(before + one[2:]) for before in of} if one.startswith("%sat ") else {pattern(one)}
        said |= set(calls(text, ONE_WORD))
        for function in re.findall(r"^kind_name\(.*?^\}", text, flags=re.M | re.S):
            said |= set(literals(function))
        said |= {word for word in re.findall(r'row\.why = .*?PROTO_STR\("(\w+)"\)', text)}
    return {one for one in said if has_words(one)}


def others_say():
    said = set()
    for room in ("net", "shell"):
        for path in glob.glob(os.path.join(TOP, "broker", room, "*.c")):
            said |= set(calls(code(path), CALLS))
    for room in ("clients/lib", "proto"):
        for path in glob.glob(os.path.join(TOP, room, "*.c")):
            said |= {CONVERSION.sub("%s", one) for one in calls(code(path), LIBRARY)}
    types = code(os.path.join(TOP, "clients", "lib", "types.c"))
    said |= set(re.findall(r"\{QIAO_\w+, " + LITERAL.replace("(", "(?:", 1) + ", " + LITERAL + r"\}", types))
    said |= {text for text in literals(types[types.index("qiao_status_text("):types.index("qiao_status_name(")])}
    with open(os.path.join(TOP, "proto", "schema.toml"), "rb") as file:
        said |= set(tomllib.load(file)["enum"]["reason"])
    return {one for one in said if has_words(one)}


def program_says():
    """What is wrong with documents and words; the places before it are cut off, and what is put behind it is one value."""
    said = {"unknown command '%s'"}
    for name in ("form.c", "document.c", "args.c"):
        text = code(os.path.join(TOP, "clients", "cli", name))
        said |= set(calls(text, {"say": [2, -1], "complain": [2], "wrong": [2], "snprintf": [2]}))
        said |= set(re.findall(r"\bexpected = " + LITERAL, text))
    kinds = re.findall(r"\{ " + LITERAL + ", " + LITERAL + r", (?:true|false), \w+ \}", code(os.path.join(TOP, "clients", "cli", "scalar.c")))
    said |= {text for _, text in kinds}
    said = {re.sub(r"^%s:(?:%s:)? |(?<=%s)%s$", "", CONVERSION.sub("%s", one)) for one in said}
    return {one for one in said if has_words(one)}


def pairs():
    """The table: English as the broker writes it (%t is a %s that is looked up itself), and Chinese."""
    found = re.findall(r"\{ " + LITERAL + r",\s*" + LITERAL + r" \}", code(os.path.join(TOP, "clients", "cli", "words.c")))
    return {english: chinese for english, chinese in found}, [english for english, _ in found]


class Words(unittest.TestCase):
    def setUp(self):
        self.table, self.keys = pairs()
        self.known = {english.replace("%t", "%s") for english in self.table}

    def test_whatever_the_broker_says_is_there_in_chinese(self):
        said = core_says()
        self.assertGreater(len(said), 150)
        self.assertEqual([], sorted(said - self.known))

    def test_so_is_what_its_other_rooms_the_library_and_the_reasons_say(self):
        said = others_say()
        self.assertGreater(len(said), 80)
        self.assertEqual([], sorted(said - self.known))

    def test_so_is_what_this_program_says_of_documents_and_words(self):
        said = program_says()
        self.assertGreater(len(said), 45)
        self.assertEqual([], sorted(said - self.known))

    def test_no_translation_outlives_its_sentence(self):
        self.assertEqual([], sorted(self.known - core_says() - others_say() - program_says()))

    def test_each_is_there_once_with_the_same_values_in_the_same_order(self):
        self.assertEqual(len(self.table), len(self.keys))
        for english, chinese in self.table.items():
            values = re.findall("%[a-z%]", english)
            self.assertEqual(values, re.findall("%[a-z%]", chinese), english)
            self.assertLessEqual(len(values), 3)
            self.assertLessEqual(set(values), {"%s", "%t"})
            self.assertRegex(chinese, "[\u4e00-\u9fff]|^true")


if __name__ == "__main__":
    tap.main()
