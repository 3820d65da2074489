# SPDX-License-Identifier: MPL-2.0
"""A larger problem of a case mutes a smaller one: day by day in virtual time, with the real journal and mail server. Whoever
knows of the larger one gets no mail on the smaller; whoever does not does; nothing disappears."""

import datetime
import email.utils
import json
import unittest

from town import Municipality
from support import FRISTD, StackCase

# The larger one is due on Sunday 12 April 2026; its breach goes to caseworker, team leader and head of department, then
# head of department and centre head hear each week. The smaller ones go to caseworker and team leader: P1, due on 16 April,
# is of the same subject; P2, on 20 April, of another one; P3, on 17 April, is the law's, and no rule mutes it.
RULES = """
escalations:
  stor:
    - {at: 5 days before, to: [caseworker]}
    - {at: breach, to: [caseworker, team_leader, department_head]}
    - {at: 7 days after, every: 7 days, to: [department_head, centre_head]}
  lille:
    - {at: 2 days before, to: [caseworker]}
    - {at: breach, to: [caseworker, team_leader]}
    - {at: 20 days after, to: [centre_head]}
rules:
  - {id: stor, code: P9, title: Stor, basis: Egen § 9, kind: statutory, valid: {from: 2024-01-01}, confidence: A,
     start: [stor.begyndt], stop: [stor.slut], due: {after: 41 days}, escalation: stor}
  - {id: lille.samme, code: P1, title: Samme emne, basis: Egen § 1, kind: own, valid: {from: 2024-01-01}, confidence: A,
     start: [stor.begyndt], stop: [lille.slut], due: {after: 45 days}, escalation: lille, muted_by: [stor]}
  - {id: lille.andet, code: P2, title: Andet emne, basis: Egen § 2, kind: own, valid: {from: 2024-01-01}, confidence: A,
     start: [andet.begyndt], stop: [andet.slut], due: {after: 49 days}, escalation: lille, muted_by: ['case:stor']}
  - {id: lov, code: P3, title: Lov, basis: Lov § 3, kind: statutory, valid: {from: 2024-01-01}, confidence: A,
     start: [stor.begyndt], stop: [lov.slut], due: {after: 46 days}, escalation: lille}
"""
FIRST = datetime.date(2026, 3, 2)


class Muting(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD)
        self.stack.account.write(self.daemon.config / "rules/proeve.yaml", RULES)
        self.daemon.write_settings()

    def begin(self):
        self.run_at("2026-03-01T12:00:00")
        self.add_case()

    def add_case(self):
        begun = "'2026-03-02 10:00 +01'"
        self.town.case("S-7", ("stor.begyndt", "E-1", begun), ("andet.begyndt", "E-2", begun))

    def run_at(self, moment):
        done = self.daemon.command("run", "--once", "--at", moment, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)

    def run_days(self, first, last):
        day = datetime.date.fromisoformat(first)
        while day <= datetime.date.fromisoformat(last):
            self.run_at(f"{day}T08:05:00")
            day += datetime.timedelta(days=1)

    def told(self, code):
        """Day and recipients of the mails on one rule; one mail of several counts for each."""
        by_day = {}
        for mail in self.town.all_mails():
            if f"Regel: {code} " in mail.text or mail.subject.startswith(f"{code} "):
                by_day.setdefault(str(email.utils.parsedate_to_datetime(mail["Date"]).date()), set()).add(mail.to)
        return {day: sorted(who) for day, who in by_day.items()}

    def status(self):
        return json.loads(self.daemon.command("status", "--json").stdout)["muted"]

    def explained(self, rule):
        said = self.daemon.command("explain", "S-7", "--rule", rule, "--json")
        [deadline] = json.loads(said.stdout)["deadlines"]
        return deadline

    def test_a_case_with_a_larger_problem(self):
        town = self.town
        self.begin()
        caseworker, leader, head, centre = town.caseworker, town.team_leader, town.department_head, town.centre_head
        self.run_days("2026-04-06", "2026-04-14")
        large = {"2026-04-07": [caseworker], "2026-04-13": sorted([caseworker, leader, head])}
        self.assertEqual(self.told("P9"), large)
        # P1's warning of the 14th is muted: the caseworker has heard of P9.
        self.assertEqual(self.told("P1"), {})
        self.assertEqual(self.status(), {"P9": 1})
        self.run_days("2026-04-15", "2026-04-21")
        self.assertEqual((self.told("P1"), self.told("P2")), ({}, {}))
        # What is the law's is told; on subjects and rules that nothing mutes.
        self.assertEqual(self.told("P3"), {"2026-04-15": [caseworker], "2026-04-18": sorted([caseworker, leader])})
        self.assertEqual(self.status(), {"P9": 4})
        # Transitions are what they would be without.
        self.assertEqual([kind for kind in town.transitions("S-7") if kind.startswith("P1 ")],
                         ["P1 opened", "P1 approaching", "P1 breached"])
        self.assertEqual([kind for kind in town.transitions("S-7") if kind.startswith("P2 ")],
                         ["P2 opened", "P2 approaching", "P2 breached"])
        # The next mail on the larger one names them.
        weekly = [mail for mail in town.all_mails() if mail.to == centre]
        self.assertEqual(len(weekly), 1)
        self.assertIn("I samme sag venter også 2 mindre frister: P1 (16. april 2026), P2 (20. april 2026).",
                      weekly[0].words)
        deadline = self.explained("lille.samme")
        self.assertEqual([stage["fate"] for stage in deadline["stages"]][:2], ["muted", "muted"])
        self.assertEqual([(held["by_what"], held["by"], held["until"]) for held in deadline["held_back"]],
                         [("larger_problem", "P9", None)] * 2)
        said = self.daemon.command("explain", "S-7", "--rule", "lille.samme").stdout
        self.assertIn("ikke varslet særskilt, mens P9 var overskredet (stor E-1)", " ".join(said.split()))
        # Done: what it muted is told at once, to all whom the latest step names; P2 was done meanwhile.
        town.event("S-7", "andet.slut", "E-2", "'2026-04-22 07:00 +02'")
        self.run_at("2026-04-22T08:05:00")
        town.event("S-7", "stor.slut", "E-1", "'2026-04-22 09:00 +02'")
        self.run_at("2026-04-22T09:05:00")
        self.run_at("2026-04-22T09:35:00")
        self.assertEqual(self.told("P1"), {"2026-04-22": sorted([caseworker, leader])})
        self.assertEqual((self.told("P2"), self.status()), ({}, {}))
        [mail] = [mail for mail in town.all_mails(caseworker) if "P1" in mail.subject]
        self.assertIn("ikke varslet særskilt, mens P9 var overskredet", mail.words)
        self.run_days("2026-04-23", "2026-05-07")
        self.assertEqual(self.told("P1"), {"2026-04-22": sorted([caseworker, leader]), "2026-05-06": [centre]})

    def test_who_does_not_know_of_the_larger_one_is_told(self):
        town = self.town
        self.begin()
        self.run_days("2026-04-06", "2026-04-13")
        # A new caseworker, who was not there at the breach.
        self.stack.postgres.sql("INSERT INTO fagsystem.medarbejder VALUES ('sb2', 'Navn 5', :'mail');"
                                "INSERT INTO fagsystem.funktion VALUES ('sb2', 'nord', 'sagsbehandler');"
                                "UPDATE fagsystem.sag SET sagsbehandler = 'sb2' WHERE sagsnr = 'S-7'",
                                mail=self.stack.mail.add("sagsbehandler2"))
        self.run_days("2026-04-14", "2026-04-16")
        self.assertEqual(self.told("P1"), {"2026-04-14": [self.stack.mail.add("sagsbehandler2")]})
        self.assertEqual(self.status(), {})
        # The team leader knows, but not all whom the breach goes to.
        self.run_days("2026-04-17", "2026-04-17")
        self.assertEqual(self.told("P1")["2026-04-17"], sorted([self.stack.mail.add("sagsbehandler2"), town.team_leader]))

    def test_who_got_a_backlog_report_alone_does_not_know(self):
        """The larger one was breached before the first run: the report names it to some, and counts it to others."""
        self.add_case()
        self.run_days("2026-04-13", "2026-04-15")
        self.assertEqual(self.town.journal("SELECT count(*) FROM notice WHERE purpose = 'backlog'"), [["4"]])
        self.assertEqual((self.told("P9"), self.told("P1"), self.status()), ({}, {"2026-04-14": [self.town.caseworker]}, {}))
        self.run_days("2026-04-16", "2026-04-20")
        self.assertEqual(list(self.told("P1")), ["2026-04-14", "2026-04-17"])
        # The leaders have heard of the larger one by now, the caseworker has not.
        self.assertEqual(self.told("P9"), {"2026-04-19": sorted([self.town.department_head, self.town.centre_head])})
        self.run_days("2026-04-21", "2026-04-21")
        self.assertEqual(list(self.told("P2")), ["2026-04-18", "2026-04-21"])
        self.assertEqual(self.status(), {})

    def test_no_rule_mutes_any_more(self):
        self.begin()
        self.run_days("2026-04-06", "2026-04-14")
        self.assertEqual(self.status(), {"P9": 1})
        self.stack.account.write(self.daemon.config / "rules/proeve.yaml", RULES.replace(", muted_by: [stor]", ""))
        self.run_at("2026-04-14T10:00:00")
        self.run_at("2026-04-14T10:30:00")
        self.assertEqual(self.told("P1"), {"2026-04-14": [self.town.caseworker]})
        self.assertEqual(self.status(), {})


if __name__ == "__main__":
    unittest.main()
