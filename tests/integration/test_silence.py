# SPDX-License-Identifier: MPL-2.0
"""A silence: shown before it is given, reported to the level above when it begins and when it ends, counted, and what it hid
is told with its end. Day by day in virtual time."""

import datetime
import email.utils
import json
import unittest

from town import Municipality
from support import FRISTD, StackCase

# Due on Monday 30 March 2026. Steps: 16 and 23 March, the breach, 6 April and each week from then on.
RULE = """
rules:
  - {id: proeve.uger, code: P7, title: Prøve, basis: Egen § 7, kind: own, valid: {from: 2024-01-01}, confidence: A,
     start: [proeve.ansoegt], stop: [proeve.afgjort], cancel: [proeve.trukket], extend: [proeve.forlaenget],
     due: {after: 28 days}, escalation: uger}
"""
FIRST, LAST = datetime.date(2026, 3, 2), datetime.date(2026, 4, 14)
NOTE = "Talt med Fie Testperson"


class Silence(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD)
        self.stack.account.write(self.daemon.config / "rules/proeve.yaml", RULE)
        self.daemon.write_settings()
        self.logs = ""

    def run_at(self, moment):
        done = self.daemon.command("run", "--once", "--at", moment, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.logs += done.stderr

    def days(self, first, last):
        for day in range((last - first).days + 1):
            yield first + datetime.timedelta(days=day)

    def silence(self, *argv, status=0):
        done = self.daemon.command("silence", *argv, timeout=30)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done.stdout + done.stderr

    def told_by_day(self, mails):
        by_day = {}
        for mail in mails:
            by_day.setdefault(str(email.utils.parsedate_to_datetime(mail["Date"]).date()), []).append(mail.to)
        return {day: sorted(told) for day, told in by_day.items()}

    def begin(self):
        self.run_at("2026-03-01T12:00:00")
        self.town.case("S-7", ("proeve.ansoegt", "A-1", "'2026-03-02 10:00 +01'"))
        self.town.case("S-8", ("proeve.ansoegt", "A-1", "'2026-03-02 10:00 +01'"))

    def give(self, at):
        scope = ("--unit", "nord", "--from", "2026-03-27", "--until", "2026-04-09", "--by", "tl1", "--at", at)
        self.assertIn("the reason is one of migration, ", self.silence(*scope, "--reason", "ferie", status=1))
        self.assertIn("no case with a deadline is of this unit",
                      self.silence("--unit", "vest", *scope[2:], "--reason", "migration", status=1))
        asked = self.silence(*scope, "--reason", "migration", "--note", NOTE)
        self.assertIn("It covers 2 open deadlines; of 2 of them a step falls into it and is hidden:\n"
                      "  2026-03-31T00:00:00+02:00  case S-7, P7, open, due 2026-03-30T23:59:59+02:00\n", asked)
        self.assertIn("Nothing is silenced yet", asked)
        self.assertEqual(self.silence("--list"), "nothing is silenced\n")
        self.assertIn("Silence 1 holds from 2026-03-27T08:00:00+01:00 until 2026-04-09T08:00:00+02:00.",
                      self.silence(*scope, "--reason", "migration", "--note", NOTE, "--yes"))

    def test_day_by_day(self):
        town = self.town
        self.begin()
        for date in self.days(FIRST, LAST):
            if date == datetime.date(2026, 4, 7):
                town.event("S-8", "proeve.afgjort", "A-1", "'2026-04-07 07:00 +02'")
            self.run_at(f"{date}T08:05:00")
            if date == datetime.date(2026, 3, 26):
                self.give(f"{date}T12:30:00")
            if date == datetime.date(2026, 4, 8):
                [listed] = json.loads(self.silence("--list", "--json"))
                # The breach of both, and of one the first step after it; the other was done by then.
                self.assertEqual((listed["hidden"], listed["hidden_deadlines"], listed["note"]), (4, 2, NOTE))
                status = json.loads(self.daemon.command("status", "--json").stdout)["silences"]
                self.assertEqual(status, {"hidden steps": 4, "holding": 1})
        caseworker, leader, head, centre = town.caseworker, town.team_leader, town.department_head, town.centre_head
        before = {"2026-03-16": [caseworker], "2026-03-23": sorted([caseworker, leader])}
        self.assertEqual(self.told_by_day(town.mails("S-8")), before)
        # With the end comes the latest step of what is not done; then it goes on as ever.
        self.assertEqual(self.told_by_day(town.mails("S-7")),
                         before | {"2026-04-09": sorted([head, centre]), "2026-04-13": sorted([head, centre])})
        self.assertEqual(town.transitions("S-7"), ["P7 " + kind for kind in ("opened", "approaching", "approaching",
                                                                              "breached", "escalated", "escalated")])
        self.reported_to_the_level_above()
        back = next(mail for mail in town.mails("S-7") if mail.to == centre)
        self.assertIn("varsler sat på pause af tl1 (teamleder) indtil 9. april 2026 kl. 08.00: flytning af data", back.words)
        self.assertNotIn("Mailen kommer senere", back.words)
        everything = "".join(mail.text + mail.html for mail in self.town.all_mails())
        self.assertNotIn("Testperson", everything + self.logs)

    def reported_to_the_level_above(self):
        reports = [mail for mail in self.town.all_mails() if "pause" in mail.subject]
        self.assertEqual(self.told_by_day(reports), {"2026-03-27": [self.town.department_head],
                                                     "2026-04-09": [self.town.department_head]})
        self.assertIn("Det gælder enheden nord, fra 27. marts 2026 kl. 08.00 til 9. april 2026 kl. 08.00,"
                      " sat af tl1 (teamleder): flytning af data.", reports[0].words)
        self.assertIn("Åbne frister, der er omfattet: 2, heraf overskredet: 0.", reports[0].words)
        self.assertIn("4 varsler på 2 frister er ikke sendt; 1 af fristerne er stadig åben og varsles nu", reports[1].words)
        self.assertNotIn("når ikke frem", reports[0].words + reports[0].html)

    def test_of_a_unit_above(self):
        town = self.town
        self.begin()
        for date in self.days(FIRST, datetime.date(2026, 4, 1)):
            if date == datetime.date(2026, 3, 26):
                asked = self.silence("--unit", "familie", "--until", "2026-04-09", "--by", "al1", "--reason", "migration",
                                     "--at", f"{date}T12:30:00", "--yes")
                self.assertIn("It covers 2 open deadlines", asked)
                self.assertIn("no case with a deadline is of this unit or of one below it",
                              self.silence("--unit", "vest", "--until", "2026-04-09", "--by", "al1", "--reason", "migration",
                                           "--at", f"{date}T12:30:00", status=1))
            self.run_at(f"{date}T08:05:00" if date.day != 27 else f"{date}T12:35:00")
        before = self.told_by_day(town.mails("S-7"))
        self.assertEqual(sorted(before), ["2026-03-16", "2026-03-23"])
        [report] = [mail for mail in town.all_mails() if "pause" in mail.subject]
        self.assertEqual(report.to, town.centre_head)
        self.assertIn("enheden familie med 1 underliggende enhed, fra ", report.words)
        # The unit is moved out from under it: what was hidden is told at once. Another one that comes under it is not told.
        self.stack.postgres.sql("UPDATE fagsystem.enhed SET overenhed = 'center' WHERE enhed = 'nord'")
        self.run_at("2026-04-02T08:05:00")
        self.run_at("2026-04-02T08:35:00")
        told = self.told_by_day(town.mails("S-7"))
        self.assertEqual(told, before | {"2026-04-02": sorted([town.caseworker, town.team_leader])})
        self.stack.postgres.sql("UPDATE fagsystem.enhed SET overenhed = 'familie' WHERE enhed = 'nord'")
        for date in self.days(datetime.date(2026, 4, 3), datetime.date(2026, 4, 8)):
            self.run_at(f"{date}T08:05:00")
        self.assertEqual(self.told_by_day(town.mails("S-7")), told)
        self.run_at("2026-04-09T08:05:00")
        self.run_at("2026-04-09T08:35:00")
        self.assertEqual(self.told_by_day(town.mails("S-7"))["2026-04-09"], sorted([town.department_head, town.centre_head]))

    def test_what_becomes_of_it_below_a_silence(self):
        """Met, moved, cancelled while a unit above is silent: those who were told before do not hear of it, then or later. A case
        beside that unit shows that they would."""
        town, before = self.town, ("2026-03-16T08:05:00", "2026-03-23T08:05:00", "2026-03-26T08:05:00")
        self.begin()
        self.stack.postgres.sql("""INSERT INTO fagsystem.enhed VALUES ('vest', 'Vest', 'center');
            INSERT INTO fagsystem.funktion VALUES ('tl1', 'vest', 'teamleder')""")
        for case in ("S-9", "S-10", "S-11"):
            town.case(case, ("proeve.ansoegt", "A-1", "'2026-03-02 10:00 +01'"))
        self.stack.postgres.sql("UPDATE fagsystem.sag SET enhed = 'vest' WHERE sagsnr = 'S-11'")
        for moment in before:
            self.run_at(moment)
        self.silence("--unit", "familie", "--from", "2026-03-27", "--until", "2026-04-09", "--by", "al1", "--reason", "migration",
                     "--at", "2026-03-26T12:30:00", "--yes")
        self.run_at("2026-03-27T08:05:00")
        town.event("S-8", "proeve.afgjort", "A-1", "'2026-03-28 10:00 +01'")
        town.event("S-9", "proeve.forlaenget", "A-1", "'2026-03-28 10:00 +01'", "'2026-04-20'")
        town.event("S-10", "proeve.trukket", "A-1", "'2026-03-28 10:00 +01'")
        town.event("S-11", "proeve.afgjort", "A-1", "'2026-03-28 10:00 +01'")
        for moment in ("2026-03-28T12:00:00", "2026-03-30T08:05:00", "2026-03-31T08:05:00", "2026-04-06T08:05:00"):
            self.run_at(moment)
        both = {"2026-03-16": [town.caseworker], "2026-03-23": sorted([town.caseworker, town.team_leader])}
        self.assertEqual([town.transitions(case)[-1] for case in ("S-8", "S-9", "S-10", "S-11")],
                         ["P7 met", "P7 moved", "P7 cancelled", "P7 met"])
        self.assertEqual([self.told_by_day(town.mails(case)) for case in ("S-7", "S-8", "S-9", "S-10")], [both] * 4)
        self.assertEqual(self.told_by_day(town.mails("S-11")),
                         both | {"2026-03-30": sorted([town.caseworker, town.team_leader])})
        for moment in ("2026-04-09T08:05:00", "2026-04-09T08:35:00", "2026-04-10T08:05:00", "2026-04-13T08:05:00"):
            self.run_at(moment)
        self.assertEqual([self.told_by_day(town.mails(case)) for case in ("S-8", "S-10")], [both] * 2)
        # With the end comes the step before its new date that has passed meanwhile, then the next as ever.
        self.assertEqual(self.told_by_day(town.mails("S-9")),
                         both | {"2026-04-09": [town.caseworker], "2026-04-13": sorted([town.caseworker, town.team_leader])})
        warned = next(mail for mail in town.mails("S-9") if "20. april 2026" in mail.subject)
        self.assertIn("varsler har været sat på pause", warned.words)

    def test_ended_by_hand(self):
        self.begin()
        for date in self.days(FIRST, datetime.date(2026, 4, 1)):
            self.run_at(f"{date}T08:05:00")
            if date == datetime.date(2026, 3, 26):
                self.give(f"{date}T12:30:00")
        self.silence("--end", "1", "--by", "tl1", "--at", "2026-04-01T10:00:00")
        self.assertIn("has ended already", self.silence("--end", "1", "--by", "tl1", status=1))
        self.run_at("2026-04-01T10:00:05")
        told = self.told_by_day(self.town.mails("S-7"))
        self.assertEqual(told["2026-04-01"], sorted([self.town.caseworker, self.town.team_leader, self.town.department_head]))
        self.run_at("2026-04-01T10:05:00")
        self.assertEqual(self.told_by_day(self.town.mails("S-7")), told)
        self.assertEqual(self.town.journal("SELECT look_at IS NULL, over_at IS NOT NULL FROM silence"), [["t", "t"]])


if __name__ == "__main__":
    unittest.main()
