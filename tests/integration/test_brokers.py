# SPDX-License-Identifier: MPL-2.0
"""The contract on two brokers that have nothing in common but the protocol, with both versions of it."""

import re
import unittest

from support import FRISTD, StackCase
from mqtt_raw import RawClient
from town import Municipality

from stack import Broker, Ejabberd, wait_until
from stack.broker import PUBLISHER

SITE = "fristd/v1/proeve"


class Contract:
    BROKER, VERSION = None, "5"

    def setUp(self):
        super().setUp()
        self.stack.broker = broker = self.BROKER(self.stack)
        broker.on_start = lambda: self.recorders.append(broker.listen("fristd/#"))
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD, mqtt={"version": self.VERSION, "host": "localhost", "port": broker.port})
        self.daemon.start()

    def tearDown(self):
        if not self.has_failed() and self.daemon.process.is_running():
            self.assertEqual(self.daemon.stop(), 0)

    def breach(self, *cases):
        for case in cases:
            self.town.case(case, ("underretning.modtaget", "U-1", "now() - interval '25 hours'"))

    def wait_retained(self, what, matches):
        return wait_until(lambda: (found := self.stack.broker.retained()) and matches(found) and found, what)

    def sequences(self):
        return [int(event.json["sequence"]) for recorder in self.recorders for event in recorder.events
                if "/event/" in event.topic]

    def test_life(self):
        """Birth, events in order, states set and cleared, the broker lost and back, a clean stop, a will."""
        broker = self.stack.broker
        print(f"{broker.version()}, MQTT {self.VERSION}", flush=True)
        state = f"{SITE}/deadline/K01/{{}}/U-1"
        self.wait_retained("online", lambda found: '"online"' in found.get(f"{SITE}/status", ""))
        self.breach("S-1", "S-2", "Sæson 3")
        self.wait_retained("three states", lambda found: {state.format(case) for case in ("S-1", "S-2", "Sæson 3")} <= set(found))
        self.town.event("S-1", "underretning.vurderet", "U-1")
        self.wait_retained("S-1 is cleared", lambda found: state.format("S-1") not in found)
        self.town.wait_published()
        self.assertEqual(self.sequences(), list(range(1, len(self.sequences()) + 1)))
        # What some brokers pass on though it is not allowed, and libmosquitto ends its connection on.
        unfit = f"{SITE}/request/events/\x01"
        broker.published.append((unfit, "{}"))
        raw = RawClient(broker.plain_port, PUBLISHER, broker.passwords[PUBLISHER])
        self.addCleanup(raw.close)
        if raw.publish(unfit, "{}"):
            self.daemon.wait_log("characters that are not allowed there")
        self.breach("S-5")
        self.wait_retained("S-5 comes all the same", lambda found: state.format("S-5") in found)
        self.town.wait_published()
        before = len(self.sequences())
        content = [event.properties.get("content-type") for event in self.recorders[0].events if "/event/" in event.topic]
        self.assertEqual(set(content), {"application/cloudevents+json; charset=utf-8"} if self.VERSION == "5" else {None})

        broker.kill()
        self.breach("S-4")
        self.town.event("S-2", "underretning.vurderet", "U-1")
        wait_until(lambda: "late" in " ".join(self.town.transitions("S-2")), "S-2 is met while the broker is away")
        broker.start()
        found = self.wait_retained("the states of now", lambda found: state.format("S-4") in found)
        self.town.wait_published()
        self.wait_retained("S-2 is cleared", lambda found: state.format("S-2") not in found)
        self.assertIn('"online"', found[f"{SITE}/status"])
        self.assertGreater(len(self.town.journal("SELECT number FROM transition")), before)

        self.assertEqual(self.daemon.stop(), 0)
        self.wait_retained("offline, and said so", lambda found: re.search('"offline".*"since":"', found[f"{SITE}/status"]))
        self.daemon.start()
        self.wait_retained("online again", lambda found: '"online"' in found[f"{SITE}/status"])
        self.daemon.process.kill()
        self.wait_retained("its will", lambda found: re.search('"offline".*"since":null', found[f"{SITE}/status"]))


class Mosquitto5(Contract, StackCase):
    BROKER = Broker


class Mosquitto311(Contract, StackCase):
    BROKER, VERSION = Broker, "3.1.1"


class Ejabberd5(Contract, StackCase):
    BROKER = Ejabberd


class Ejabberd311(Contract, StackCase):
    BROKER, VERSION = Ejabberd, "3.1.1"


if __name__ == "__main__":
    unittest.main()
