# SPDX-License-Identifier: MPL-2.0
"""`fristd explain` on the hard dates, and what it says was known at a moment."""

import json
import unittest

from town import Municipality
from support import FRISTD, StackCase

# Beside the shipped rules: the same acknowledgement where Saturday does not count, and a limit that can be paused and
# extended.
RULES = """
rules:
  - id: proeve.kvittering
    code: P1
    title: {da: Kvittering uden lørdage, en: Acknowledgement without Saturdays}
    basis: Egen § 1
    kind: own
    valid: {from: 2024-01-01}
    confidence: A
    start: [underretning.modtaget]
    stop: [underretning.kvitteret]
    due: {after: 6 working days}
    calendar: arbejdsdage
  - id: proeve.ansoegning
    code: P2
    title: {da: Ansøgning, en: Application}
    basis: Egen § 2
    kind: own
    valid: {from: 2020-01-01, until: 2024-12-31}
    confidence: A
    start: [proeve.ansoegt]
    due: {after: 8 weeks}
  - id: proeve.ansoegning
    code: P2
    title: {da: Ansøgning, en: Application}
    basis: Egen § 2
    kind: own
    valid: {from: 2025-01-01}
    confidence: A
    start: [proeve.ansoegt]
    stop: [proeve.afgjort]
    pause: [proeve.sat_i_bero]
    resume: [proeve.genoptaget]
    extend: [proeve.forlaenget]
    due: {after: 4 weeks, roll: forward}
    calendar: arbejdsdage
    escalation: dage
"""
APPLICATION = ("proeve.ansoegt", "A-1", "'2026-03-02 10:00 +01'")


class Explain(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD, log={"level": "warning"})
        self.stack.account.write(self.daemon.config / "rules/proeve.yaml", RULES)
        self.daemon.write_settings()
        self.assertEqual(self.daemon.command("migrate").returncode, 0)

    def run_at(self, moment):
        done = self.daemon.command("run", "--once", "--at", moment, timeout=120)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def explain(self, *argv, status=0):
        done = self.daemon.command("explain", *argv, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        return done.stdout if status == 0 else done.stderr

    def deadline(self, case, rule, *argv):
        """The one deadline of a rule, in English."""
        answer = json.loads(self.explain(case, "--rule", rule, "--language", "en", "--json", *argv))
        self.assertEqual([deadline["rule"] for deadline in answer["deadlines"]], [rule])
        return answer["deadlines"][0]

    def steps(self, deadline):
        return [step["text"] for step in deadline["steps"]]

    # --- hard dates

    def test_hard_dates(self):
        self.easter_with_and_without_saturday()
        self.end_of_february_and_the_long_night()
        self.pause_over_new_year_and_an_extension_too_late()

    def easter_with_and_without_saturday(self):
        self.town.case("S-1", ("underretning.modtaget", "U-1", "'2026-03-30 10:00 +02'"))
        with_saturday = self.deadline("S-1", "underretning.kvittering")
        self.assertEqual(with_saturday["due_at"], "2026-04-09T23:59:59+02:00")
        self.assertEqual(self.steps(with_saturday)[:3], [
            "Start: “underretning.modtaget”, Mon 2026-03-30 at 10:00.",
            "6 working days after Mon 2026-03-30 in calendar “hverdage”: Tue 03-31, Wed 04-01, Sat 04-04, Tue 04-07, "
            "Wed 04-08, Thu 2026-04-09 (Thu 04-02 Skærtorsdag, Fri 04-03 Langfredag, Sun 04-05 Påskedag, "
            "Mon 04-06 2. påskedag not counted).",
            "Due: the end of Thu 2026-04-09."])
        self.assertEqual(with_saturday["basis"], "Barnets lov § 138, stk. 1")
        self.assertEqual(with_saturday["version"], {"valid_from": "2024-01-01", "valid_until": None, "chosen_by": "start",
                                                    "versions": 1})
        without = self.deadline("S-1", "proeve.kvittering")
        self.assertEqual(without["due_at"], "2026-04-10T23:59:59+02:00")
        self.assertNotIn("Sat 04-04", "".join(self.steps(without)))

    def end_of_february_and_the_long_night(self):
        self.town.case("S-2", ("bfu.opmaerksom", "B-1", "'2025-10-31 09:00 +01'"),
                       ("underretning.modtaget", "U-1", "'2026-10-24 20:00 +02'"))
        four_months = self.deadline("S-2", "bfu.afslutning")
        self.assertEqual(four_months["due_at"], "2026-02-28T23:59:59+01:00")
        self.assertIn("4 months after Fri 2025-10-31: Sat 2026-02-28, the last day of the month.", self.steps(four_months))
        hours = self.deadline("S-2", "underretning.vurdering")
        self.assertEqual(hours["due_at"], "2026-10-25T19:00:00+01:00")
        self.assertIn("24 hours after Sat 2026-10-24 at 20:00: Sun 2026-10-25 at 19:00, as the clock goes back in between.", self.steps(hours))

    def pause_over_new_year_and_an_extension_too_late(self):
        self.town.case("S-3", ("proeve.ansoegt", "A-1", "'2025-12-08 10:00 +01'"),
                       ("proeve.sat_i_bero", "A-1", "'2025-12-19 12:00 +01'"),
                       ("proeve.genoptaget", "A-1", "'2026-01-05 12:00 +01'"))
        self.town.event("S-3", "proeve.forlaenget", "A-1", "'2026-02-02 12:00 +01'", "'2026-02-20'")
        deadline = self.deadline("S-3", "proeve.ansoegning")
        self.assertEqual(deadline["due_at"], "2026-01-22T23:59:59+01:00")
        self.assertEqual(deadline["state"], "breached")
        self.assertEqual(self.steps(deadline)[2:], [
            "4 weeks after Mon 2025-12-08: Mon 2026-01-05.",
            "Due: the end of Mon 2026-01-05.",
            "Paused by “proeve.sat_i_bero”, Fri 2025-12-19 at 12:00.",
            "Resumed Mon 2026-01-05 at 12:00. The due moves by 17 days.",
            "Due: the end of Thu 2026-01-22.",
            "Municipality's own deadline not kept, as from Fri 2026-01-23 at 00:00.",
            "New due from “proeve.forlaenget”, Mon 2026-02-02 at 12:00: the end of Fri 2026-02-20. It came too late: the "
            "municipality's own deadline was not kept, and that does not change.",
            "Legal basis: Egen § 2."])
        self.assertEqual(deadline["version"], {"valid_from": "2025-01-01", "valid_until": None, "chosen_by": "start",
                                               "versions": 2})

    # --- what has come of it

    def test_stages_and_notices(self):
        self.stack.postgres.sql("UPDATE fagsystem.medarbejder SET email = 'findes.ikke@'"
                                " || split_part(email, '@', 2) WHERE medarbejder = 'tl1'")
        self.town.case("S-1", APPLICATION)
        self.run_at("2026-03-02T12:00")
        self.run_at("2026-03-27T09:00")  # the stage of the 25th passes unseen; the second is told to two
        deadline = self.deadline("S-1", "proeve.ansoegning")
        self.assertEqual([(stage["at"], stage["text"], stage["to"], stage["fate"]) for stage in deadline["stages"][:4]], [
            ("2026-03-25T08:00:00+01:00", "3 working days before", ["caseworker"], "superseded"),
            ("2026-03-27T08:00:00+01:00", "1 working day before", ["caseworker", "team_leader"], "told"),
            ("2026-03-31T00:00:00+02:00", "when the own deadline is not kept", ["caseworker", "team_leader"], "waiting"),
            ("2026-04-09T08:00:00+02:00", "5 working days after", ["team_leader", "department_head"], "waiting")])
        self.assertEqual(deadline["recorded"], {"state": "open", "due_at": "2026-03-30T23:59:59+02:00"})
        notices = {notice["person"]: notice for notice in deadline["notices"] if notice["stage_at"][:10] == "2026-03-27"}
        self.assertEqual((notices["sb1"]["state"], notices["sb1"]["attempts"]), ("sent", 1))
        self.assertEqual(notices["tl1"]["state"], "abandoned")
        self.assertIn("550 5.1.1", notices["tl1"]["last_reply"])
        kinds = [transition["kind"] for transition in deadline["transitions"]]
        self.assertEqual(kinds[:3], ["opened", "approaching", "notice_failed"])

        text = self.explain("S-1", "--language", "en")
        for words in ("P2 Application (proeve.ansoegning, A-1)", "1 working day before, to caseworker, team leader: told",
                      "passed over, a later stage had come", "the rule has 2", "given up Fri 2026-03-27 at 09:00 after 1 attempt"):
            self.assertIn(words, " ".join(text.split()))
        self.assertLessEqual(max(len(line) for line in text.splitlines()), 90)
        for output in (text, self.explain("S-1"), self.explain("S-1", "--json")):
            self.assertNotIn("@", output)
            self.assertNotIn("Navn", output)

    def test_what_was_known(self):
        self.town.case("S-1", APPLICATION)
        self.run_at("2026-03-02T12:00")
        self.town.event("S-1", "proeve.forlaenget", "A-1", "'2026-03-20 10:00 +01'", "'2026-04-20'")
        self.run_at("2026-03-20T12:00")
        self.daemon.change(casedb={"port": 1})  # the journal alone must do
        self.daemon.write_settings()

        before = self.deadline("S-1", "proeve.ansoegning", "--at", "2026-03-20T11:59:59")
        self.assertEqual((before["state"], before["due_at"]), ("open", "2026-03-30T23:59:59+02:00"))
        self.assertEqual([transition["kind"] for transition in before["transitions"]], ["opened"])
        self.assertIn("4 uger efter man. 02-03-2026: man. 30-03-2026.", self.steps(before))  # as it was written down then
        after = self.deadline("S-1", "proeve.ansoegning", "--at", "2026-03-20T12:00")
        self.assertEqual(after["due_at"], "2026-04-20T23:59:59+02:00")
        self.assertEqual([transition["kind"] for transition in after["transitions"]], ["opened", "moved"])
        self.assertIn("Ny egen frist fra »proeve.forlaenget« fre. 20-03-2026 kl. 10.00: udgangen af man. 20-04-2026.", self.steps(after))

        self.assertIn("did not know", self.explain("S-1", "--at", "2026-03-01", status=1))
        self.explain("S-1", status=2)
        self.assertIn("is no instant", self.explain("S-1", "--at", "snart", status=2))

    def test_cases_that_are_not_there(self):
        self.town.case("S-1", APPLICATION)
        self.run_at("2026-03-02T12:00")
        self.assertIn("neither", self.explain("S-2", status=1))
        self.stack.postgres.sql("DELETE FROM fagsystem.sag WHERE sagsnr = 'S-1'")
        self.run_at("2026-03-03T12:00")
        gone = self.deadline("S-1", "proeve.ansoegning")
        self.assertTrue(gone["withdrawn"])
        self.assertEqual([transition["kind"] for transition in gone["transitions"]], ["opened", "withdrawn"])
        self.assertIn("4 uger efter man. 02-03-2026: man. 30-03-2026.", self.steps(gone))


if __name__ == "__main__":
    unittest.main()
