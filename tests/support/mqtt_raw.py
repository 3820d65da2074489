# SPDX-License-Identifier: MPL-2.0
"""A client of MQTT 5 that sends whatever bytes it is told to, where a library would refuse."""

import socket
import struct

from mqtt_proxy import read_packet

CONNECT, PUBLISH = 0x10, 0x30
RESPONSE_TOPIC, CORRELATION_DATA = b"\x08", b"\x09"


def number(value):
    """A length as MQTT writes it."""
    written = b""
    while value > 127:
        written += bytes([value & 127 | 128])
        value >>= 7
    return written + bytes([value])


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">H", len(value)) + value


class RawClient:
    def __init__(self, port, user, password):
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._reader = self._socket.makefile("rb")
        self._packet(CONNECT, text("MQTT") + b"\x05\xc2\x00\x3c\x00" + text("") + text(user) + text(password))
        read_packet(self._reader)

    def close(self):
        self._reader.close()
        self._socket.close()

    def _packet(self, head, body):
        self._socket.sendall(bytes([head]) + number(len(body)) + body)

    def publish(self, topic, payload, response_topic=None, correlation=None, retain=False):
        """At QoS 1. False: the broker has taken offence, and this connection is over."""
        properties = b""
        if response_topic is not None:
            properties += RESPONSE_TOPIC + text(response_topic)
        if correlation is not None:
            properties += CORRELATION_DATA + text(correlation)
        payload = payload if isinstance(payload, bytes) else payload.encode()
        try:
            self._packet(PUBLISH | 2 | retain, text(topic) + b"\x00\x01" + number(len(properties)) + properties + payload)
            answer = read_packet(self._reader)
        except OSError:
            return False
        return answer[:1] == b"\x40"

    def hammer(self, topics, payload):
        """At QoS 0, as fast as the broker reads."""
        for topic in topics:
            self._packet(PUBLISH, text(topic) + b"\x00" + payload)
