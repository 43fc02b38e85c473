"""The README does what it says: its walk through runs as written, its table is the program's own."""
import os
import re
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True
import tap  # noqa: E402
from broker import BUILD, program  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def section(name):
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
        return file.read().split(f"<!-- {name}: begin -->\n")[1].split(f"<!-- {name}: end -->")[0]


class Readme(unittest.TestCase):
    def test_the_walk_through_runs_as_written(self):
        script = "\n".join(re.findall(r"```sh\n(.*?)```", section("walk"), re.S))
        script = script.replace("$PWD/build/", os.path.abspath(BUILD) + "/")
        with socket.socket() as probe:                 # beside a running broker: another port
            probe.bind(("127.0.0.1", 0))
            script = script.replace("qiaod init $PARK/data", f"qiaod init $PARK/data --endpoint tcp://127.0.0.1:{probe.getsockname()[1]}")
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
        env.pop("QIAO_CONTEXT", None)
        with tempfile.TemporaryDirectory() as folder:
            env["TMPDIR"] = folder
            trap = "trap 'code=$?; kill $(jobs -p) 2>/dev/null || :; wait; exit $code' EXIT\n"
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", "set -m\n" + trap + script], cwd=TOP, env=env, capture_output=True, text=True,
                                  timeout=120, stdin=subprocess.DEVNULL)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            self.assertEqual([], os.listdir(folder), "something was left behind")
        for words in ("HELLO FROM HELIX", "reversed", "known already: yes"):
            self.assertIn(words, done.stdout)

    def test_the_table_of_commands_is_the_programs_own(self):
        made = subprocess.run([program("qiao"), "help", "--markdown"], check=True, capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout
        self.assertEqual(made.strip(), section("commands").strip(), "run: qiao help --markdown, and put it between the markers")


if __name__ == "__main__":
    tap.main()
