"""The command line without a broker: help, manual pages, completion, usage, keys, contexts that lead nowhere."""
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE]
import tap  # noqa: E402
from broker import Finished, program  # noqa: E402

DONE, USAGE, DATA, NO_INPUT, UNREACHABLE, CANNOT_CREATE, CONFIG = 0, 64, 65, 66, 69, 73, 78


class Alone(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="qiao-cli-")
        self.addCleanup(shutil.rmtree, self.home, True)
        self.env = {**os.environ, "QIAO_CONFIG_DIR": os.path.join(self.home, "config"), "LC_ALL": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1"}
        self.env.pop("QIAO_CONTEXT", None)

    def qiao(self, *words, env=None, **more):
        return Finished(subprocess.run([program("qiao"), *words], env={**self.env, **(env or {})}, capture_output=True, text=True, cwd=self.home,
                                       stdin=subprocess.DEVNULL, check=False, **more))

    def commands(self):
        """The names of all commands, from the table that the README shows."""
        names = []
        for line in self.qiao("help", "--markdown").out.splitlines():
            if line.startswith("| `qiao "):
                words = line.split("`")[1].split()[1:]
                names.append([word for word in words if word.islower() and not word.startswith("[")])
        self.assertGreater(len(names), 45)
        return names

    def write(self, name, text):
        path = os.path.join(self.home, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def context(self, endpoint, mode=0o600):
        path = self.write("context", f"endpoint = {endpoint}\nparty = acme\n")
        os.chmod(path, mode)
        return path


class Help(Alone):
    def test_every_command_explains_itself_in_both_languages(self):
        for words in self.commands():
            for lang in ("en", "zh"):
                done = self.qiao("help", *words, "--lang", lang)
                self.assertEqual(DONE, done.code, f"{words} {done}")
                self.assertIn("qiao " + " ".join(words), done.out)
            self.assertEqual(DONE, self.qiao(*words, "--help").code, words)

    def test_errors_are_told_in_the_language_and_to_programs_in_english(self):
        self.assertIn("不是编号", self.qiao("get", "xyz", "--lang", "zh").err)
        self.assertIn("is no id", self.qiao("get", "xyz", "--lang", "en").err)
        self.assertIn("is no id", self.qiao("get", "xyz", "--lang", "zh", "--json").err)
        wrong = ("submit", "-", "--dry-run", "--priority")
        for words, chinese, english in ((("soon",), "--priority: 'soon' 应为 以下之一:routine", "--priority: 'soon' is not one of routine"),
                                        (("stat", "--sett", "a=1"), "未知选项 --sett", "unknown option --sett"),
                                        (("stat",), "context: 尚未选定", "context: none is current")):
            for more, told in (((), chinese), (("--json",), english)):
                self.assertIn(told, self.qiao("--lang", "zh", *more, *wrong, *words).err)

    def test_language_follows_the_locale_and_the_option_outranks_it(self):
        self.assertIn("用法", self.qiao("help", env={"LC_ALL": "zh_CN.UTF-8"}).out)
        self.assertIn("Usage", self.qiao("help", "--lang", "en", env={"LC_ALL": "zh_CN.UTF-8"}).out)

    def test_topics_and_families(self):
        self.assertIn("--key", self.qiao("help", "exit-codes").out)
        self.assertIn("not_before", self.qiao("help", "document").out)
        family = self.qiao("party")
        self.assertEqual(USAGE, family.code)
        self.assertIn("party invite", family.err)
        self.assertIn("party invite", self.qiao("help", "party").out)

    def test_version_is_told(self):
        self.assertRegex(self.qiao("--version").out, r"^qiao \d+\.\d+\.\d+$")
        self.assertIn("version", self.qiao("version", "--json").json())

    def test_no_line_of_help_is_wider_than_a_terminal(self):
        for words in self.commands():
            for line in self.qiao("help", *words).out.splitlines():
                if not line.startswith("  qiao "):
                    self.assertLessEqual(len(line), 80, line)


class Usage(Alone):
    def test_wrong_words_end_with_64_and_say_which(self):
        for words, said in ((["nonsense"], "nonsense"), (["get"], "ID is missing"), (["list", "--nonsense"], "--nonsense"), (["get", "a", "b"], "'b'"),
                            (["list", "--limit", "x"], "--limit"), (["submit", "f", "--priority", "soon"], "routine"), (["submit"], "document"),
                            (["get", "not-an-id"], "not-an-id"), (["completion", "fish"], "fish"),
                            (["pause"], "--party"), (["worker", "run", "-s", "x"], "--exec")):
            done = self.qiao(*words)
            self.assertEqual(USAGE, done.code, f"{words} {done}")
            self.assertIn(said, done.err, words)
            self.assertEqual("", done.out, words)

    def test_a_word_that_is_almost_a_command_is_told_the_command(self):
        for words, meant in ((["sumbit", "a.yaml"], "submit"), (["lst"], "list"), (["party", "ad", "x"], "party add"), (["contxt", "list"], "context list"),
                             (["desk", "complet"], "desk complete"), (["worker", "rum"], "worker run")):
            done = self.qiao(*words)
            self.assertEqual(USAGE, done.code, words)
            self.assertIn(f"did you mean: qiao {meant}\n", done.err)
            self.assertIn(f"您是否想用: qiao {meant}\n", self.qiao("--lang", "zh", *words).err)
        self.assertIn("unknown command 'party ad'", self.qiao("party", "ad").err)
        for words in (["frobnicate"], ["x"], ["ls"], ["party"]):
            self.assertNotIn("did you mean", self.qiao(*words).err, words)

    def test_output_that_cannot_be_written_is_73_and_said(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([program("qiao"), "help"], stdout=full, stderr=subprocess.PIPE, text=True, env=self.env)
        self.assertEqual(CANNOT_CREATE, done.returncode)
        self.assertIn("cannot write to standard output", done.stderr)

    def test_errors_are_json_when_json_is_asked_for(self):
        done = self.qiao("get", "x", "--json")
        self.assertEqual(USAGE, json.loads(done.err)["exit_code"])

    def test_nothing_to_read_is_66_and_no_context_is_78(self):
        self.assertEqual(NO_INPUT, self.qiao("submit", "not-there.yaml").code)
        done = self.qiao("list")
        self.assertEqual(CONFIG, done.code)
        self.assertIn("qiao context import", done.err)

    def test_a_document_that_is_no_document_is_65_with_its_line(self):
        path = self.write("bad.yaml", "service: a\n  input: b\n")
        done = self.qiao("submit", path)
        self.assertEqual(DATA, done.code)
        self.assertRegex(done.err, r"bad\.yaml:\d+")
        done = self.qiao("submit", self.write("bad.json", '{"service": }'))
        self.assertEqual(DATA, done.code)
        self.assertIn("bad.json:1", done.err)


class Away(Alone):
    def test_nobody_at_the_endpoint_is_69(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            context = self.context(f"tcp://127.0.0.1:{taken.getsockname()[1]}")
            done = self.qiao("list", "-c", context, "--timeout", "300ms")
        self.assertEqual(UNREACHABLE, done.code, done)
        self.assertIn("next:", done.err)

    def test_a_context_that_others_may_read_is_refused(self):
        path = self.context("tcp://127.0.0.1:1", 0o644)
        with open(path, "a", encoding="utf-8") as file:
            file.write("server_key = " + "0" * 40 + "\npublic_key = " + "0" * 40 + "\nsecret_key = " + "0" * 40 + "\n")
        done = self.qiao("list", "-c", path)
        self.assertEqual(CONFIG, done.code, done)
        self.assertIn("600", done.err)


class Keys(Alone):
    def test_keygen_writes_a_pair_that_only_its_owner_reads_and_never_overwrites(self):
        done = self.qiao("keygen", "-o", "my.key")
        self.assertEqual(DONE, done.code, done)
        self.assertEqual(40, len(done.out.strip()))
        path = os.path.join(self.home, "my.key")
        self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(done.out.strip(), text)
        self.assertNotIn(text.split("secret_key = ")[1].strip(), done.out + done.err)
        self.assertEqual(CANNOT_CREATE, self.qiao("keygen", "-o", "my.key").code)

    def test_contexts_are_imported_listed_and_used(self):
        self.assertEqual([], self.qiao("context", "list", "--json").rows())
        path = self.context("tcp://127.0.0.1:1")
        for name in ("one", "two"):
            self.assertEqual(DONE, self.qiao("context", "import", path, "--name", name).code)
        rows = {row["name"]: row["current"] for row in self.qiao("context", "list", "--json").rows()}
        self.assertEqual({"one": True, "two": False}, rows)
        self.assertEqual(DONE, self.qiao("context", "use", "two").code)
        self.assertEqual("one\ntwo\n", self.qiao("context", "list", "-q").out)
        self.assertTrue(self.qiao("context", "list", "--json").rows()[1]["current"])
        self.assertEqual(CONFIG, self.qiao("context", "use", "three").code)
        self.assertEqual(NO_INPUT, self.qiao("context", "import", "not-there").code)


class Pages(Alone):
    def test_manual_pages_have_no_warnings(self):
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        for lang in ("en", "zh"):
            folder = os.path.join(self.home, lang)
            self.assertEqual(DONE, self.qiao("man", "-o", folder, "--lang", lang).code)
            pages = sorted(os.listdir(folder))
            self.assertEqual(len(self.commands()) + 1, len(pages))
            for page in pages:
                done = subprocess.run(["groff", "-K", "utf8", "-man", "-Tutf8", "-ww", "-z", os.path.join(folder, page)],
                                      capture_output=True, text=True, check=False)
                self.assertEqual("", done.stderr, page)

    def test_a_page_tells_the_choices_in_the_sentence_that_they_belong_to(self):
        self.assertIn("how pressing it is; one of:\nroutine\n", self.qiao("man", "submit").out)

    def test_one_page_names_the_exit_codes(self):
        self.assertIn("EXIT STATUS", self.qiao("man", "submit").out)

    def test_completion_scripts_are_valid(self):
        for shell in ("bash", "zsh"):
            if not shutil.which(shell):
                continue
            path = self.write(shell, self.qiao("completion", shell).out)
            done = subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False)
            self.assertEqual((0, ""), (done.returncode, done.stderr))

    def complete(self, *words):
        path = self.write("completion", self.qiao("completion", "bash").out)
        script = f'source {path}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _qiao; printf "%s\\n" "${{COMPREPLY[@]}}"'
        env = {**self.env, "PATH": os.path.dirname(program("qiao")) + ":" + self.env["PATH"]}
        return subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, env=env, check=True).stdout.split()

    def test_options_before_the_command_are_no_command(self):
        for before in (["-c", "x"], ["--context", "x"], ["-j"], ["--timeout", "5s", "--utc"]):
            self.assertEqual(["submit"], self.complete("qiao", *before, "sub"), before)
            self.assertIn("invite", self.complete("qiao", *before, "party", ""), before)
            self.assertEqual(["urgent"], self.complete("qiao", *before, "submit", "-p", "ur"), before)
        self.assertNotIn("-c", self.complete("qiao", "get", "-"))

    def test_zsh_is_given_the_options_with_what_they_say(self):
        if not shutil.which("zsh"):
            self.skipTest("zsh is not installed")
        path = self.write("_qiao", self.qiao("completion", "zsh").out)
        # What zsh's own completion functions would be given; the real ones need a terminal.
        stubs = ('compdef() { : }; compadd() { shift; print -l -- "$@" }; _describe() { print -r -- "_describe $*"; print -l -- ${(P)3} }; '
                 'words=("$@"); CURRENT=$#; source ')
        def asked(*words):
            return subprocess.run(["zsh", "-f", "-c", stubs + path + "; _qiao", "zsh", *words], capture_output=True, text=True, env=self.env,
                                  check=True).stdout.splitlines()
        shown = asked("qiao", "-c", "x", "submit", "--")
        self.assertEqual("_describe -o option shown", shown[0])
        self.assertIn("--priority:how pressing it is", shown)
        self.assertIn("invite", asked("qiao", "party", ""))
        self.assertIn("urgent", asked("qiao", "submit", "-p", ""))

    def test_bash_completes_commands_options_and_choices(self):
        self.assertEqual(["submit"], self.complete("qiao", "sub"))
        self.assertIn("invite", self.complete("qiao", "party", ""))
        self.assertEqual(["--wait", "--wait-at-most"], self.complete("qiao", "submit", "--wa"))
        self.assertEqual(["routine", "urgent", "asap", "stat"], self.complete("qiao", "submit", "--priority", ""))
        self.write("request.yaml", "")
        self.assertIn("--context", self.complete("qiao", "get", "--con"))


if __name__ == "__main__":
    tap.main()
