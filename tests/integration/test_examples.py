# SPDX-License-Identifier: MPL-2.0
"""One message of each kind that there is, made to happen on a real daemon; contrib/examples/messages.tsv shows them to
subscribers. With EXAMPLES=FILE in the environment that file is written anew."""

import json
import os
import re
import unittest
from datetime import date, timedelta
from pathlib import Path

from support import FRISTD, MESSAGES, SOURCE, StackCase
from town import Municipality

SITE = "fristd/v1/proeve"
SHIPPED = SOURCE / "contrib/examples/messages.tsv"

RULES = """
rules:
  - {id: eksempel.sagsskridt, code: E1, title: {da: Eksempel, en: Example}, basis: Eksempel, kind: own, valid: {from: 2024-01-01},
     confidence: A, start: [eksempel.start], stop: [eksempel.slut], cancel: [eksempel.fejl], pause: [eksempel.pause],
     resume: [eksempel.genoptaget], due: {after: 10 days}}
  - {id: eksempel.serie, code: E2, title: {da: Eksempel, en: Example}, basis: Eksempel, kind: own, valid: {from: 2024-01-01},
     confidence: A, start: [eksempel.serie], cancel: [eksempel.serie_slut], due: {every: FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0}}
  - {id: eksempel.udloeb, code: E3, title: {da: Eksempel, en: Example}, basis: Eksempel, kind: expiry, valid: {from: 2024-01-01},
     confidence: A, start: [eksempel.udloeb], due: {after: 1 hour}}
  - {id: eksempel.oplysning, code: E4, title: {da: Eksempel, en: Example}, basis: Eksempel, kind: information,
     valid: {from: 2024-01-01}, confidence: A, start: [eksempel.oplysning], due: {after: 1 hour}}
"""


def transitions():
    types = json.loads((SOURCE / "contrib/schemas/event.json").read_text())["properties"]["type"]["enum"]
    return {re.fullmatch(r"dk\.fristd\.deadline\.([a-z_]+)\.v1", one)[1] for one in types}


class Examples(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.stream = self.stack.broker.listen("fristd/#")
        self.daemon = self.stack.daemon(FRISTD, reports="config/reports.yaml")
        self.stack.account.write(self.daemon.config / "rules/z-eksempel.yaml", RULES)
        self.daemon.start()

    def wait(self, transition, case):
        topic = f"{SITE}/event/deadline.{transition}"
        return self.stream.wait(lambda event: event.topic == topic and event.json["subject"] == case, f"{transition} of {case}")

    def delete(self, case, kind):
        """The case system takes an event back."""
        self.stack.postgres.sql("DELETE FROM fagsystem.haendelse WHERE sagsnr = :'case' AND art = :'kind'", case=case, kind=kind)

    def test_one_of_each(self):
        town, ago = self.town, "now() - interval '{}'".format
        town.case("2026-101", ("underretning.modtaget", "U-1", ago("23 hours")))
        self.wait("opened", "2026-101"), self.wait("approaching", "2026-101")
        town.event("2026-101", "underretning.vurderet", "U-1")
        self.wait("met", "2026-101")
        town.case("2026-102", ("underretning.modtaget", "U-1", ago("37 hours")))
        self.wait("breached", "2026-102"), self.wait("escalated", "2026-102")
        for command in (["2026-102", "--until", str(date.today() + timedelta(days=14)), "--by", "tl1", "--reason", "in_progress"], ["--end", "1", "--by", "tl1"]):
            done = self.daemon.command("ack", *command)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(self.wait("acknowledged", "2026-102").json["data"]["until"], str(date.today() + timedelta(days=13)))
        self.assertNotIn("until", self.wait("acknowledgement_ended", "2026-102").json["data"])
        town.event("2026-102", "underretning.vurderet", "U-1")
        self.wait("late", "2026-102")
        town.case("2026-103", ("eksempel.start", "", ago("3 days")))
        for event, transition in (("pause", "paused"), ("genoptaget", "resumed"), ("slut", "met")):
            town.event("2026-103", f"eksempel.{event}", "", when=ago({"pause": "2 days", "genoptaget": "1 day"}.get(event, "1 hour")))
            self.wait(transition, "2026-103")
        self.delete("2026-103", "eksempel.slut")
        self.wait("reopened", "2026-103")
        self.stack.postgres.sql("UPDATE fagsystem.haendelse SET tidspunkt = tidspunkt - interval '1 day' WHERE sagsnr = '2026-103' AND art = 'eksempel.start'")
        self.wait("moved", "2026-103")
        town.event("2026-103", "eksempel.fejl", "")
        self.wait("cancelled", "2026-103")
        town.case("2026-104", ("eksempel.start", "", ago("1 day")), ("eksempel.serie", "", ago("3 days")),
                  ("eksempel.udloeb", "", ago("1 day")), ("eksempel.oplysning", "", ago("1 day")))
        self.wait("missed", "2026-104"), self.wait("lapsed", "2026-104"), self.wait("passed", "2026-104")
        self.delete("2026-104", "eksempel.start")
        self.wait("withdrawn", "2026-104")
        self.stack.mail.refuse(town.caseworker)
        town.case("2026-105", ("underretning.modtaget", "U-1", ago("25 hours")))
        self.wait("notice_failed", "2026-105")
        self.ask()
        self.assertEqual(self.daemon.stop(), 0)
        self.stream.wait(lambda event: '"offline"' in event.payload, "the farewell")
        self.report()

        examples = self.first_of_each()
        self.assertEqual({name.removeprefix("dk.fristd.deadline.").removesuffix(".v1") for name in examples if ".deadline." in name}, transitions())
        if "EXAMPLES" in os.environ:
            Path(os.environ["EXAMPLES"]).write_text("".join(f"{topic}\t{payload}\n" for topic, payload in examples.values()))

    def ask(self):
        for request in ('{"from": 1, "to": 1}', '{"from": 2, "to": 1}'):
            self.stack.broker.publish(f"{SITE}/request/events/bi", request)
        for kind in ("ended", "refused"):
            self.stream.wait(lambda event, kind=kind: f"replay.{kind}" in event.payload, kind)

    def report(self):
        """As it will be on the next Monday."""
        today = date.today()
        done = self.daemon.command("run", "--once", "--at", f"{today + timedelta(days=7 - today.weekday())}T07:00:00", timeout=60)
        self.assertIn(done.returncode, (0, 1), done.stderr)  # 1: mails to whom the mail server refuses are tried again
        self.stream.wait(lambda event: "/report/" in event.topic and event.payload, "the report")

    def first_of_each(self):
        """{name: (topic, payload)}, the state and its clearing beside the events."""
        found = {}
        for event in self.stream.events:
            if "/request/" in event.topic:
                name = "request"
            elif "/deadline/" in event.topic:
                name = f"state, {event.json['state']}" if event.payload else "state, cleared"
            elif "/report/" in event.topic:
                name = f"report, {event.json['state']}" if event.payload else "report, cleared"
            elif event.topic.endswith("/status"):
                name = f"status, {event.json['status']}"
            else:
                name = event.json["type"]
            found.setdefault(name, (event.topic, event.payload))
        return dict(sorted(found.items()))


class Shipped(unittest.TestCase):
    def test_the_examples_keep_to_the_contract(self):
        seen = set()
        for line in SHIPPED.read_text().splitlines():
            topic, payload = line.split("\t")
            MESSAGES.check(topic, payload)
            seen.add(topic.split("/")[4].removeprefix("deadline.") if "/event/" in topic else topic.split("/")[3])
        self.assertLessEqual(transitions() | {"deadline", "report", "status", "request", "reply"}, seen)

    def test_the_page_shows_an_event_as_it_is(self):
        blocks = re.findall(r"```json\n(.*?)```", (SOURCE / "contrib/subscribers.md").read_text(), re.DOTALL)
        self.assertTrue(blocks)
        for block in blocks:
            MESSAGES.check(f"{SITE}/event/deadline.breached", block)

    def test_the_page_names_every_event(self):
        page = (SOURCE / "contrib/subscribers.md").read_text()
        table = page.split("| event | says |")[1].split("\n\n")[0]
        self.assertEqual(set(re.findall(r"`([a-z_]+)`", "".join(line.split("|")[1] for line in table.splitlines()[2:]))), transitions())


if __name__ == "__main__":
    unittest.main()
