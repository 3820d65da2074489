# SPDX-License-Identifier: MPL-2.0
"""Stands between a client and its broker on loopback, knows where an MQTT packet ends, and does harm when told to."""

import socket
import threading
import time

PUBLISH, PUBACK = 3, 4


class Proxy:
    """Passes connections on to 127.0.0.1:`port`. Faults, each for what comes next:

    cut_after(n)         n messages of the client go through, of the next one only the first half; then both ends are closed
    lose_acks_after(n)   n acknowledgements go through; `lost` more are swallowed, then both ends are closed
    delay_s              each acknowledgement waits so long
    silent               whatever either end says is swallowed: a broker that takes connections and never answers
    """

    def __init__(self, port):
        self.target = port
        self.delay_s = 0
        self.silent = False
        self.harmed = 0  # connections that were cut on purpose
        self._cut = self._acks = None
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, messages):
        self._cut = messages

    def lose_acks_after(self, passed, lost):
        self._acks = (passed, lost)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            for end in (client, broker):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, sink, passes in ((client, broker, self._from_client), (broker, client, self._from_broker)):
                threading.Thread(target=self._pump, args=(source, sink, passes), daemon=True).start()

    def _pump(self, source, sink, passes):
        try:
            reader = source.makefile("rb")
            while (packet := read_packet(reader)) and passes(packet, sink):
                pass
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        source.close()

    def _from_client(self, packet, sink):
        if self.silent:
            return True
        with self._lock:
            if self._cut is not None and packet[0] >> 4 == PUBLISH:
                if self._cut == 0:
                    self._cut, self.harmed = None, self.harmed + 1
                    sink.sendall(packet[:len(packet) // 2])
                    return False
                self._cut -= 1
        sink.sendall(packet)
        return True

    def _from_broker(self, packet, sink):
        if self.silent:
            return True
        if packet[0] >> 4 == PUBACK:
            if self.delay_s:
                time.sleep(self.delay_s)
            with self._lock:
                if self._acks:
                    passed, lost = self._acks
                    if passed:
                        self._acks = (passed - 1, lost)
                    elif lost:
                        self._acks = (0, lost - 1)
                        return True
                    else:
                        self._acks, self.harmed = None, self.harmed + 1
                        return False
        sink.sendall(packet)
        return True


def read_packet(reader):
    """One whole packet; b"" at the end of the stream."""
    head = reader.read(1)
    length = shift = 0
    while head:
        byte = reader.read(1)
        if not byte:
            return b""
        head += byte
        length |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            body = reader.read(length)
            return head + body if len(body) == length else b""
    return b""
