# SPDX-License-Identifier: MPL-2.0
"""`fristd verify`: every date in the journal follows from its derivation, and what does not is found."""

import json
import unittest

from town import Municipality
from support import FRISTD, StackCase

# Dates that come about in every way that the derivation has words for, beside those of the shipped rules.
RULES = """
rules:
  - id: proeve.pause
    code: P1
    title: Prøve
    basis: Egen § 1
    kind: own
    valid: {from: 2024-01-01}
    confidence: A
    start: [proeve.ansoegt]
    stop: [proeve.afgjort]
    pause: [proeve.sat_i_bero]
    resume: [proeve.genoptaget]
    due: {after: 4 weeks, roll: forward, at: "12:00"}
    calendar: arbejdsdage
  - {id: proeve.tidligst, code: P2, title: Prøve, basis: Egen § 2, kind: own, valid: {from: 2024-01-01}, confidence: A,
     start: [proeve.ansoegt], due: {earliest: [{after: 3 months}, {next: 07-01}, {end_of: quarter}]}}
  - {id: proeve.dato, code: P3, title: Prøve, basis: Egen § 3, kind: own, valid: {from: 2024-01-01}, confidence: A,
     start: [proeve.ansoegt], extend: [proeve.forlaenget], due: {event: true}}
  - {id: proeve.samme, code: P4, title: Prøve, basis: Egen § 4, kind: own, valid: {from: 2024-01-01}, confidence: A,
     start: [proeve.ansoegt], due: {same_as: proeve.pause}}
  - {id: proeve.raekke, code: P5, title: Prøve, basis: Egen § 5, kind: own, valid: {from: 2024-01-01}, confidence: A,
     start: [proeve.ansoegt], due: {every: FREQ=MONTHLY;INTERVAL=2}}
  - {id: proeve.besoeg, code: P6, title: Prøve, basis: Egen § 6, kind: own, valid: {from: 2024-01-01}, confidence: A,
     start: [proeve.ansoegt], stop: [proeve.besoegt], due: {after: 6 months}, then: {after: 12 months, from: anchor}}
"""


class Verify(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD, log={"level": "warning"})
        self.stack.account.write(self.daemon.config / "rules/proeve.yaml", RULES)
        self.daemon.write_settings()
        self.town.case("S-1", ("underretning.modtaget", "U-1", "'2026-03-30 10:00 +02'"),
                       ("hjemvisning.modtaget", "H-1", "'2026-03-19 10:00 +01'"))
        self.town.case("S-2", ("proeve.sat_i_bero", "A-1", "'2026-02-20 10:00 +01'"),
                       ("proeve.genoptaget", "A-1", "'2026-02-27 10:00 +01'"), ("proeve.besoegt", "A-1", "'2026-02-18 10:00 +01'"))
        self.town.event("S-2", "proeve.ansoegt", "A-1", "'2026-02-16 10:00 +01'", "'2026-06-01'")
        self.town.event("S-2", "proeve.forlaenget", "A-1", "'2026-03-01 10:00 +01'", "'2026-08-01'")
        self.run_at("2026-03-30T12:00")

    def run_at(self, moment):
        done = self.daemon.command("run", "--once", "--at", moment, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)

    def verify(self, status):
        """The findings, and how many deadlines were looked at."""
        done = self.daemon.command("verify", "--json", timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        *findings, counts = map(json.loads, done.stdout.splitlines())
        self.assertEqual(counts["findings"], len(findings))
        return [(finding["finding"], finding["case_id"], finding["rule"]) for finding in findings], findings, counts["checked"]

    def change_rules(self, name, old, new):
        path = self.daemon.config / "rules" / name
        text = path.read_text()
        self.assertIn(old, text)
        self.stack.account.write(path, text.replace(old, new))

    def test_every_form_follows(self):
        found, _, checked = self.verify(0)
        self.assertEqual(found, [])
        rules = {row[0]: row[1] for row in self.town.journal("SELECT rule, due_at AT TIME ZONE 'Europe/Copenhagen' FROM deadline"
                                                             " WHERE closed_at IS NULL")}
        self.assertEqual(checked, len(rules))
        self.assertEqual({rule: due for rule, due in rules.items() if rule.startswith("proeve.")}, {
            "proeve.pause": "2026-03-23 12:00:00",     # 16 March and the seven days of the pause
            "proeve.tidligst": "2026-03-31 23:59:59",
            "proeve.dato": "2026-08-01 23:59:59",
            "proeve.samme": "2026-03-16 12:00:00",
            "proeve.raekke": "2026-04-16 10:00:00",
            "proeve.besoeg": "2027-02-16 23:59:59"})
        closed = self.town.journal("SELECT count(*) FROM deadline WHERE (closed_at IS NULL) <> (computation IS NOT NULL)")
        self.assertEqual(closed, [["0"]])

        # Later, after more has happened, still.
        self.run_at("2026-05-20T12:00")
        self.assertEqual(self.verify(0)[0], [])

    def test_altered_by_hand(self):
        self.town.journal("UPDATE deadline SET due_at = due_at + interval '1 day' WHERE rule = 'proeve.dato';"
                          "UPDATE deadline SET computation = replace(computation, '6 working', '7 working')"
                          " WHERE rule = 'underretning.kvittering';"
                          "UPDATE deadline SET computation = replace(computation, 'resume', 'pause') WHERE rule = 'proeve.pause';"
                          "UPDATE deadline SET computation = 'after 24 huors' WHERE rule = 'underretning.vurdering';"
                          "UPDATE deadline SET computation = NULL WHERE rule = 'proeve.samme'")
        found, findings, _ = self.verify(1)
        self.assertEqual(found, [("differs", "S-1", "underretning.kvittering"), ("not_computable", "S-1", "underretning.vurdering"),
                                 ("altered", "S-2", "proeve.dato"), ("differs", "S-2", "proeve.pause"),
                                 ("not_computable", "S-2", "proeve.samme")])
        self.assertEqual((findings[2]["due_at"], findings[2]["computed"]),
                         ("2026-08-02T23:59:59+02:00", "2026-08-01T23:59:59+02:00"))
        text = self.daemon.command("verify").stdout
        self.assertIn("altered: case S-2, proeve.dato, A-1, no. 1: the journal says 2026-08-02T23:59:59+02:00, the derivation gave "
                      "2026-08-01T23:59:59+02:00\n    event\n", text)

    def test_other_calendars_and_rules(self):
        self.change_rules("calendars.yaml", "hverdage: {weekdays: [mo, tu, we, th, fr, sa]", "hverdage: {weekdays: [mo, tu, we, th, fr]")
        found, findings, _ = self.verify(1)
        self.assertEqual(found, [("differs", "S-1", "underretning.kvittering")])
        self.assertEqual((findings[0]["due_at"], findings[0]["computed"]),
                         ("2026-04-09T23:59:59+02:00", "2026-04-10T23:59:59+02:00"))
        # Once the daemon has taken the calendar in, the date has moved and follows again.
        self.run_at("2026-03-30T13:00")
        self.assertEqual(self.verify(0)[0], [])

        self.change_rules("proeve.yaml", "valid: {from: 2024-01-01}, confidence: A,\n     start: [proeve.ansoegt], extend",
                          "valid: {from: 2025-01-01}, confidence: A,\n     start: [proeve.ansoegt], extend")
        self.assertEqual(self.verify(1)[0], [("version_gone", "S-2", "proeve.dato")])

    def test_no_journal(self):
        self.town.journal("ALTER TABLE deadline DROP COLUMN computation")
        done = self.daemon.command("verify")
        self.assertEqual(done.returncode, 2)
        self.assertIn("fristd migrate", done.stderr)
        self.daemon.change(journal={"port": 1})
        self.daemon.write_settings()
        self.assertEqual(self.daemon.command("verify").returncode, 2)


if __name__ == "__main__":
    unittest.main()
