"""Histories: what one client said and heard, frame by frame, byte for byte, with times.

A history is a file of msgpack values. The first is a map that says whose it is; each further one is a list [time, kind, ...]:

    [t, "said", frame]        this frame went to the broker
    [t, "heard", frame]       this frame came from it
    [t, "garbage", frame]     bytes that are no records went to the broker, on purpose
    [t, "connect", number]    a new connection; its predecessor was dropped without a word
    [t, "note", {...}]        something else that happened, such as a fault

Times are microseconds of the machine's monotonic clock, which all processes share. The frames are kept as they were, so that recording costs
little and the judge reads what was said, not what a recorder thought it said. One process writes one history; nothing of it is ever changed.
"""
import glob
import os
import sys
import time

import msgpack

ENDING = ".history"
LOG = "qiaod.log"      # what the broker logged, kept beside the histories
BUFFER = 1 << 20


def now():
    return time.monotonic_ns() // 1000


class Writer:
    def __init__(self, folder, client, **about):
        self.pack = msgpack.Packer().pack
        self.file = open(os.path.join(folder, client + ENDING), "wb", buffering=BUFFER)
        self.file.write(self.pack({"client": client, "t": now(), **about}))

    def add(self, kind, value):
        self.file.write(self.pack([now(), kind, value]))

    def note(self, **what):
        self.add("note", what)

    def close(self):
        self.file.close()


def records(frame):
    """The records of a frame, as (header, body)."""
    unpacker = msgpack.Unpacker(max_buffer_size=1 << 24, strict_map_key=False)
    unpacker.feed(frame)
    values = list(unpacker)
    return list(zip(values[::2], values[1::2]))


def read(path):
    """(header, iterator of entries) of a history; a torn last entry, as of a process that was killed, is left out."""
    unpacker = msgpack.Unpacker(open(path, "rb"), max_buffer_size=1 << 27, strict_map_key=False)
    return next(unpacker), unpacker


def folder_paths(folder):
    return sorted(glob.glob(os.path.join(folder, "*" + ENDING)))


def show(path, out=sys.stdout):
    """A history for people, one line per record."""
    header, entries = read(path)
    print(header, file=out)
    for entry in entries:
        if entry[1] in ("said", "heard"):
            for head, body in records(entry[2]):
                print(entry[0], entry[1], head, bytes(body) if body else "", file=out)
        else:
            print(*entry, file=out)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        show(name)
