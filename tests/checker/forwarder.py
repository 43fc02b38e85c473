"""A wire that can be cut: forwards TCP connections to the broker in a thread, and cuts or stalls them when told.

Each client process has its own port. A cut loses what is under way in both directions, in the middle of a frame if it so happens; a stall keeps
everything back for a while, as a network does that comes back before anybody noticed.
"""
import os
import random
import selectors
import socket
import threading

CHUNK = 1 << 16
HIGH = 1 << 22         # bytes kept for one slow direction before its source is no longer read


class End:
    """One side of a forwarded connection."""

    def __init__(self, sock):
        self.sock, self.other, self.waiting, self.pair = sock, None, bytearray(), None


class Forwarder:
    def __init__(self, target, seed):
        self.target = target          # (host, port)
        self.chance = random.Random(seed)
        self.selector = selectors.DefaultSelector()
        self.ends = set()
        self.orders = []
        self.stalled = False
        self.bytes = self.cuts = 0
        self.wake_read, self.wake_write = os.pipe()
        self.selector.register(self.wake_read, selectors.EVENT_READ, "wake")
        self.running = True
        self.listeners = []
        self.thread = threading.Thread(target=self.run, daemon=True)

    def listen(self):
        """A new port for one client process."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        listener.setblocking(False)
        self.listeners.append(listener)
        self.selector.register(listener, selectors.EVENT_READ, "listen")
        return listener.getsockname()[1]

    def start(self):
        self.thread.start()

    def order(self, word, *rest):
        self.orders.append((word, *rest))
        os.write(self.wake_write, b"x")

    def cut(self, share):
        self.order("cut", share)

    def stall(self):
        self.order("stall")

    def go_on(self):
        self.order("go")

    def close(self):
        self.running = False
        self.order("go")
        self.thread.join()
        for end in list(self.ends):
            self.drop(end)
        for listener in self.listeners:
            listener.close()
        os.close(self.wake_read)
        os.close(self.wake_write)

    # ------------------------------------------------------------ the thread

    def run(self):
        while self.running:
            for key, mask in self.selector.select():
                if key.data == "wake":
                    self.obey()
                elif key.data == "listen":
                    self.accept(key.fileobj)
                elif key.data in self.ends:
                    self.move(key.data, mask)

    def obey(self):
        os.read(self.wake_read, 100)
        while self.orders:
            word, *rest = self.orders.pop(0)
            if word == "cut":
                for end in [end for end in list(self.ends) if self.chance.random() < rest[0]]:
                    self.cuts += 1
                    self.drop(end)
            else:
                self.stalled = word == "stall"
                for end in list(self.ends):
                    self.interest(end)

    def accept(self, listener):
        client, _ = listener.accept()
        try:
            broker = socket.create_connection(self.target, timeout=5)
        except OSError:
            client.close()            # the broker is down; the client's ZeroMQ tries again
            return
        near, far = End(client), End(broker)
        near.other, far.other = far, near
        for end in (near, far):
            end.sock.setblocking(False)
            end.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.ends.add(end)
            self.selector.register(end.sock, selectors.EVENT_READ, end)
            self.interest(end)

    def interest(self, end):
        if end not in self.ends:
            return
        mask = (selectors.EVENT_READ if len(end.other.waiting) < HIGH else 0) | (selectors.EVENT_WRITE if end.waiting else 0)
        registered = end.sock.fileno() in self.selector.get_map()
        if self.stalled:
            mask = 0
        if mask and registered:
            self.selector.modify(end.sock, mask, end)
        elif mask:
            self.selector.register(end.sock, mask, end)
        elif registered:
            self.selector.unregister(end.sock)

    def move(self, end, mask):
        try:
            if mask & selectors.EVENT_READ:
                piece = end.sock.recv(CHUNK)
                if not piece:
                    self.drop(end)
                    return
                self.bytes += len(piece)
                end.other.waiting += piece
                self.push(end.other)
            if mask & selectors.EVENT_WRITE:
                self.push(end)
        except BlockingIOError:
            pass
        except OSError:
            self.drop(end)
            return
        self.interest(end)
        self.interest(end.other)

    def push(self, end):
        try:
            sent = end.sock.send(end.waiting)
            del end.waiting[:sent]
        except BlockingIOError:
            pass

    def drop(self, end):
        for one in (end, end.other):
            if one in self.ends:
                self.ends.discard(one)
                if one.sock.fileno() in self.selector.get_map():
                    self.selector.unregister(one.sock)
                one.sock.close()
