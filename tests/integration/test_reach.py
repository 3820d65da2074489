# SPDX-License-Identifier: MPL-2.0
"""Is there somebody to tell at each step? Asked of the case database by `fristd check --reach`, and by the daemon each night:
the operators hear when the answer is another one. And what is wrong with the people themselves."""

import datetime
import json
import unittest

from town import Municipality
from support import FRISTD, StackCase

TODAY = datetime.date.today()


MONTHS = ("januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december")


def day(offset):
    return str(TODAY + datetime.timedelta(days=offset))


def danish(offset):
    date = TODAY + datetime.timedelta(days=offset)
    return f"{date.day}\\. {MONTHS[date.month - 1]} {date.year}"


class Reach(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD, log={"level": "warning"})
        self.daemon.write_settings()
        # An assessment each (K20, months): caseworker, both, and with the breach the head; then head and centre.
        for case_id in ("S-1", "S-2"):
            self.town.case(case_id, ("bfu.opmaerksom", "U-1", "now() - interval '1 day'"))

    def absent(self, person, first, last, substitute=None):
        self.stack.postgres.sql("INSERT INTO fagsystem.fravaer VALUES (:'person', :'first', nullif(:'last', '')::date,"
                                " nullif(:'substitute', ''))", person=person, first=first, last=last or "",
                                substitute=substitute or "")

    def check(self, status):
        done = self.daemon.command("check", "--reach", "--json", timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        parts = {part["part"]: part for part in json.loads(done.stdout)["parts"]}
        return parts["reach"].get("holes", []), parts["database"]["warnings"]

    def test_check_lists_the_holes(self):
        holes, warnings = self.check(0)
        self.assertEqual(holes, [])
        self.assertFalse([warning for warning in warnings if "people." in warning or "units." in warning])

        self.absent("sb1", day(3), day(9))
        holes, _ = self.check(1)
        self.assertTrue(holes)
        for hole in holes:
            self.assertEqual((hole["unit"], hole["roles"], hole["days"], hole["nobody_at_all"], hole["cases"]),
                             ("nord", ["caseworker"], f"{day(3)} – {day(9)}", "", 2))
        text = self.daemon.command("check", "--reach", timeout=60).stdout
        self.assertIn(f"step to caseworker: {day(3)} – {day(9)} (2 cases)", text)

        # Somebody stands in, and the hole is gone; another is away at the top, where no later step helps.
        self.stack.postgres.sql("UPDATE fagsystem.fravaer SET stedfortraeder = 'tl1'")
        for person in ("al1", "cc1"):
            self.absent(person, day(20), None)
        holes, _ = self.check(1)
        self.assertEqual({(tuple(hole["roles"]), hole["days"], hole["nobody_at_all"]) for hole in holes},
                         {(("department_head", "centre_head"), f"{day(20)} –", f"{day(20)} –")})

    def test_the_operators_hear_when_it_changes(self):
        nights = iter(range(1, 40))
        self.assertEqual(self.night(next(nights)), [])
        self.absent("sb1", day(10), day(30))
        told = self.night(next(nights))
        self.assertEqual(len(told), 1)
        self.assertRegex(told[0], rf"Et trin vil ikke nå nogen: nord \(sagsbehandler\), {danish(10)} – {danish(30)}\.")
        self.assertEqual(self.night(next(nights)), [])  # as it was
        counted = json.loads(self.daemon.command("status", "--json").stdout)["reach"]["steps"]
        self.assertGreater(counted, 0)
        self.stack.postgres.sql("DELETE FROM fagsystem.fravaer")
        self.assertIn("Alle trin når igen nogen", self.night(next(nights))[0])
        self.assertEqual(json.loads(self.daemon.command("status", "--json").stdout)["reach"], {"steps": 0})

    def night(self, offset):
        """The operators' mails of one night, run early in the morning."""
        before = len(self.town.all_mails("drift"))
        done = self.daemon.command("run", "--once", "--at", f"{day(offset)}T04:00:00", timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [mail.words for mail in self.town.all_mails("drift")[before:]]

    def test_people_that_cannot_be_right(self):
        # The contract's views may show anything, whatever the tables of the example allow.
        people = ("person_id text, email text, unit text, role text, away_from date, away_until date, substitute text")
        self.stack.postgres.sql(f"""
            DROP VIEW fristd.people, fristd.units;
            CREATE TABLE fristd.people ({people});
            CREATE TABLE fristd.units (unit text, parent text);
            GRANT SELECT ON fristd.people, fristd.units TO fristd_laeser;
            INSERT INTO fristd.units VALUES ('nord', 'familie'), ('familie', 'center'), ('center', 'nord'), ('syd', 'vest');
            INSERT INTO fristd.people SELECT 'sb1', '{self.town.caseworker}', 'nord', 'caseworker';
            INSERT INTO fristd.people SELECT 'sb1', 'en.anden@kommunen.example', 'syd', 'caseworker';
            INSERT INTO fristd.people SELECT 'tl1', '{self.town.team_leader}', 'nord', 'team_leader', '{day(0)}', NULL, 'tl9';
            INSERT INTO fristd.people SELECT 'al1', '{self.town.department_head}', 'nord', 'department_head';
            INSERT INTO fristd.people SELECT 'cc1', '{self.town.centre_head}', 'nord', 'centre_head';
            INSERT INTO fristd.people (person_id, email, unit, role) VALUES
                ('sb2', 'Navn To <to@kommunen.example>', 'nord', 'caseworker'),
                ('sb3', E'tre@kommunen.example\\r\\nBcc: alle@kommunen.example', 'nord', 'caseworker'),
                (E'sb4\\n', 'fire@kommunen.example', 'nord', 'caseworker');
            INSERT INTO fristd.people VALUES ('sb5', 'fem@kommunen.example', 'nord', 'caseworker', '{day(5)}', '{day(-5)}', NULL),
                ('sb6', 'seks@kommunen.example', 'nord', 'caseworker', '{day(0)}', NULL, 'sb6'),
                ('sb7', 'syv@kommunen.example', 'nord', 'caseworker', '{day(0)}', NULL, 'sb8'),
                ('sb8', 'otte@kommunen.example', 'nord', 'caseworker', '{day(0)}', NULL, 'sb7')""")
        # Whose case it is decides whom it may not reach; S-1 is in sound hands.
        self.stack.postgres.sql("ALTER TABLE fagsystem.sag DROP CONSTRAINT sag_sagsbehandler_fkey")
        for number in (2, 3, 6, 7):
            self.town.case(f"P-{number}", ("underretning.modtaget", "U-1", "now()"))
            self.stack.postgres.sql(f"UPDATE fagsystem.sag SET sagsbehandler = 'sb{number}' WHERE sagsnr = 'P-{number}'")
        holes, warnings = self.check(1)
        # The leader is away, too, and somebody unknown stands in.
        self.assertEqual({(hole["code"], *hole["roles"], hole["cases"]) for hole in holes},
                         {(code, *roles, 4) for code in ("K01", "K02")
                          for roles in (["caseworker"], ["caseworker", "team_leader"])})
        said = " ".join(warnings)
        for expected in ("sb1: people.email differs", "center: units.parent leads back", "syd: units.parent names a unit",
                         "tl1: people.substitute names somebody", "sb2: people.email is no address that mail can be sent to;",
                         "sb3: people.email holds a control character; the row is left out: correct it",
                         "people.person_id holds a control character; the row is left out: correct it",
                         "sb5: people.away_until is before away_from; the person counts as present: correct the dates",
                         "sb6: people.substitute leads back to the person", "sb7: people.substitute leads back to the person"):
            self.assertIn(expected, said)
        self.assertNotIn("kommunen.example", said)
        # The daemon says so to the address for data quality, and goes on with what is sound.
        self.night(1)
        [mail] = self.town.all_mails("datakvalitet")
        self.assertIn("En person har flere mailadresser (sb1)", mail.words)
        self.assertIn("En enhed ligger under sig selv (center)", mail.words)
        self.assertEqual(self.town.journal("SELECT count(*) > 0 FROM deadline WHERE case_id = 'S-1'"), [["t"]])
        codes = json.loads(self.daemon.command("status", "--json").stdout)["data_faults"]
        others = {"bad_address": 1, "bad_row": 2, "away_backwards": 1, "substitute_circle": 2}
        self.assertEqual(codes, others | {"two_addresses": 1, "unit_circle": 1, "unknown_substitute": 1, "unknown_unit": 1})
        # What is mended is no longer counted.
        self.stack.postgres.sql("UPDATE fristd.units SET parent = NULL WHERE unit IN ('center', 'syd')")
        self.night(2)
        codes = json.loads(self.daemon.command("status", "--json").stdout)["data_faults"]
        self.assertEqual(codes, others | {"two_addresses": 1, "unknown_substitute": 1})
        # Delivery goes on with what is sound: where a step reached nobody, the next level has heard.
        told = {mail.to for mail in self.town.all_mails() if "P-2" in mail.text and "@kommunen" in mail.to}
        self.assertIn(self.town.department_head, told)
        self.assertNotIn("to@kommunen.example", told)


if __name__ == "__main__":
    unittest.main()
