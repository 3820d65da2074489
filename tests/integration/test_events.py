# SPDX-License-Identifier: MPL-2.0
"""What other systems can rely on: the stream of events, asking for it again, what is retained, the status."""

import json
import signal
import subprocess
import unittest

from support import FRISTD
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


class Retained(Events):
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
        self.daemon.start()
        wait_until(lambda: "skrald" not in self.stack.broker.retained().values(), "garbage is cleared")
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
