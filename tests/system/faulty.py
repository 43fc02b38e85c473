"""A qiaod between which and its files or its memory something stands that fails at the n-th call.

    faults = Faults(broker)                     # before the daemon starts
    faults.die(at=7)                            # kill -9 at the 7th call from now that changes a file
    faults.disk(room)                           # so many bytes may be taken from now on

The layout is that of struct calls in tests/faults/calls.h.
"""
import errno
import mmap
import os
import struct

from broker import BUILD, Broker, Child, program

CHANGING = 0x3f
NOTHING, DIE, DIE_HALF, FAIL, SHORT = range(5)
FORMAT = "<512s5Q4I"
SIZE = struct.calcsize(FORMAT)
COUNT, AT, HIT, ROOM, USED = (512 + 8 * n for n in range(5))


class Faults:
    def __init__(self, folder, watched):
        self.path = os.path.join(folder, "faults")
        with open(self.path, "wb") as file:
            file.write(struct.pack(FORMAT, watched.encode(), 0, 0, 0, 0, 0, CHANGING, NOTHING, 0, 0))
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), SIZE)

    def _set(self, offset, number):
        self.map[offset:offset + 8] = struct.pack("<Q", number)

    def _get(self, offset):
        return struct.unpack("<Q", self.map[offset:offset + 8])[0]

    @property
    def count(self):
        return self._get(COUNT)

    @property
    def hit(self):
        return self._get(HIT)

    @property
    def used(self):
        return self._get(USED)

    def never(self):
        self._set(AT, 0)

    def act(self, what, at, code=0, for_good=False, kinds=CHANGING):
        """At the `at`-th call from now."""
        self._set(AT, 0)
        self._set(HIT, 0)
        self.map[552:568] = struct.pack("<4I", kinds, what, code, for_good)
        self._set(AT, self.count + at)

    def die(self, at, half=False):
        self.act(DIE_HALF if half else DIE, at)

    def fail(self, at, code=errno.EIO, for_good=False, kinds=CHANGING):
        self.act(FAIL, at, code, for_good, kinds)

    def room(self, size):
        """The files may take so many bytes in all; 0: as many as they like."""
        self._set(ROOM, size)

    def recount(self, folder):
        """What the files take, by looking."""
        self._set(USED, sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder) if not name.endswith("-shm")))


class Memory:
    """Requests of the daemon for memory; the layout is that of struct memory in tests/faults/memory.c."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "memory")
        with open(self.path, "wb") as file:
            file.write(bytes(32))
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 32)

    @property
    def count(self):
        return struct.unpack("<Q", self.map[0:8])[0]

    @property
    def hit(self):
        return struct.unpack("<Q", self.map[16:24])[0]

    def fail(self, at, for_good):
        """From the `at`-th request from now on, or only that one."""
        self.map[8:32] = struct.pack("<3Q", 0, 0, for_good)
        self.map[8:16] = struct.pack("<Q", self.count + at)

    def never(self):
        self.map[8:16] = bytes(8)


class FaultyBroker(Broker):
    """Only the daemon is faulty, not the commands run against it."""

    def __init__(self, *options, config=""):
        super().__init__(*options, config=config, start=False)
        self.faults = Faults(self.home, self.dir)
        self.memory = Memory(self.home)
        self.preload = ["tests/faults/libfaults_calls.so", "tests/faults/libfaults_memory.so"]

    def child(self, *words, context=None):
        if words[0] != program("qiaod"):
            return super().child(*words, context=context)
        if not self.preload:
            return super().child(*words, context=context)
        preload = ":".join(os.path.abspath(os.path.join(BUILD, name)) for name in self.preload)
        env = {**self._env(context), "LD_PRELOAD": preload, "QIAO_FAULTS": self.faults.path, "QIAO_MEMORY": self.memory.path}
        child = Child(list(words), env=env, cwd=self.home)
        self.children.append(child)
        return child
