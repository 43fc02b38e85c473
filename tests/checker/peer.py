"""The smallest client of QSRP/1 that can be cut, revoked and restarted under: written from PROTOCOL.md alone.

It shares nothing with clients/python or the C code on purpose: an error that they have in common with the broker would not show.
A Peer says records, packs those that are ready at the same moment into one frame, writes every frame to a history, and says hello again whenever
the broker was silent too long or forgot it. Subclasses hear: on_welcome, on_answer (receipt, page, refusal, each with the record that it answers), on_record.
"""
import msgpack
import zmq

from history import now, records

FRAME_BYTES = 500_000      # well inside the protocol's 1 MiB
FRAME_RECORDS = 1000
PATIENCE = 1.0             # seconds that a hello may wait for its welcome before the connection is made anew, doubled each time
PATIENCE_MAX = 4.0


class Said:
    """A record that waits for its answer."""
    __slots__ = ("name", "fields", "body", "data")

    def __init__(self, name, fields, body, data):
        self.name, self.fields, self.body, self.data = name, fields, body, data


class Peer:
    def __init__(self, world, name, member, endpoint, history):
        self.world, self.name, self.member, self.endpoint, self.history = world, name, member, endpoint, history
        self.pack = msgpack.Packer().pack
        self.number = 1                # of the record said last; 1 is the hello
        self.pending = {}              # n -> Said
        self.out, self.out_bytes = [], 0
        self.seen = self.epoch = 0
        self.connections = 0
        self.socket = None
        self.welcome = None
        self.shut_out = False          # the broker said that this key is worth nothing
        self.operations = 0            # numbered records said
        self.patience = PATIENCE

    # ------------------------------------------------------------ the connection

    def connect(self):
        """Drop what there is without a word and begin anew."""
        self.drop()
        self.welcome, self.out, self.out_bytes = None, [], 0
        self.connections += 1
        self.history.add("connect", self.connections)
        self.socket = socket = self.world.zmq.socket(zmq.DEALER)
        socket.linger, socket.sndhwm, socket.rcvhwm = 0, 0, 0
        socket.reconnect_ivl, socket.handshake_ivl = 20, 5000
        socket.curve_serverkey = self.member.server
        socket.curve_publickey, socket.curve_secretkey = self.member.public, self.member.secret
        socket.connect(self.endpoint)
        self.said_at = self.heard_at = self.hello_at = now()
        self.send([self.pack({"t": "hello", "n": 1, "version": 1, "client": "checker/1", "seen": self.seen, "epoch": self.epoch}) + b"\xc4\x00"])

    def drop(self):
        if self.socket is not None:
            self.socket.close(linger=0)
            self.socket = None

    def keep_alive(self, time):
        """Ping, or find that the broker is gone. Called often."""
        if self.shut_out or self.socket is None:
            return
        if self.welcome is None:
            if time - self.hello_at > self.patience * 1e6:
                self.patience = min(2 * self.patience, PATIENCE_MAX)
                self.lost()
            return
        heartbeat = self.welcome["heartbeat"]
        if time - self.heard_at > 3 * heartbeat:
            self.lost()
        elif time - self.said_at > heartbeat // 2:
            self.say("ping")
            self.flush()

    def lost(self):
        """This connection is worth nothing any more. What was not answered is in doubt: on_lost decides what to say again."""
        doubt, self.pending = self.pending, {}
        self.connect()
        self.on_lost(list(doubt.values()))

    # ------------------------------------------------------------ saying

    def say(self, name, body=b"", numbered=True, **fields):
        """One record; it leaves with the next flush. Its number, or 0."""
        header = {"t": name}
        if numbered:
            self.number += 1
            header["n"] = self.number
        header.update(fields)
        data = self.pack(header) + self.pack(body)
        if numbered:
            self.pending[self.number] = Said(name, fields, body, data)
            self.operations += name != "ping"
        if self.out_bytes + len(data) > FRAME_BYTES or len(self.out) >= FRAME_RECORDS:
            self.flush()
        self.out.append(data)
        self.out_bytes += len(data)
        return header.get("n", 0)

    def flush(self):
        if self.out and self.welcome is not None:
            out, self.out, self.out_bytes = self.out, [], 0
            self.send(out)

    def send(self, pieces):
        frame = b"".join(pieces)
        self.history.add("said", frame)
        self.said_at = now()
        try:
            self.socket.send(frame, zmq.DONTWAIT)
        except zmq.Again:
            pass                       # in doubt like anything else that is never answered

    def garbage(self, frame):
        if self.welcome is not None:
            self.flush()
            self.history.add("garbage", frame)
            try:
                self.socket.send(frame, zmq.DONTWAIT)
            except zmq.Again:
                pass

    # ------------------------------------------------------------ hearing

    def hear(self):
        """Take all that is there."""
        socket = self.socket
        while socket is self.socket and socket is not None:
            try:
                frame = socket.recv(zmq.DONTWAIT)
            except zmq.Again:
                return
            self.history.add("heard", frame)
            self.heard_at = now()
            for header, body in records(frame):
                self.one(header, body)
                if socket is not self.socket:
                    return

    def one(self, header, body):
        name = header["t"]
        if header.get("seq", 0) > self.seen:
            self.seen = header["seq"]
        said = self.pending.pop(header["re"], None) if name in ("receipt", "page", "refusal", "pong") and "re" in header else None
        if name == "welcome":
            self.welcomed(header)
        elif name == "refusal" and header.get("path") == "hello":
            self.lost()
        elif name == "refusal" and header.get("path") == "key" and header["code"] == "forbidden":
            self.shut_out = True
        elif name == "bye":
            if not self.shut_out:
                self.lost()
        elif name == "ping":
            self.say("pong", numbered=False)
        elif said is not None:
            if name != "pong":
                self.on_answer(said, name, header, body)
        else:
            self.on_record(name, header, body)

    def welcomed(self, header):
        if header["epoch"] < self.epoch:
            self.lost()                # a broker that was replaced
            return
        self.epoch, self.welcome, self.patience = header["epoch"], header, PATIENCE
        waiting, self.out, self.out_bytes = self.out, [], 0
        self.on_welcome()
        self.out += waiting
        self.out_bytes += sum(map(len, waiting))

    # ------------------------------------------------------------ for subclasses

    def on_welcome(self):
        """A new connection stands."""

    def on_lost(self, doubt):
        """The connection was lost; `doubt` was said and not answered."""

    def on_answer(self, said, name, header, body):
        """A receipt, page or refusal for something said."""

    def on_record(self, name, header, body):
        """A task, abort, withdraw, event, or an answer to something that is forgotten."""

    def turn(self, time):
        """A moment to act; called between any two waits."""
