# SPDX-License-Identifier: MPL-2.0
"""What a subscriber gets while things go wrong: every event, in order, with duplicates that are known by their number."""

import argparse
import os
import re
import sys
import threading
import time
import unittest
from pathlib import Path

from support import FRISTD, MESSAGES, SOURCE, StackCase
from town import Municipality

from stack import wait_until
from stack.broker import PUBLISHER

sys.path.insert(0, str(SOURCE / "contrib/kit"))

import consumer
from mqtt_proxy import Proxy

AWAY = int(os.environ.get("AWAY", "3000"))  # events that wait while the broker is away: 100,000 are a day of a large town
LOST = 15  # below the 20 that mosquitto lets be under way: then no time-out has to be waited for


class Watcher(consumer.Consumer):
    """The consumer of the kit, which also notes all that comes on the event topics and as an answer."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.log = lambda text: None
        self.live, self.answered, self.payloads, self.wrong = [], [], {}, []
        self.position = 0  # as the store has it, for other threads

    def on_event(self, message):
        event, sequence = consumer.read_event(message)
        (self.live if "/event/" in message.topic else self.answered).append(sequence)
        known = self.payloads.setdefault(sequence, message.payload)
        if known != message.payload:
            self.wrong.append(f"{sequence} came with another content")
        self.take(event, sequence)
        if known is not message.payload:  # checked when it came first
            return
        attributes = [{name: value} for name, value in getattr(message.properties, "UserProperty", [])]
        MESSAGES.check(message.topic, message.payload.decode(),
                       {"user-properties": attributes, "content-type": getattr(message.properties, "ContentType", None)})

    def on_reply(self, message):
        event, _ = consumer.read_event(message)
        if event["type"].startswith("dk.fristd.deadline."):
            self.on_event(message)
        else:
            super().on_reply(message)

    def receive(self, message):
        try:
            super().receive(message)
        except Exception as error:  # would end the thread and nothing else
            self.wrong.append(f"{message.topic}: {error!r}")
        self.position = self.store.last


class Running:
    """A watcher on a thread of its own."""

    def __init__(self, port, stack):
        password = stack.account.write(stack.path / "watcher-password", stack.broker.passwords[PUBLISHER])
        self.options = argparse.Namespace(host="127.0.0.1", port=port, no_tls=True, user=PUBLISHER,
                                          password_file=password, version="5", site="proeve", name="watcher",
                                          retry=5, store=stack.path / "watcher.db")
        self.watcher = None
        self.start()

    def start(self):
        self.ending = threading.Event()
        ready = threading.Event()

        def make(*arguments):
            made = Watcher(*arguments)
            if self.watcher:  # a connection later: what it has noted goes on
                made.live, made.answered, made.payloads = self.watcher.live, self.watcher.answered, self.watcher.payloads
                made.wrong, made.position = self.watcher.wrong, self.watcher.position
            made.log = lambda text: ready.set() if text == "following" else None
            self.watcher = made
            return made
        self.thread = threading.Thread(target=consumer.follow, args=(self.options, make, self.ending.is_set), daemon=True)
        self.thread.start()
        wait_until(ready.is_set, "the watcher follows")

    def stop(self):
        self.ending.set()
        self.thread.join(10)


class Following(StackCase):
    """One daemon and one subscriber live through all of it; each step is a line of the table."""

    CHECKS_MESSAGES = AWAY == 3000  # the watcher checks each event itself
    CONTENT = "structured"
    HEAD = ("fault", "sent", "received", "duplicates", "out of order", "asked for", "seconds", "MiB")

    def setUp(self):
        super().setUp()
        self.stack.broker.keeps = False
        self.stack.start()
        self.broker = self.stack.broker
        self.town = Municipality(self.stack)
        self.proxy = Proxy(self.broker.plain_port)
        self.addCleanup(self.proxy.close)
        self.daemon = self.stack.daemon(FRISTD, mqtt={"host": "127.0.0.1", "port": self.proxy.port, "tls": False, "ca_file": None,
                                                      "content": self.CONTENT},
                                        log={"level": "info"})
        self.daemon.start()
        self.running = Running(self.broker.plain_port, self.stack)
        self.addCleanup(lambda: self.running.stop())
        self.cases = 0
        self.rows = []

    def happen(self, cases):
        """So many cases, each with two duties that begin and one that is met: three events."""
        first, self.cases = self.cases + 1, self.cases + cases
        self.stack.postgres.sql(f"""
            BEGIN;
            INSERT INTO fagsystem.sag SELECT 'F-' || n, 'barn', 'nord', 'sb1', '' FROM generate_series({first}, {self.cases}) n;
            INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt)
                SELECT 'F-' || n, art, 'U-1', now() FROM generate_series({first}, {self.cases}) n,
                       (VALUES ('underretning.modtaget'), ('underretning.vurderet')) arter (art);
            COMMIT;""")

    def last(self):
        return int(self.town.journal("SELECT coalesce(max(number), 0) FROM transition")[0][0])

    def wait_decided(self):
        """Until the journal has the events of all cases."""
        wait_until(lambda: self.town.journal("SELECT count(DISTINCT case_id) FROM transition WHERE case_id LIKE 'F-%'")
                   == [[str(self.cases)]], "all is decided", 60 + AWAY / 500, self.daemon.process)

    def wait_known(self):
        """Until the subscriber has all that the journal has."""
        self.wait_decided()
        last = self.last()
        watcher = self.running.watcher
        wait_until(lambda: self.running.watcher.position >= last or watcher.wrong, f"the subscriber has {last}", 120 + AWAY / 100,
                   self.daemon.process)
        self.assertEqual(self.running.watcher.wrong, [])

    def memory(self):
        """The most that the daemon has had resident."""
        status = Path(f"/proc/{self.daemon.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024

    def line(self, fault, cause):
        """Causes a fault, waits until the subscriber has everything, and notes what came."""
        if self.rows:  # its waits between two connections grow with each failure
            self.assertEqual(self.daemon.stop(), 0)
            self.daemon.start()
        watcher, start = self.running.watcher, time.monotonic()
        sent, live, answered = self.last(), len(watcher.live), len(watcher.answered)
        cause()
        self.wait_known()
        watcher = self.running.watcher
        came, again = watcher.live[live:], watcher.answered[answered:]
        wanted = set(range(sent + 1, self.last() + 1))
        # What it had before may come again, after a stop before the last acknowledgement was written down.
        seen, out_of_order, highest = set(watcher.live[:live] + watcher.answered[:answered]), 0, sent
        known = len(seen)
        for sequence in came:
            out_of_order += sequence not in seen and sequence < highest
            seen.add(sequence)
            highest = max(highest, sequence)
        only_asked = len((set(again) & wanted) - seen)
        row = (fault, len(wanted), len((seen | set(again)) & wanted), len(came) - (len(seen) - known), out_of_order, only_asked,
               f"{time.monotonic() - start:.1f}", self.memory())
        self.rows.append(row)
        self.assertEqual((row[1], row[4]), (row[2], 0), f"{fault}: {row}")
        self.assertGreater(row[1], 0)
        return row


class Binary(Following):
    CONTENT = "binary"

    def test_both_ways_of_getting_an_event(self):
        """Live and as an answer, the attributes beside the payload."""
        self.line("binary", lambda: self.happen(50))
        self.running.stop()
        self.running.options.store = self.stack.path / "nothing-known.db"
        answered = len(self.running.watcher.answered)
        self.running.start()
        self.wait_known()
        self.assertEqual(self.running.watcher.answered[answered:][:150], list(range(1, 151)))


class Faults(Following):
    def print_table(self):
        print(self.broker.version())
        for row in (self.HEAD, *self.rows):
            print("{:46} {:>6} {:>9} {:>11} {:>13} {:>10} {:>8} {:>5}".format(*row))
        sys.stdout.flush()

    def test_table(self):
        self.addCleanup(self.print_table)
        self.assertEqual(self.line("none", lambda: self.happen(100))[3], 0)
        self.line("connection cut in the middle of a message, 2x", self.cut)
        self.assertGreaterEqual(self.line(f"{LOST} PUBACKs lost, 2x", self.lose_acks)[3], LOST)
        self.line("slow broker: 4 ms an acknowledgement", self.slow)
        self.line("fristd killed among messages", self.kill_daemon)
        self.line("broker killed, store kept, restarted", lambda: self.kill_broker(keeps=True))
        self.line("broker killed, store lost, restarted", lambda: self.kill_broker(keeps=False))
        self.line(f"broker away while {AWAY:,} events come", self.away)
        row = self.line("subscriber away, its queue at the broker full", self.full_queue)
        self.assertGreater(row[5], 0)

    # --- the faults

    def harm(self, times, prepare):
        for _ in range(times):
            harmed = self.proxy.harmed
            prepare()
            self.happen(60)
            wait_until(lambda before=harmed: self.proxy.harmed > before, "the connection is cut", process=self.daemon.process)

    def cut(self):
        self.harm(2, lambda: self.proxy.cut_after(40))

    def lose_acks(self):
        self.harm(2, lambda: self.proxy.lose_acks_after(20, LOST))

    def slow(self):
        self.proxy.delay_s = 0.004
        self.happen(200)
        self.wait_known()
        self.proxy.delay_s = 0

    def some_arrived(self, number):
        watcher, before = self.running.watcher, len(self.running.watcher.live)
        wait_until(lambda: len(watcher.live) >= before + number, f"{number} have arrived")

    def kill_daemon(self):
        self.proxy.delay_s = 0.002
        self.happen(200)
        self.some_arrived(100)
        self.daemon.process.kill()
        self.proxy.delay_s = 0
        self.daemon.start()

    def kill_broker(self, keeps):
        if self.broker.keeps != keeps:  # so that it has one when it is killed
            self.broker.stop()
            self.broker.keeps = keeps
            self.broker.start()
        self.proxy.delay_s = 0.002
        self.happen(200)
        self.some_arrived(100)
        self.broker.kill()
        self.proxy.delay_s = 0
        self.broker.start()

    def away(self):
        self.broker.kill()
        self.happen(AWAY // 3)
        self.wait_decided()
        self.broker.start()

    def full_queue(self):
        self.broker.stop()
        self.broker.queue = 100
        self.broker.start()
        self.happen(1)
        self.wait_known()
        self.running.stop()
        self.happen(100)
        self.wait_decided()
        self.town.wait_published()
        self.running.start()


if __name__ == "__main__":
    unittest.main()
