# SPDX-License-Identifier: MPL-2.0
"""mosquitto with TLS and passwords: one user publishes, another one only reads."""

import collections
import json
import re
import secrets
import subprocess
import threading
import time
from dataclasses import dataclass

from .process import PATIENCE_S, NotReady, Process, free_port, is_connectable, wait_until

PUBLISHER = "fristd"
SUBSCRIBER = "abonnent"
PROBE = "stack/subscribed"  # retained, so that it reaches a subscriber the moment it has subscribed


class Broker:
    """mosquitto. `access` may be changed before a start: the lines of its acl file."""

    PROGRAM = "mosquitto"

    def __init__(self, stack):
        self.stack = stack
        self.account = stack.account
        self.path = stack.path / self.PROGRAM
        self.access = f"user {PUBLISHER}\ntopic readwrite #\nuser {SUBSCRIBER}\ntopic read #\n"
        self.port = self.plain_port = None
        self.passwords = {user: secrets.token_hex(12) for user in (PUBLISHER, SUBSCRIBER)}
        self.process = Process(self.PROGRAM, stack.account, stack.logs / f"{self.PROGRAM}.log")
        self.keeps = False            # retained messages and queues on disk
        self.queue = 0                # messages kept for one subscriber; 0: no bound
        self.published = []           # topics and payloads of publish(), which are not the daemon's
        self.on_start = lambda: None  # called after each start, before anybody else is there

    def start(self):
        """Starts it, and again on the same ports; what it held is there again if it keeps it on disk."""
        if self.port is None:
            self.account.directory(self.path)
            self.stack.on_close(self.stop)
            self.port, self.plain_port = free_port(), free_port()
        for attempt in range(5):
            self._start()
            try:
                wait_until(self._is_ready, f"{self.PROGRAM} ready", process=self.process)
                break
            except NotReady:
                self.process.stop()
                if attempt == 4 or not re.search("Address already in use|eaddrinuse", self.process.log()):
                    raise
                self.port, self.plain_port = free_port(), free_port()
        self.announce()
        self.on_start()

    def announce(self):
        """So that a subscriber sees where what was retained ends: mosquitto sends it in the order it was asked for."""
        self.publish(PROBE, "1", retain=True)

    def is_heard(self, stream):
        """Has this stream seen the probe, and so all that was retained?"""
        return stream.subscribed.is_set()

    def version(self):
        """Of the program, as it calls itself."""
        said = subprocess.run(["/usr/sbin/mosquitto", "-h"], capture_output=True, text=True, check=False).stdout
        return said.splitlines()[0]

    def _is_ready(self):
        return is_connectable(self.port) and is_connectable(self.plain_port)

    def _start(self):
        self._write_passwords()
        self.account.write(self.path / "acl", self.access)
        self.process.start(["/usr/sbin/mosquitto", "-c", self._write_configuration()])

    def _write_passwords(self):
        path = self.account.write(self.path / "passwords", "")
        for user, password in self.passwords.items():
            self.account.run(["mosquitto_passwd", "-b", path, user, password])

    def _write_configuration(self):
        tls = self.stack.certificates
        return self.account.write(self.path / "mosquitto.conf", f"""\
allow_anonymous false
password_file {self.path}/passwords
acl_file {self.path}/acl
persistence {"true" if self.keeps else "false"}
persistence_location {self.path}/
autosave_interval 1
max_queued_messages {self.queue}
log_type error
log_type warning
log_type notice
# The listener of an installation.
listener {self.port} 127.0.0.1
certfile {tls.certificate}
keyfile {tls.key}
# For measurements without TLS.
listener {self.plain_port} 127.0.0.1
""")

    def stop(self):
        self.process.stop()

    def kill(self):
        self.process.kill()

    def client(self, program, user=SUBSCRIBER):
        """The command line of mosquitto_pub or mosquitto_sub over TLS as this user."""
        return [program, "-V", "mqttv5", "-h", "localhost", "-p", str(self.port), "--cafile",
                str(self.stack.certificates.ca), "-u", user, "-P", self.passwords[user]]

    def publish(self, topic, payload, retain=False):
        """As somebody else than the daemon; payload None clears what is retained."""
        self.published.append((topic, payload or ""))
        content = ["-n"] if payload is None else ["-m", payload]
        self.account.run(self.client("mosquitto_pub", PUBLISHER) + ["-q", "1", "-t", topic, *content]
                         + (["-r"] if retain else []))

    def retained(self, topic="fristd/#"):
        """What is retained now: {topic: payload}."""
        stream = self.listen(topic)
        stream.close()
        return {event.topic: event.payload for event in stream.retained}

    def listen(self, topic="fristd/#", user=SUBSCRIBER):
        return EventStream(self, topic, user)


@dataclass
class Event:
    """One message as it came."""
    topic: str
    payload: str
    retain: bool
    qos: int
    properties: dict

    @classmethod
    def parse(cls, line):
        raw = json.loads(line)
        return cls(raw["topic"], raw.get("payload") or "", bool(raw["retain"]), raw["qos"], raw.get("properties", {}))

    @property
    def json(self):
        return json.loads(self.payload)


class EventStream:
    """Everything published since listen() returned, in order; `retained` is what was there before. It does not come
    back after the broker was restarted: listen again."""

    def __init__(self, broker, topic, user):
        self.broker = broker
        self.events, self.retained = [], []
        self.probes = 0
        self._fresh = collections.deque()
        self._arrived = threading.Condition()
        self.subscribed = threading.Event()
        self.process = Process("mosquitto_sub", broker.account, broker.stack.logs / "mosquitto_sub.log")
        self.process.start(broker.client("mosquitto_sub", user)
                           + ["-q", "1", "-t", topic, "-t", PROBE, "--retain-as-published", "-F", "%j"],
                           stdout=subprocess.PIPE)
        broker.stack.on_close(self.close)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_until(lambda: broker.is_heard(self), "mosquitto_sub has subscribed", process=self.process)

    def _read(self):
        for line in self.process.popen.stdout:
            event = Event.parse(line.decode(errors="surrogateescape"))
            if event.topic == PROBE:
                self.probes += 1
                self.subscribed.set()
                continue
            if not self.subscribed.is_set():  # the probe was asked for last, so this was there before
                self.retained.append(event)
                continue
            with self._arrived:
                self.events.append(event)
                self._fresh.append(event)
                self._arrived.notify_all()

    def take(self):
        """What has come since the last take()."""
        with self._arrived:
            fresh = list(self._fresh)
            self._fresh.clear()
            return fresh

    def wait(self, matching, what="an event", count=1, timeout=PATIENCE_S):
        """The first `count` events for which matching(event) holds, counted from listen()."""
        end = time.monotonic() + timeout
        with self._arrived:
            while True:
                found = [event for event in self.events if matching(event)]
                if len(found) >= count:
                    return found[:count] if count > 1 else found[0]
                if not self._arrived.wait(max(0, end - time.monotonic())) and time.monotonic() >= end:
                    seen = ", ".join(event.topic for event in self.events[-10:]) or "nothing"
                    raise NotReady(f"{what}: {len(found)} of {count} within {timeout} s; last seen: {seen}")

    def close(self):
        if self.process.popen:
            self.process.stop()
            self._reader.join()
            self.process.popen.stdout.close()
