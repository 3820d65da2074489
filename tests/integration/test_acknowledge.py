# SPDX-License-Identifier: MPL-2.0
"""Acknowledged: those who know are left alone until the date, the next level is not, the clock goes on, and what is not
done comes back. Day by day in virtual time; then a daemon that runs, which hears of it at once."""

import datetime
import email.utils
import json
import unittest

from stack import wait_until
from town import Municipality
from support import FRISTD, StackCase

# Due on Monday 30 March 2026. Steps: 16 and 23 March, the breach, 6 April and each week from then on.
RULE = """
rules:
  - {id: proeve.uger, code: P7, title: Prøve, basis: Egen § 7, kind: own, valid: {from: 2024-01-01}, confidence: A,
     start: [proeve.ansoegt], stop: [proeve.afgjort], due: {after: 28 days}, escalation: uger}
"""
FIRST, LAST = datetime.date(2026, 3, 2), datetime.date(2026, 4, 22)
NOTE = "Talt med moderen Fie Testperson"


class Acknowledge(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD)
        self.stack.account.write(self.daemon.config / "rules/proeve.yaml", RULE)
        self.daemon.write_settings()

    def run_at(self, moment):
        done = self.daemon.command("run", "--once", "--at", moment, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.logs += done.stderr

    def ack(self, *argv, status=0):
        done = self.daemon.command("ack", *argv, timeout=30)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done.stdout + done.stderr

    logs = ""

    def test_day_by_day(self):
        town = self.town
        self.run_at("2026-03-01T12:00:00")
        town.case("S-7", ("proeve.ansoegt", "A-1", "'2026-03-02 10:00 +01'"))
        for day in range((LAST - FIRST).days + 1):
            date = FIRST + datetime.timedelta(days=day)
            if date == datetime.date(2026, 4, 22):
                town.event("S-7", "proeve.afgjort", "A-1", "'2026-04-22 07:00 +02'")
            self.run_at(f"{date}T08:05:00")
            if date == datetime.date(2026, 3, 24):
                self.acknowledge(f"{date}T12:30:00")
        by_day = {}
        for mail in town.mails("S-7"):
            by_day.setdefault(str(email.utils.parsedate_to_datetime(mail["Date"]).date()), []).append(mail.to)
        people = {"sb": town.caseworker, "tl": town.team_leader, "al": town.department_head, "cc": town.centre_head}
        expected = {"2026-03-16": ["sb"], "2026-03-23": ["sb", "tl"],
                    "2026-03-31": ["al"],        # the breach, for the level that had not been told
                    "2026-04-06": ["cc"],        # and the next one
                    "2026-04-15": ["al", "cc"],  # it comes back: the repeat of the 13th had been held back
                    "2026-04-20": ["al", "cc"]}  # and goes on
        self.assertEqual({day: sorted(told) for day, told in by_day.items()}, {day: sorted(people[who] for who in told) for day, told in expected.items()})
        self.assertEqual(town.transitions("S-7"),
                         ["P7 " + kind for kind in ("opened", "approaching", "approaching", "acknowledged", "breached",
                                                    "escalated", "acknowledgement_ended", "escalated", "late")])
        self.assertEqual(town.journal("SELECT state, breached_at IS NOT NULL FROM deadline WHERE case_id = 'S-7'"),
                         [["late", "t"]])
        self.explains()
        self.says_who_why_and_until_when()
        self.note_stays_in_the_journal()

    def acknowledge(self, at):
        said = self.ack("S-7", "--until", "2026-04-15", "--by", "tl1", "--reason", "ferie", "--at", at, status=1)
        self.assertIn("the reason is one of in_progress, awaiting_citizen", said)
        said = self.ack("S-7", "--until", "2026-04-15", "--by", "tl1", "--reason", "awaiting_citizen", "--rule", "P1", "--at", at,
                        status=1)
        self.assertIn("open in this case: P7", said)
        said = self.ack("S-7", "--until", "2026-04-15", "--by", "tl1", "--reason", "awaiting_citizen", "--rule", "P7",
                        "--note", NOTE, "--at", at)
        self.assertIn("acknowledgement 1 of case S-7 holds until 2026-04-15T08:00:00+02:00", said)
        [listed] = json.loads(self.ack("--list", "--json"))
        self.assertEqual((listed["case"], listed["covers"], listed["by"], listed["note"]), ("S-7", "P7", "tl1", NOTE))

    def explains(self):
        [deadline] = json.loads(self.daemon.command("explain", "S-7", "--json").stdout)["deadlines"]
        fates = {stage["at"][:10]: stage["fate"] for stage in deadline["stages"]}
        self.assertEqual(fates, {"2026-03-16": "told", "2026-03-23": "told", "2026-03-31": "told", "2026-04-06": "told",
                                 "2026-04-13": "held", "2026-04-20": "told"})
        [held] = deadline["held_back"]
        self.assertEqual((held["by_what"], held["by"], held["reason"]), ("acknowledgement", "tl1", "awaiting_citizen"))
        text = self.daemon.command("explain", "S-7").stdout
        self.assertIn("kvitteret af tl1 indtil 15. april 2026", " ".join(text.split()))
        self.assertNotIn("Testperson", text)

    def says_who_why_and_until_when(self):
        first = next(mail for mail in self.town.mails("S-7") if mail.to == self.town.centre_head)
        self.assertIn("kvitteret af tl1 (teamleder) indtil 15. april 2026 kl. 08.00: afventer borgeren", first.words)
        self.assertIn("kvitteret af tl1 (teamleder) indtil 15. april 2026", first.html)
        back = [mail for mail in self.town.mails("S-7") if mail.to == self.town.centre_head][1]
        self.assertIn("en kvittering er ophørt", back.words)
        self.assertNotIn("Mailen kommer senere", back.words)

    def note_stays_in_the_journal(self):
        sent = "".join(mail.text + mail.html for mail in self.town.mails("S-7"))
        self.assertNotIn("Testperson", sent + self.logs)
        self.assertEqual(self.town.journal("SELECT note FROM acknowledgement"), [[NOTE]])

    def test_a_running_daemon_hears_at_once(self):
        # Nothing but a notification can wake it within the time that this test waits.
        self.daemon.change(casedb={"poll_interval": "1 hour", "notify_channel": None})
        self.town.case("S-8", ("proeve.ansoegt", "A-1", "now() - interval '60 days'"))
        events = self.stack.broker.listen("fristd/v1/+/event/#")
        self.daemon.start()
        events.wait(lambda event: event.topic.endswith("deadline.breached"))
        self.town.journal("SELECT acknowledge('S-8', now() + interval '30 days', 'tl1', 'in_progress', note => :'note')",
                          note=NOTE)
        given = events.wait(lambda event: event.topic.endswith("deadline.acknowledged"))
        self.assertEqual(given.json["data"]["state"], "breached")
        self.ack("--end", "1", "--by", "al1")
        events.wait(lambda event: event.topic.endswith("deadline.acknowledgement_ended"))
        self.assertIn("has ended already", self.ack("--end", "1", "--by", "al1", status=1))
        wait_until(lambda: self.town.journal("SELECT count(*) FROM acknowledged_deadline WHERE over_at IS NULL") == [["0"]],
                   "the end is written down")
        self.assertNotIn("Testperson", self.daemon.log())
        self.assertEqual(self.daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main()
