# SPDX-License-Identifier: MPL-2.0
"""Subscribers with one fault each, for the test of contrib/kit/check.py.
usage: bad_consumer.py FAULT follow|report …   as contrib/kit/consumer.py"""

import json
import sys
import time

sys.dont_write_bytecode = True

import consumer


class CountsTwice(consumer.Consumer):
    """What is not ahead has its effect, too."""

    def on_event(self, message):
        event, sequence = consumer.read_event(message)
        last = self.store.last
        if 0 < sequence <= last:
            with self.store:
                self.store.apply(last, event)
        super().on_event(message)


class RemembersAHundred(consumer.Consumer):
    """Knows a duplicate by the ids of the last hundred events."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.ids = []

    def take(self, event, sequence):
        last = self.store.last
        if sequence <= last and event["id"] not in self.ids:
            with self.store:
                self.store.apply(last, event)
        self.ids = [*self.ids, event["id"]][-100:]
        super().take(event, sequence)


class Strict(consumer.Consumer):
    """Refuses an event with a field it does not know."""
    KNOWN = {"specversion", "id", "source", "type", "subject", "time", "recordedtime", "sequence", "dataclassification",
             "datacontenttype", "data"}

    def take(self, event, sequence):
        if set(event) - self.KNOWN:
            raise consumer.Unreadable("unknown attribute")
        super().take(event, sequence)


class KnownTypesOnly(consumer.Consumer):
    """An unknown type is thrown away with its number."""

    def take(self, event, sequence):
        if event["type"] in ("dk.fristd.deadline.audited.v1", "dk.fristd.forecast.made.v1"):
            return
        super().take(event, sequence)


class Fragile(consumer.Consumer):
    """Ends on what it cannot read."""

    def receive(self, message):
        json.loads(message.payload)["type" if "/event/" in message.topic else "dataclassification"].strip()
        super().receive(message)


class BlindToGaps(consumer.Consumer):
    """Takes whatever is ahead."""

    def take(self, event, sequence):
        if sequence > self.store.last:
            with self.store:
                self.store.apply(sequence, event)


class ReadsOneAnswer(consumer.Consumer):
    """Believes that one answer is the whole range."""

    def on_reply(self, message):
        super().on_reply(message)
        if b"replay.ended" in message.payload and self.ask_at == 0:
            self.ask_at = time.monotonic() + 1e6


class AsksForEach(consumer.Consumer):
    """One request for each gap."""

    def tick(self):
        first = self.store.db.execute("SELECT min(sequence) FROM waiting").fetchone()[0]
        if first is None:
            super().tick()
        elif self.ask_at is not None and time.monotonic() >= self.ask_at:
            self.send(f"{self.base}/request/events/{self.requester}", json.dumps({"from": self.store.last + 1, "to": first - 1}))
            self.ask_at = time.monotonic() + self.retry_s


class GivesUp(consumer.Consumer):
    """Asks no more after a refusal."""

    def on_reply(self, message):
        super().on_reply(message)
        if b"replay.refused" in message.payload:
            self.ask_at = time.monotonic() + 1e6


class AsksOnce(consumer.Consumer):
    """Trusts that each request is answered."""

    def tick(self):
        super().tick()
        if self.asked_at is not None:
            self.ask_at = self.asked_at = None


class NeverAsks(consumer.Consumer):
    """Stands still at a gap, and says so."""

    def tick(self):
        pass


class DropsWhileAsking(consumer.Consumer):
    """Takes what comes during an answer at once, and with it the number."""

    def on_event(self, message):
        event, sequence = consumer.read_event(message)
        if self.ask_at and sequence > self.store.last and self.store.highest_waiting() is not None:
            with self.store:
                self.store.apply(sequence, event)
        else:
            self.take(event, sequence)


class NeverClears(consumer.Consumer):
    """Does not know that an empty message takes a state away."""

    def on_state(self, message):
        if message.payload:
            super().on_state(message)


class BelievesEveryWill(consumer.Consumer):
    """Does not compare the boot id."""

    def on_status(self, message):
        with self.store:
            self.store.db.execute("UPDATE position SET boot = NULL")
        super().on_status(message)


FAULTS = {each.__name__: each for each in consumer.Consumer.__subclasses__()}

if __name__ == "__main__":
    consumer.main(sys.argv[2:], FAULTS[sys.argv[1]])
