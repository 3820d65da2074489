# SPDX-License-Identifier: MPL-2.0
"""What other systems can rely on: the stream of events, asking for it again, what is retained, the status."""

import json
import os
import re
import signal
import subprocess
import threading
import unittest
from pathlib import Path

from support import FRISTD  # first: it knows where the others are
from mqtt_proxy import Proxy
from mqtt_raw import RawClient
from test_end_to_end import SITE, Running, ago

from stack import wait_until
from stack.broker import PUBLISHER, SUBSCRIBER
from stack.process import Process

REPLY = f"{SITE}/reply/{SUBSCRIBER}"


class Events(Running):
    def send(self, topic, payload, *options):
        """As mosquitto_pub sends it, and not to be measured by the contract."""
        self.stack.broker.published.append((topic, payload))
        self.stack.account.run(self.stack.broker.client("mosquitto_pub", PUBLISHER)
                               + ["-q", "1", "-t", topic, "-m", payload, *options])

    def ask(self, payload, *options, requester=SUBSCRIBER):
        text = payload if isinstance(payload, str) else json.dumps(payload)
        self.send(f"{SITE}/request/events/{requester}", text, *options)

    @staticmethod
    def ends_answer(seen):
        return ".replay." in seen.payload or ".replay." in seen.properties.get("user-properties", {}).get("type", "")

    def answer(self, topic=REPLY, number=1):
        """The events and the end of the number-th answer on this topic."""
        self.stream.wait(lambda seen: seen.topic == topic and self.ends_answer(seen), f"answer on {topic}", number)
        answers = [[]]
        for seen in self.stream.events:
            if seen.topic == topic:
                answers[-1].append(seen)
                if self.ends_answer(seen):
                    answers.append([])
        *events, end = answers[number - 1]
        return events, end

    def raw(self):
        broker = self.stack.broker
        client = RawClient(broker.plain_port, PUBLISHER, broker.passwords[PUBLISHER])
        self.addCleanup(client.close)
        return client

    def requests(self):
        """How many were served, refused and ignored, as `fristd status` knows it after a stop."""
        self.assertEqual(self.daemon.stop(), 0)
        counts = json.loads(self.daemon.command("status", "--json").stdout)["requests"]
        self.daemon.start()
        return counts

    def goes_on(self, case):
        """Whatever was done to it, it mails and publishes."""
        self.notification(case, ago(25))
        self.wait_event("breached", case)
        self.mail.wait(self.town.caseworker, lambda mail: f"Sag {case}:" in mail.subject, f"the mail on {case}")

    def live(self):
        return [seen for seen in self.stream.events if seen.topic.startswith(f"{SITE}/event/")]

    def some_events(self):
        """Ten and more, of three cases, all published."""
        for case in ("S-1", "S-2", "S-3"):
            self.notification(case, ago(25))
            self.wait_event("breached", case)
        self.town.event("S-2", "underretning.vurderet", "U-1")
        self.wait_event("late", "S-2")
        return self.live()


class AskingAgain(Events):
    def test_the_same_bytes_again(self):
        live = self.some_events()
        self.ask({"from": 2, "to": 4})
        events, end = self.answer()
        self.assertEqual([seen.payload for seen in events], [seen.payload for seen in live[1:4]])
        self.assertEqual(end.json["type"], "dk.fristd.replay.ended.v1")
        self.assertEqual(end.json["data"], {"from": 2, "to": 4, "sent": 3, "next": None, "last": len(live),
                                            "correlation": None})
        self.assertFalse(any(seen.retain for seen in [*events, end]))

    def test_response_topic_and_correlation_data(self):
        live = self.some_events()
        self.ask({"from": live[-1].json["sequence"], "correlation": "spørgsmål 7"},
                 "-D", "publish", "response-topic", f"{REPLY}/7", "-D", "publish", "correlation-data", "syv")
        events, end = self.answer(f"{REPLY}/7")
        self.assertEqual([seen.payload for seen in events], [live[-1].payload])
        self.assertEqual(end.json["data"]["correlation"], "spørgsmål 7")
        for seen in [*events, end]:
            self.assertEqual(seen.properties["correlation-data"], "syv")
            self.assertIn("message-expiry-interval", seen.properties)

    def test_a_foreign_response_topic_is_refused(self):
        self.some_events()
        for number, topic in enumerate((f"{SITE}/event/deadline.met", f"{SITE}/reply/{SUBSCRIBER}2", f"{SITE}/reply/",
                                        "somewhere/else"), 1):
            self.ask({"from": 1}, "-D", "publish", "response-topic", topic)
            events, end = self.answer(number=number)
            self.assertEqual((events, end.json["data"]["reason"]), ([], "response_topic"))
        self.assertEqual([seen.topic for seen in self.stream.events if seen.topic == "somewhere/else"], [])

    def test_what_is_no_request_is_refused(self):
        live = self.some_events()
        cases = [("", "not_json"), ("garbage", "not_json"), ("[1]", "not_json"), ('{"from": 1} x', "not_json"),
                 ('{"from": "x"}', "wrong_field"), ('{"from": 1.5}', "wrong_field"), ('{"to": 3}', "wrong_field"),
                 ('{"from": 1, "too": 3}', "wrong_field"), ('{"from": 0}', "range"), ('{"from": 3, "to": 2}', "range"),
                 ('{"from": 1, "to": 1000000}', "too_many"), ('{"from": 1, "x": "' + "y" * 1100 + '"}', "too_large")]
        for number, (payload, reason) in enumerate(cases, 1):
            self.ask(payload)
            events, end = self.answer(number=number)
            self.assertEqual((events, end.json["type"], end.json["data"]["reason"]),
                             ([], "dk.fristd.replay.refused.v1", reason), payload)
        self.ask({"from": 1})  # the thirteenth in this minute
        self.assertEqual(self.answer(number=len(cases) + 1)[1].json["data"]["reason"], "too_often")
        self.ask({"from": 1})  # is only counted
        self.ask({"from": 1}, requester="en-anden")  # and nobody else is in the way
        events, end = self.answer(f"{SITE}/reply/en-anden")
        self.assertEqual((len(events), end.json["data"]["next"]), (len(live), None))

    def test_the_command_and_the_view_have_the_same(self):
        live = self.some_events()
        listed = self.daemon.command("events", "--since", "3", "--json")
        self.assertEqual((listed.returncode, listed.stderr), (0, ""))
        self.assertEqual(listed.stdout.splitlines(), [seen.payload for seen in live[2:]])
        self.assertEqual(len(self.daemon.command("events", "--since", "3", "--until", "9", "--limit",
                                                 "2").stdout.splitlines()), 2)
        self.assertEqual(self.daemon.command("events", "--since", "1000").returncode, 1)
        self.assertEqual(self.daemon.command("events", "--since", "x").returncode, 2)
        columns = ("sequence", "type", "code", "kind", "case", "subject", "occurrence", "unit", "state")
        names = ", ".join(f'"{name}"' for name in columns)
        rows = self.town.journal(f"SELECT {names} FROM fristd_journal.event_stream ORDER BY sequence")
        published = [seen.json | seen.json["data"] for seen in live]
        self.assertEqual(rows, [[str(int(event["sequence"]))] + [str(event[name]) for name in columns[1:]]
                                for event in published])


    def test_the_command_follows(self):
        live = self.some_events()
        follower = Process("events", self.stack.account, self.stack.logs / "follow.log")
        self.addCleanup(follower.kill)
        follower.start([self.daemon.binary, "events", "--config", self.daemon.path / "fristd.yaml", "--json", "--follow", "--since",
                        str(len(live))], environment=self.daemon.environment())
        wait_until(lambda: follower.log().splitlines() == [live[-1].payload], "what was there")
        self.notification("S-9", ago(25))
        self.wait_event("breached", "S-9")
        wait_until(lambda: follower.log().splitlines() == [seen.payload for seen in self.live()[len(live) - 1:]], "what came")
        self.assertEqual(follower.stop(signal.SIGINT), 0)
        # Without a reader it ends with the first event.
        follower.start([self.daemon.binary, "events", "--config", self.daemon.path / "fristd.yaml", "--follow", "--since", "1"],
                       environment=self.daemon.environment(), stdout=subprocess.PIPE)
        follower.popen.stdout.close()
        wait_until(lambda: not follower.is_running(), "it ends")
        self.assertEqual(follower.status(), "status 0")


class Unfriendly(Events):
    # A level of the topic, and whether mosquitto passes it on; fristd answers none of them.
    REQUESTERS = {b"\xff": False, "\x01": False, "\uffff": False, "a\0b": False, "+": False, "": True, "a b": True, "æ": True,
                  "\U0001f600": True, "x" * 65: True, "x" * 60000: True}
    RESPONSES = ["", f"{REPLY}/+", f"{REPLY}/#", "$SYS/broker", f"{SITE}/request/events/{SUBSCRIBER}", f"{SITE}/deadline/K01/S-1/U-1",
                 f"{SITE}/status", f"{REPLY}/../../status", f"{REPLY}/\x01", b"\xff", REPLY.encode() + b"/\xed\xa0\x80", "x" * 65000]
    PAYLOADS = [b"\xff", b'{"from": 1, "correlation": "\xff"}', b"[" * 1000, b'{"from":' * 120, b'{"from": 1e400}',
                b'{"from": 18446744073709551616}', b'{"from": -1}', b'{"from": 1, "from": 2}', b'{"from": 1, "correlation": "\\u0000"}',
                b'{"from": {}}', b"x" * 5_000_000]

    def _wrong_messages(self):
        return [wrong for wrong in super()._wrong_messages() if "/request/events/" not in wrong]  # only the daemon's

    def answers(self):
        """Reasons of refusals, None for what was served."""
        return [seen.json["data"].get("reason") for seen in self.stream.events if self.ends_answer(seen)]

    def test_no_topic_and_no_payload_does_harm(self):
        self.some_events()
        for requester, passed in self.REQUESTERS.items():
            topic = f"{SITE}/request/events/".encode() + (requester if isinstance(requester, bytes) else requester.encode())
            self.assertEqual(self.raw().publish(topic, '{"from": 1}'), passed, requester)
        taken = sum(self.raw().publish(f"{SITE}/request/events/{SUBSCRIBER}", '{"from": 1, "to": 1}', topic) for topic in self.RESPONSES)
        for data in (b"\xff" * 256, b"x" * 257, b"x" * 65000):
            self.assertTrue(self.raw().publish(f"{SITE}/request/events/to", '{"from": 1, "to": 1}', correlation=data))
        for payload in self.PAYLOADS:
            self.assertTrue(self.raw().publish(f"{SITE}/request/events/tre", payload))
        self.ask({"from": 1, "to": 1}, requester="sidst")
        self.answer(f"{SITE}/reply/sidst")
        answers = self.answers()
        self.assertEqual(answers.count("response_topic"), taken - 1)  # one lies below the reply topic
        self.assertEqual(answers.count("too_large"), 2)  # the broker of MQTT 5 keeps megabytes to itself
        self.assertEqual(answers.count(None), 3)
        self.goes_on("S-8")
        counts = self.requests()
        self.assertEqual(counts, {"served": 3, "refused": len(answers) - 3, "ignored": sum(self.REQUESTERS.values())})
        self.goes_on("S-9")
        self.ask({"from": 1, "to": 1}, requester="sidst")
        self.answer(f"{SITE}/reply/sidst", 2)
        self.assertEqual(self.requests(), counts | {"served": 4})  # counted over all runs


class Greedy(Events):
    CHECKS_MESSAGES = False  # there are too many

    def resident(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.daemon.process.pid}/status").read_text(encoding="ascii"))[1])

    def test_requests_by_the_thousand(self):
        self.daemon.stop()  # else what was freed stays resident for long
        self.daemon.start(environment={"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=1"})
        self.some_events()
        self.stream.close()
        self.stream = self.stack.broker.listen(f"{SITE}/event/#")
        topics = [f"{SITE}/request/events/r{number % 50}" for number in range(5000)]
        self.raw().hammer(topics, b'{"from": 1}')
        self.goes_on("S-8")
        before = self.resident()
        crowd = [threading.Thread(target=self.raw().hammer, args=(topics, b'{"from": 1}')) for _ in range(4)]
        for one in crowd:
            one.start()
        for case in range(10, 15):
            self.goes_on(f"S-{case}")
        for one in crowd:
            one.join()
        self.goes_on("S-9")
        self.assertLess(self.resident() - before, 16 * 1024)
        counts = self.requests()
        print(f"requests: {counts}")
        self.assertLess(counts["served"] + counts["refused"], 2 * 100)  # it may last into a second minute
        self.assertGreater(counts["ignored"], 1000)


class BadBroker(Events):
    """Whatever the broker does, mails go out at their time, and events come when it is well again."""

    WORDS = "Lovbestemt frist er overskredet"

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.proxy = Proxy(self.stack.broker.plain_port)
        self.addCleanup(self.proxy.close)
        self.daemon.change(mqtt={"host": "127.0.0.1", "port": self.proxy.port, "tls": False, "ca_file": None})
        self.daemon.start()

    def is_published(self):
        return self.town.journal("SELECT (SELECT value::bigint FROM progress WHERE name = 'published') = "
                                 "(SELECT max(number) FROM transition)") == [["t"]]

    def breach(self, case):
        """A deadline that passes in a moment is mailed, though nothing has been published of it."""
        self.notification(case, ago(24, 2))
        self.wait_mail(self.town.caseworker, case, self.WORDS)
        self.assertFalse(self.is_published(), case)

    def test_mail_is_not_concerned(self):
        self.notification("S-0A", ago(25))
        self.wait_event("breached", "S-0A")
        self.proxy.delay_s = 3
        self.breach("S-SLOW")
        self.proxy.delay_s = 0
        self.town.wait_published()

        self.proxy.silent = True  # the connection that there is; its PUBACKs never come
        self.breach("S-MUTE")
        self.daemon.kill()
        self.daemon.start()  # and now nobody even answers CONNECT
        self.breach("S-HOLE")
        self.proxy.silent = False

        broker = self.stack.broker
        for case, access, password in (("S-RIGHT", "", None), ("S-WRONG", broker.access, "another one")):
            broker.stop()
            kept = broker.access, dict(broker.passwords)
            broker.access = f"{access}\nuser {SUBSCRIBER}\ntopic read #\ntopic write stack/#\n"
            broker.passwords[PUBLISHER] = password or broker.passwords[PUBLISHER]
            broker._start()
            self.breach(case)
            broker.stop()
            broker.access, broker.passwords = kept
        self.breach("S-DEAD")
        self.assertEqual(self.daemon.stop(), 0)  # its waits between two connections have grown with each failure
        broker.start()
        self.daemon.start()
        self.town.wait_published()


class Retained(Events):
    STATUS = f"{SITE}/status"

    def ledger(self):
        return {row[0] for row in self.town.journal("SELECT topic FROM fristd_journal.retained_topic")}

    def wait_same(self):
        """The ledger is what the broker has, and nothing is on its way any more."""
        self.town.wait_published()
        wait_until(lambda: self.ledger() == set(self.stack.broker.retained("fristd/#")), "ledger and broker agree")

    def test_the_ledger_knows_what_is_retained(self):
        self.some_events()
        self.wait_same()
        self.assertEqual(self.ledger(), {f"{SITE}/status", f"{SITE}/deadline/K01/S-1/U-1", f"{SITE}/deadline/K01/S-3/U-1"})

    def test_a_renamed_code_and_a_renamed_site_leave_nothing_behind(self):
        self.some_events()
        self.daemon.stop()
        rules = self.daemon.config / "rules"
        for path in rules.rglob("*.yaml"):
            self.stack.account.write(path, path.read_text().replace("code: K01", "code: K91"))
        self.daemon.start()
        self.wait_retained(f"{SITE}/deadline/K91/S-1/U-1", True)
        self.wait_retained(f"{SITE}/deadline/K01/S-1/U-1", False)
        self.wait_same()
        self.daemon.stop()
        self.daemon.change(site="anden")
        self.daemon.start()
        self.wait_retained("fristd/v1/anden/deadline/K91/S-1/U-1", True)
        wait_until(lambda: not self.stack.broker.retained(f"{SITE}/#"), "nothing of the old site is left")
        self.wait_same()

    def test_a_code_renamed_while_it_runs(self):
        self.some_events()
        rules = self.daemon.config / "rules"
        for path in rules.rglob("*.yaml"):
            self.stack.account.write(path, path.read_text().replace("code: K01", "code: K91"))
        self.daemon.reload()
        self.wait_retained(f"{SITE}/deadline/K91/S-3/U-1", True)
        self.wait_retained(f"{SITE}/deadline/K01/S-3/U-1", False)
        self.wait_same()

    def test_garbage_is_cleared_and_the_broker_may_forget(self):
        self.some_events()
        garbage = [f"{SITE}/deadline/K01/S-9/U-9", f"{SITE}/deadline/x", f"{SITE}/deadline/K01/S-1/U-1"]
        self.daemon.stop()
        for topic in garbage:
            self.stack.broker.publish(topic, "skrald", retain=True)
        large = "skrald" * 150_000
        for topic in (f"{SITE}/deadline/K01/S-8/U-8", f"{SITE}/deadline/K01/S-2/U-1", f"{SITE}/deadline/K01/S-3/U-1", self.STATUS):
            self.stack.broker.published.append((topic, large))
            self.assertTrue(self.raw().publish(topic, large, retain=True))
        self.daemon.start()
        wait_until(lambda: not any(payload.startswith("skrald") for payload in self.stack.broker.retained().values()), "garbage is cleared")
        self.wait_same()
        self.stack.broker.kill()
        self.stack.broker.start()  # keeps nothing
        self.wait_same()
        self.assertIn(f"{SITE}/deadline/K01/S-1/U-1", self.stack.broker.retained())

    def test_purge(self):
        self.some_events()
        self.wait_same()
        refused = self.daemon.command("mqtt", "purge")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("another fristd holds it", refused.stderr)
        self.daemon.stop()
        self.stack.broker.publish(f"{SITE}/report/gammel", "1", retain=True)
        self.stack.broker.publish("fristd/v1/nabo/status", "1", retain=True)
        purged = self.daemon.command("mqtt", "purge")
        self.assertEqual((purged.returncode, purged.stdout, purged.stderr), (0, "retained messages cleared: 4\n", ""))
        self.assertEqual(set(self.stack.broker.retained()), {"fristd/v1/nabo/status"})
        self.assertEqual(self.ledger(), set())
        self.stack.broker.publish(f"{SITE}/deadline/x", "1", retain=True)
        self.assertEqual(self.daemon.command("mqtt", "purge", "--without-journal").returncode, 0)
        self.assertEqual(set(self.stack.broker.retained()), {"fristd/v1/nabo/status"})


class Status(Events):
    TOPIC = f"{SITE}/status"

    def wait_status(self, status, boot=None):
        def says():
            found = json.loads(self.stack.broker.retained(self.TOPIC).get(self.TOPIC) or "{}")
            return found if found.get("status") == status and found.get("boot") != boot else None
        return wait_until(says, f"status {status}")

    def test_birth_will_and_boot(self):
        first = self.wait_status("online")
        self.daemon.kill()
        self.assertEqual(self.wait_status("offline")["boot"], first["boot"])
        self.daemon.start()
        second = self.wait_status("online", boot=first["boot"])
        # The broker notices late that the first one is gone.
        self.stack.broker.publish(self.TOPIC, json.dumps(first | {"status": "offline", "since": None}), retain=True)
        self.stream.wait(lambda seen: seen.topic == self.TOPIC and seen.json["boot"] == second["boot"], "a second birth", count=2)
        self.wait_status("online", boot=first["boot"])
        self.daemon.stop()
        self.assertEqual(self.wait_status("offline")["boot"], second["boot"])

    def test_only_the_one_that_holds_the_journal_publishes(self):
        first = self.wait_status("online")
        other = self.stack.daemon(FRISTD, name="anden")
        other.start(ready=False)
        other.wait_log("another fristd holds it")
        self.notification("S-1", ago(25))
        self.wait_event("breached", "S-1")
        self.assertNotIn("mqtt: connected", other.log())
        self.assertEqual(self.wait_status("online")["boot"], first["boot"])
        self.daemon.kill()
        other.wait_ready()
        self.wait_status("online", boot=first["boot"])
        self.notification("S-2", ago(25))
        self.wait_event("breached", "S-2")
        other.stop()

    def test_another_client_with_the_same_id(self):
        self.wait_status("online")
        log = self.stack.logs / "rival.log"
        rival = Process("mosquitto_sub", self.stack.account, log)  # comes back each second
        self.addCleanup(rival.kill)
        rival.start(self.stack.broker.client("mosquitto_sub") + ["-i", "fristd-proeve", "-t", "x"])
        waits = []
        for count in (1, 2):
            line = self.daemon.wait_log(r"mqtt: lost soon after connecting, \d times in a row; does another client use the "
                                        r"client id fristd-proeve\?.*next try in (\d+) s", count=count)
            waits.append(int(line.group(1)))
        self.assertLess(waits[0], waits[1])
        rival.kill()
        self.notification("S-1", ago(25))
        self.wait_event("breached", "S-1")


class Binary(Events):
    SETTINGS = {"mqtt": {"content": "binary", "units_in_topics": True}}

    def wait_event(self, kind, case, code="K01"):
        return self.stream.wait(
            lambda seen: seen.topic == f"{SITE}/event/deadline.{kind}/nord" and seen.json["case"] == case
            and seen.json["code"] == code, f"{kind} of {case}")

    def test_attributes_are_properties(self):
        self.some_events()
        seen = self.wait_event("breached", "S-1")
        properties = dict(seen.properties["user-properties"])
        listed = json.loads(self.daemon.command("events", "--since", properties["sequence"], "--limit", "1",
                                                "--json").stdout)
        self.assertEqual(seen.properties["content-type"], listed.pop("datacontenttype"))
        self.assertEqual(seen.json, listed.pop("data"))
        self.assertEqual(properties, listed)
        self.wait_retained(f"{SITE}/deadline/K01/S-1/U-1/nord", True)
        self.stack.postgres.sql("INSERT INTO fagsystem.enhed VALUES ('syd', 'Syd', 'familie');"
                                "UPDATE fagsystem.sag SET enhed = 'syd' WHERE sagsnr = 'S-1'")
        self.town.event("S-1", "underretning.modtaget", "U-2")  # brings the case to be looked at
        self.wait_retained(f"{SITE}/deadline/K01/S-1/U-1/syd", True)
        self.wait_retained(f"{SITE}/deadline/K01/S-1/U-1/nord", False)
        self.ask({"from": properties["sequence"], "to": properties["sequence"]})
        events, end = self.answer()
        self.assertEqual(events[0].payload, seen.payload)
        self.assertEqual(events[0].properties["user-properties"], seen.properties["user-properties"])


if __name__ == "__main__":
    unittest.main()
