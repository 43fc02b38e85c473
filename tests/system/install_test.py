"""A stranger installs Qiao and builds a program against libqiao with nothing but pkg-config."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True
import tap  # noqa: E402
from broker import BUILD  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STRANGER = """
#include <qiao/qiao.h>
#include <stdio.h>
#include <string.h>
int main(void)
{
    char public_key[QIAO_Z85_CHARS + 1], secret_key[QIAO_Z85_CHARS + 1];
    qiao_keypair(public_key, secret_key);
    printf("%zu\\n", strlen(public_key));
    return 0;
}
"""


def run(*words, **more):
    return subprocess.run(list(words), check=True, capture_output=True, text=True, timeout=300, **more).stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="qiao-install-")
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", cls.folder.name)
        pc = run("find", cls.folder.name, "-name", "libqiao.pc").strip()
        cls.library = os.path.dirname(os.path.dirname(pc))
        cls.env = {**os.environ, "PKG_CONFIG_PATH": os.path.dirname(pc), "PKG_CONFIG_SYSROOT_DIR": cls.folder.name, "LD_LIBRARY_PATH": cls.library}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def build(self, source, name):
        program = os.path.join(self.folder.name, name)
        flags = run("pkg-config", "--cflags", "--libs", "libqiao", env=self.env).split()
        sanitized = [option["value"] for option in self.options() if option["name"] == "b_sanitize" and option["value"] != "none"]
        run("cc", source, "-o", program, *flags, *(f"-fsanitize={value}" for value in sanitized), env=self.env)
        return program

    @staticmethod
    def options():
        return json.loads(run("meson", "introspect", BUILD, "--buildoptions"))

    def test_a_stranger_builds_and_runs_a_program_with_pkg_config_alone(self):
        source = os.path.join(self.folder.name, "stranger.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(STRANGER)
        self.assertEqual("40", run(self.build(source, "stranger"), env=self.env).strip())

    def test_every_example_builds_against_the_installed_library(self):
        folder = os.path.join(TOP, "clients", "lib", "examples")
        examples = sorted(name for name in os.listdir(folder) if name.endswith(".c"))
        self.assertGreaterEqual(len(examples), 3)
        for name in examples:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                self.assertLess(sum(1 for _ in file), 80, f"{name} is to stay under 80 lines")
            self.build(os.path.join(folder, name), name.removesuffix(".c"))

    def test_only_public_names_are_exported(self):
        library = os.path.join(self.library, "libqiao.so.0")
        names = [line.split()[-1].split("@")[0] for line in run("nm", "-D", "--defined-only", library).splitlines()]
        strangers = [name for name in names if not name.startswith(("qiao_", "QIAO_", "LIBQIAO_"))]
        self.assertEqual([], strangers)
        self.assertIn("SONAME", run("objdump", "-p", library))

    def test_manual_pages_and_completions_are_installed(self):
        found = run("find", self.folder.name, "-type", "f")
        for part in ("qiao.1", "qiao-submit.1", "completions/qiao", "_qiao", "catalogue/testing.yaml", "qiaod.service"):
            self.assertIn(part, found)


if __name__ == "__main__":
    tap.main()
