#!/usr/bin/python3
# SPDX-License-Identifier: MPL-2.0
"""A subscriber that misses nothing and counts nothing twice: read it as a pattern for your own.

    consumer.py follow --store state.db --site kommune --host broker.example --user bi --password-file …
    consumer.py report --store state.db          what it believes, as JSON

Three rules carry it:

1. What an event does and its `sequence` are written down in one transaction, before the broker gets its PUBACK. So
   nothing is lost between the two, and a number at or below the last one is a duplicate that does nothing.
2. Only the number after the last one is taken. One above that is a gap: it waits, and what is missing is asked for, all of
   it with one request.
3. After each connection it asks for what comes after its last number, since a broker may have dropped its queue, or all it had.

What it does not know, a field or a type of event, it passes over: the number counts all the same.
"""

import argparse
import json
import signal
import sqlite3
import sys
import time

from connection import add_options, client, connect, publish_properties

WAITING_MAX = 10000      # so far above the last number events are kept; beyond it they are let go, and asked for again later
PAUSE_MAX_S = 60         # between two tries to connect
EXPIRED = 10             # times --retry: then the broker has thrown an answer away that it could not deliver (5 minutes)
GATHER_S = 0.2           # from a gap to the request: an overflowed queue is full of gaps, and requests are counted
TO_TRY_AGAIN = {"too_often", "busy", "unavailable"}  # refusals that pass

SCHEMA = """
CREATE TABLE IF NOT EXISTS position (last INTEGER NOT NULL, online INTEGER, boot TEXT);
INSERT INTO position SELECT 0, NULL, NULL WHERE NOT EXISTS (SELECT 1 FROM position);
CREATE TABLE IF NOT EXISTS deadline (key TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS count (transition TEXT PRIMARY KEY, events INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS attention (topic TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS waiting (sequence INTEGER PRIMARY KEY, event TEXT NOT NULL);
"""
CLOSED = {"met", "late", "missed", "cancelled", "lapsed", "passed"}


class Unreadable(Exception):
    """A message that is not what the contract says."""


class Store:
    """What is believed, on disk."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.executescript(SCHEMA)

    def __enter__(self):
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind, *_):
        self.db.execute("ROLLBACK" if kind else "COMMIT")

    @property
    def last(self):
        """Everything up to this number has had its effect."""
        return self.db.execute("SELECT last FROM position").fetchone()[0]

    def highest_waiting(self):
        """The number of the last event that waits above a gap; None: there is no gap."""
        return self.db.execute("SELECT max(sequence) FROM waiting").fetchone()[0]

    def keep(self, sequence, event):
        """False: it is too far ahead."""
        if sequence > self.last + WAITING_MAX:
            return False
        self.db.execute("INSERT OR IGNORE INTO waiting VALUES (?, ?)", (sequence, json.dumps(event)))
        return True

    def take_waiting(self, sequence):
        row = self.db.execute("DELETE FROM waiting WHERE sequence = ? RETURNING event", (sequence,)).fetchone()
        return json.loads(row[0]) if row else None

    def apply(self, sequence, event):
        """The effect of one event; here: counts, and the state of each deadline that is not closed."""
        family, _, transition = event["type"].removeprefix("dk.fristd.").removesuffix(".v1").partition(".")
        data = event.get("data")
        if family == "deadline" and isinstance(data, dict) and "state" in data:
            key = "/".join(str(data[name]) for name in ("code", "case", "subject", "occurrence"))
            if data["state"] in CLOSED:
                self.db.execute("DELETE FROM deadline WHERE key = ?", (key,))
            else:
                self.db.execute("INSERT OR REPLACE INTO deadline VALUES (?, ?)", (key, data["state"]))
            self.db.execute("INSERT INTO count VALUES (?, 1) ON CONFLICT DO UPDATE SET events = events + 1",
                            (transition,))
        self.db.execute("UPDATE position SET last = ?", (sequence,))

    def report(self):
        online = self.db.execute("SELECT online FROM position").fetchone()[0]
        return {
            "last": self.last,
            "complete": self.highest_waiting() is None,
            "deadlines": dict(self.db.execute("SELECT key, state FROM deadline ORDER BY key")),
            "counts": dict(self.db.execute("SELECT transition, events FROM count ORDER BY transition")),
            "attention": dict(self.db.execute("SELECT topic, state FROM attention ORDER BY topic")),
            "online": None if online is None else bool(online),
        }


def read_event(message):
    """The CloudEvent in a message, in either form, and its number."""
    try:
        event = json.loads(message.payload)
        named = dict(getattr(getattr(message, "properties", None), "UserProperty", []))
        if "specversion" in named:  # binary: the attributes stand beside the payload
            event = {**named, "data": event}
        if not isinstance(event["type"], str):
            raise TypeError("type")
        return event, int(event.get("sequence", 0))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Unreadable(f"not an event: {error!r}") from error


class Consumer:
    def __init__(self, store, base, requester, send, retry_s=30, log=print):
        self.store, self.base, self.requester, self.send = store, base, requester, send
        self.retry_s, self.log = retry_s, log
        self.ask_at = None  # when to ask; None: there is no need
        self.asked_from = 0  # what the last request began with
        self.asked_at = None  # when that was; None: none is open
        self.heard_at = 0  # when the last message came
        self.let_go = False  # an event was too far ahead to wait
        self.duplicates = 0

    def topics(self):
        return [f"{self.base}/event/#", f"{self.base}/reply/{self.requester}/#", f"{self.base}/deadline/#",
                f"{self.base}/status"]

    # --- what comes

    def connected(self, session_present):
        if not session_present:  # what was cleared meanwhile will not be told; what is retained comes again
            with self.store:
                self.store.db.execute("DELETE FROM attention")
        self.ask_at, self.asked_at = 0, None

    def receive(self, message):
        self.heard_at = time.monotonic()
        level = message.topic.removeprefix(f"{self.base}/").split("/")[0]
        handle = {"event": self.on_event, "reply": self.on_reply, "deadline": self.on_state, "status": self.on_status}
        try:
            handle.get(level, lambda _: None)(message)
        except Unreadable as error:
            self.log(f"{message.topic}: {error}")

    def on_event(self, message):
        self.take(*read_event(message))

    def take(self, event, sequence):
        if sequence <= self.store.last:
            self.duplicates += 1
            return
        with self.store:
            if sequence > self.store.last + 1:
                self.let_go |= not self.store.keep(sequence, event)
                if self.ask_at is None:
                    self.ask_at = time.monotonic() + GATHER_S
                return
            while event is not None:
                self.store.apply(sequence, event)
                sequence += 1
                event = self.store.take_waiting(sequence)

    def on_reply(self, message):
        event, sequence = read_event(message)
        if event["type"].startswith("dk.fristd.replay."):
            self.asked_at = None
        if event["type"].startswith("dk.fristd.replay.ended."):
            self.on_answered(event["data"] if isinstance(event.get("data"), dict) else {})
        elif event["type"].startswith("dk.fristd.replay.refused."):
            reason = event["data"].get("reason") if isinstance(event.get("data"), dict) else None
            self.log(f"asking was refused: {reason}")
            self.ask_at = time.monotonic() + (self.retry_s if reason in TO_TRY_AGAIN else 10 * self.retry_s)
        else:
            self.take(event, sequence)

    def on_answered(self, end):
        """What is still missing was lost on the way here, or did not fit the answer: up to the end's `last` nothing more
        comes by itself, since it was published before. Without any progress it waits before it asks again."""
        known = max(int(end.get(name) or 0) for name in ("to", "last"))
        missing = known > self.store.last or self.let_go or self.store.highest_waiting() is not None
        self.ask_at = None if not missing else 0 if self.store.last >= self.asked_from else time.monotonic() + self.retry_s
        self.let_go = False

    def on_state(self, message):
        with self.store:
            if not message.payload:
                self.store.db.execute("DELETE FROM attention WHERE topic = ?", (message.topic,))
                return
            try:
                state = json.loads(message.payload)["state"]
                self.store.db.execute("INSERT OR REPLACE INTO attention VALUES (?, ?)", (message.topic, str(state)))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise Unreadable(f"not a state: {error!r}") from error

    def on_status(self, message):
        try:
            said = json.loads(message.payload)
            online, boot = said["status"] == "online", str(said["boot"])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise Unreadable(f"not a status: {error!r}") from error
        with self.store:
            known = self.store.db.execute("SELECT boot FROM position").fetchone()[0]
            if online or boot == known or known is None:  # else the will of an earlier run, noticed late
                self.store.db.execute("UPDATE position SET online = ?, boot = ?", (online, boot))
        if online and not message.retain and self.ask_at is not None:  # whoever asked before that asked nobody
            self.ask_at, self.asked_at = 0, None

    # --- what is asked for

    def is_answer_on_its_way(self):
        """It comes behind all that the broker has kept for us. Who asks again before has only more to read."""
        now = time.monotonic()
        return self.asked_at is not None and now - self.heard_at < self.retry_s and now - self.asked_at < EXPIRED * self.retry_s

    def tick(self):
        if self.ask_at is None or time.monotonic() < self.ask_at or self.is_answer_on_its_way():
            return
        asked = {"from": self.store.last + 1}
        highest = self.store.highest_waiting()
        if highest is not None:  # all gaps at once, in so far as one answer may be so long
            asked["to"] = min(highest - 1, asked["from"] + 9999)
        self.send(f"{self.base}/request/events/{self.requester}", json.dumps(asked))
        self.asked_from = asked["from"]
        self.asked_at = time.monotonic()
        self.ask_at = self.asked_at + self.retry_s  # unless the answer ends before


def follow(options, make, is_ending):
    """Until is_ending(), over any number of connections."""
    store = Store(options.store)
    link = client(options, f"consumer-{options.name}", lasting=True)
    base = f"fristd/v1/{options.site}"
    properties = {"properties": publish_properties(ResponseTopic=f"{base}/reply/{options.name}")} \
        if options.version == "5" else {}
    consumer = make(store, base, options.name, lambda topic, text: link.publish(topic, text, qos=1, **properties),
                    options.retry, lambda text: print(text, file=sys.stderr, flush=True))

    pause = 1

    def on_connect(_client, _data, flags, reason, *_):
        nonlocal pause
        if int(getattr(reason, "value", reason)) != 0:
            consumer.log(f"the broker refused us: {reason}")
            return
        pause = 1
        consumer.connected(flags.get("session present", 0))
        link.subscribe([(topic, 1) for topic in consumer.topics()])

    link.on_connect = on_connect
    link.on_subscribe = lambda *_: consumer.log("following")
    link.on_message = lambda _client, _data, message: consumer.receive(message)

    while not is_ending():
        try:
            connect(link, options, lasting=True)
            while not is_ending() and link.loop(0.2) == 0:
                consumer.tick()
        except OSError as error:
            consumer.log(f"no connection: {error}")
        if not is_ending():
            time.sleep(pause)
            pause = min(2 * pause, PAUSE_MAX_S)
    link.disconnect()


def main(argv, make=Consumer):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    follower = commands.add_parser("follow", help="until it is ended")
    reporter = commands.add_parser("report", help="what it believes, as JSON")
    for each in (follower, reporter):
        each.add_argument("--store", metavar="FILE", required=True)
    add_options(follower)
    follower.add_argument("--name", default="consumer", help="as whom it asks; best the user name at the broker")
    follower.add_argument("--retry", type=float, default=30, metavar="SECONDS", help="until a request counts as lost")
    options = parser.parse_args(argv)
    if options.command == "report":
        print(json.dumps(Store(options.store).report(), ensure_ascii=False))
        return
    ending = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.append(True))
    follow(options, make, lambda: bool(ending))


if __name__ == "__main__":
    main(sys.argv[1:])
