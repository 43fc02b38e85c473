"""qiao_context_import, called as a C program calls it, against a real broker: every way in which becoming a member may go."""
import ctypes
import os
import shutil
import stat
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..", "tests")
sys.path[:0] = [ROOT, os.path.join(ROOT, "system")]
import tap  # noqa: E402
from broker import BUILD, Broker  # noqa: E402

LIBRARY = ctypes.CDLL(os.path.join(BUILD, "clients", "lib", "libqiao.so"))
LIBRARY.qiao_status_name.restype = ctypes.c_char_p
LIBRARY.qiao_context_import.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
LONG, SHORT = 20_000_000, 700_000


class Import(unittest.TestCase):
    def setUp(self):
        self.broker = Broker()
        self.addCleanup(self.broker.__exit__)
        self.config = os.path.join(self.broker.home, "import")
        previous = os.environ.get("QIAO_CONFIG_DIR")
        os.environ["QIAO_CONFIG_DIR"] = self.config
        self.addCleanup(lambda: os.environ.pop("QIAO_CONFIG_DIR") if previous is None else os.environ.update(QIAO_CONFIG_DIR=previous))
        self.broker.qiao("party", "add", "acme", "--role", "requester", "--service", "*")

    def invite(self, member):
        path = os.path.join(self.broker.home, f"{member}.invite")
        self.broker.qiao("party", "invite", "acme", "--member", member, "-o", path)
        return path

    def take(self, invitation, name, member=None, patience=LONG):
        """The status in words and what it says is wrong."""
        context, error = ctypes.create_string_buffer(4096), ctypes.create_string_buffer(1024)
        status = LIBRARY.qiao_context_import(invitation.encode(), name.encode(), member and member.encode(), patience, context, error)
        self.assertEqual(status == 0, context.raw[:len(name)] == name.encode() and any(context.raw))
        return LIBRARY.qiao_status_name(status).decode(), error.value.decode()

    def path(self, name):
        return os.path.join(self.config, "contexts", name)

    def text(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def works(self, name):
        return self.broker.qiao("list", "--json", context=self.path(name), ok=False).code == 0

    def test_an_invitation_becomes_a_context_of_this_machine_only(self):
        status, said = self.take(self.invite("ann"), "first")
        self.assertEqual(("ok", ""), (status, said))
        self.assertEqual(0o600, stat.S_IMODE(os.stat(self.path("first")).st_mode))
        self.assertEqual(["first"], os.listdir(os.path.join(self.config, "contexts")))      # no NAME.pending is left
        with open(os.path.join(self.config, "current"), encoding="utf-8") as file:
            self.assertEqual("first", file.read().strip())
        self.assertTrue(self.works("first"))
        members = [row.get("member") for row in self.broker.qiao("party", "list", "acme", "--json").rows()]
        self.assertIn("ann", members)
        self.assertEqual("ok", self.take(self.invite("bob"), "second")[0])
        with open(os.path.join(self.config, "current"), encoding="utf-8") as file:
            self.assertEqual("first", file.read().strip())                                  # the current one stays

    def test_an_invitation_counts_once_and_a_withdrawn_one_never(self):  # C4
        invitation = self.invite("ann")
        self.assertEqual("ok", self.take(invitation, "first")[0])
        self.assertEqual("forbidden", self.take(invitation, "thief")[0])
        self.assertFalse(os.path.exists(self.path("thief")))
        invitation = self.invite("bob")
        self.broker.qiao("party", "revoke", "acme", "--member", "bob")
        self.assertEqual("forbidden", self.take(invitation, "bob")[0])
        self.assertFalse(os.path.exists(self.path("bob")))

    def test_an_answer_that_was_lost_is_settled_by_importing_again(self):
        invitation = self.invite("ann")
        self.assertEqual("ok", self.take(invitation, "first")[0])
        shutil.move(self.path("first"), self.path("again.pending"))     # as if it had ended before it knew
        self.assertEqual(("ok", ""), self.take(invitation, "again"))
        self.assertTrue(self.works("again"))
        self.assertFalse(os.path.exists(self.path("again.pending")))

    def test_a_broker_that_is_away_keeps_the_pair_for_the_next_try(self):
        invitation = self.invite("ann")
        self.broker.stop()
        status, _ = self.take(invitation, "first", patience=SHORT)
        self.assertIn(status, ("unreachable", "timeout", "uncertain"))
        self.assertFalse(os.path.exists(self.path("first")))
        pending = self.text("first.pending")
        self.broker.start()
        self.assertEqual("ok", self.take(invitation, "first")[0])
        key = next(line for line in pending.splitlines() if line.startswith("public_key"))
        self.assertIn(key, self.text("first"))

    def test_what_is_no_invitation_is_refused_and_changes_nothing(self):
        invitation = self.invite("ann")
        self.assertEqual("ok", self.take(invitation, "first")[0])
        before = self.text("first")
        other = self.invite("bob")
        with open(other, encoding="utf-8") as file:
            damaged = file.read().replace("server_key", "server_kee")
        broken = os.path.join(self.broker.home, "broken.invite")
        with open(broken, "w", encoding="utf-8") as file:
            file.write(damaged)
        os.chmod(broken, 0o600)
        for path, name, word in ((self.path("first"), "copy", "not an invitation"), (broken, "broken", "all three keys"),
                                 (os.path.join(self.broker.home, "nothing"), "nothing", "No such file"),
                                 (other, "first", "already"), (other, ".hidden", "not a name")):
            status, said = self.take(path, name)
            self.assertEqual("context", status, (path, said))
            self.assertIn(word, said)
        self.assertEqual(["first"], os.listdir(os.path.join(self.config, "contexts")))
        self.assertEqual(before, self.text("first"))


if __name__ == "__main__":
    tap.main()
