# SPDX-License-Identifier: MPL-2.0
"""The reports in virtual time, each start a new process that knows only what the journal says: one mail a leader and
week, late after an outage, empty where there is nothing, right in what it says."""

import datetime
import json
import os
import shutil
import subprocess
import unittest

from town import Municipality
from support import FRISTD, SOURCE, StackCase

from stack import wait_until
from stack.postgres import READER

REMANDS = "hjemvisninger"


def monday(week):
    """07:00 of the week-th Monday from 2 March 2026; summer time begins on Sunday 29 March."""
    return f"{datetime.date(2026, 3, 2) + datetime.timedelta(weeks=week)}T07:00:00"


class Reports(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.rules = SOURCE / "config/rules"
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD, reports="config/reports.yaml", log={"level": "info"})
        self.leaders = [self.town.team_leader, self.town.department_head, self.town.centre_head]

    def run_at(self, at, status=0):
        self.daemon.write_settings()
        done = self.daemon.command("run", "--once", "--at", at, timeout=120)
        self.assertEqual(done.returncode, status, done.stderr)
        sent = int(self.town.journal("SELECT count(*) FROM notice WHERE state = 'sent'")[0][0])
        wait_until(lambda: len(self.stack.mail.mails()) >= sent, "the mail server has delivered all")

    def reports(self, to=None, title="Hjemviste sager"):
        return [mail for mail in self.stack.mail.mails(to) if mail.subject.startswith(title)]

    def runs(self, report=REMANDS):
        return self.town.journal("SELECT to_char(due_at AT TIME ZONE 'Europe/Copenhagen', 'YYYY-MM-DD\"T\"HH24:MI:SS'), state,"
                                 " late FROM report_run WHERE report = :'report' ORDER BY due_at", report=report)

    def retained(self):
        """What stands at the broker, each topic of it in the ledger."""
        retained = self.stack.broker.retained("fristd/v1/proeve/report/#")
        ledger = self.town.journal("SELECT topic FROM retained_topic WHERE topic LIKE '%/report/%'")
        self.assertLessEqual(set(retained), {topic for topic, in ledger})
        return retained

    def take(self):
        """What each leader has got of the report since the last call."""
        fresh = {}
        for leader in self.leaders:
            mails = self.reports(leader)
            fresh[leader] = [mail for mail in mails if mail.id not in self.seen]
            self.seen |= {mail.id for mail in mails}
        return fresh

    def one_each(self, at):
        fresh = self.take()
        for leader, mails in fresh.items():
            self.assertEqual(len(mails), 1, f"{leader} at {at}")
        return {leader: mails[0] for leader, mails in fresh.items()}

    def test_weeks(self):
        town, self.seen = self.town, set()
        self.run_at("2026-02-25T12:00:00")  # the journal is made; the first report waits
        self.assertEqual(self.runs(), [[monday(0), "waiting", "f"]])
        self.run_at("2026-03-02T06:59:59")
        self.assertEqual(self.take(), {leader: [] for leader in self.leaders})

        # Week 0: nothing yet, and that is said.
        self.run_at(monday(0))
        for mail in self.one_each(monday(0)).values():
            self.assertIn("Der er ingen hjemviste sager.", mail.words)
            self.assertIn("Der er ingen hjemviste sager.", mail.html)
            self.assertNotIn("sidst", mail.words.replace("siden sidste", ""))
        self.run_at(monday(0))  # a restart at the very moment
        self.run_at("2026-03-02T15:00:00")
        self.assertEqual(self.take(), {leader: [] for leader in self.leaders})

        # Week 1: one with everything recorded, one with nothing; one in another unit is not the team leader's.
        self.stack.postgres.sql("INSERT INTO fagsystem.enhed VALUES ('syd', 'Syd', 'familie')")
        town.case("S-1", ("hjemvisning.modtaget", "H-1", "'2026-03-03 10:00'"),
                  ("hjemvisning.opfoelgning", "H-1", "'2026-03-05 10:00'"),
                  ("hjemvisning.hjaelp_genetableret", "H-1", "'2026-03-04 10:00'"),
                  ("hjemvisning.aarsag_aendret_praksis", "H-1", "'2026-03-04 11:00'"))
        town.case("S-2", ("hjemvisning.modtaget", "H-2", "'2026-03-02 10:00'"))
        town.case("S-3", ("hjemvisning.modtaget", "H-3", "'2026-03-04 10:00'"),
                  ("hjemvisning.retsstilling_ikke_relevant", "H-3", "'2026-03-05 10:00'"))
        self.stack.postgres.sql("UPDATE fagsystem.sag SET enhed = 'syd' WHERE sagsnr = 'S-3'")
        self.run_at(monday(1))
        first = self.one_each(monday(1))
        text = first[town.team_leader].words
        self.assertLess(text.index("S-2 · H-2"), text.index("S-1 · H-1"))  # the oldest first
        self.assertNotIn("S-3", text)
        self.assertIn("S-3 · H-3 · syd", first[town.department_head].words)
        self.assertIn("S-3 · H-3 · syd", first[town.centre_head].words)
        older, newer = text.split("S-1 · H-1")[0].split("S-2 · H-2")[1], text.split("S-1 · H-1")[1]
        for said in ("Modtaget 2. marts 2026, for 7 dage siden", "nej, skal ske senest 9. marts 2026 kl. 09.00",
                     "ikke registreret som genetableret", "27. april 2026 (om 49 dage)", "Brev om ny frist: ikke sendt",
                     "Årsag til hjemvisningen: ikke registreret"):
            self.assertIn(said, older)
        for said in ("ja, 5. marts 2026", "genetableret 4. marts 2026", "Årsag til hjemvisningen: ændret praksis"):
            self.assertIn(said, newer)
        for said in ("Hjemviste sager: 2 (sidst 0)", "Modtaget siden sidste rapport: 2", "Mangler opfølgning i denne uge: 1 (sidst 0)"):
            self.assertIn(said, text)
        self.assertIn("Hjemviste sager: 3 (sidst 0)", first[town.department_head].words)
        self.assertIn("https://sager.kommunen.example/sag/S-2", text)

        # Weeks 2 and 3: missed in a row, told a new date; the clock goes forward between them and week 4.
        self.run_at("2026-03-14T12:00:00")
        self.run_at(monday(2))
        self.assertIn("Uden opfølgning før denne uge: 1 uge\n", self.one_each(monday(2))[town.team_leader].text)
        town.event("S-2", "hjemvisning.frist_forlaenget", "H-2", "'2026-03-18 10:00'", "'2026-06-01'")
        self.run_at(monday(3))
        text = self.one_each(monday(3))[town.team_leader].words
        self.assertIn("Uden opfølgning før denne uge: 2 uger i træk", text)
        self.assertIn("Uden opfølgning to uger i træk eller mere: 1 (sidst 0)", text)
        self.assertIn("sendt 18. marts 2026, ny dato 1. juni 2026", text)
        self.assertIn("Kommunens frist: 1. juni 2026", text)

        # Week 4, summer time by now: 07:00 is local.
        self.run_at("2026-03-30T06:59:59")
        self.assertEqual(self.take(), {leader: [] for leader in self.leaders})
        town.event("S-2", "hjemvisning.ny_afgoerelse_sendt", "H-2", "'2026-03-27 10:00'")
        self.run_at("2026-03-30T07:00:00+02:00")
        text = self.one_each(monday(4))[town.team_leader].words
        self.assertNotIn("S-2", text)
        self.assertIn("Hjemviste sager: 1 (sidst 2)", text)
        self.assertIn("Afsluttet siden sidste rapport: 1", text)

        # Down from week 4 to the Thursday of week 7: one, late, and it says so; the next one comes as ever.
        self.run_at("2026-04-23T10:00:00")
        for mail in self.one_each("after the outage").values():
            self.assertIn("Rapporten skulle være sendt mandag den 20. april 2026 kl. 07.00. Den kommer først nu", mail.words)
        self.run_at(monday(8))
        text = self.one_each(monday(8))[town.team_leader].words
        self.assertNotIn("kommer først nu", text)
        self.assertIn("»Sidst« er rapporten 20. april 2026.", text)
        self.assertEqual(self.runs(), [[monday(n), "superseded" if n in (5, 6) else "sent", "t" if n in (5, 6, 7) else "f"]
                                       for n in range(9)] + [[monday(9), "waiting", "f"]])
        self.assertEqual(len(self.reports()), 7 * len(self.leaders))

    def test_not_reached(self):
        """The team leader's address is refused, and the department head is away without a substitute: each report goes to the
        level above, the operators hear of it, it is counted, and the state on the broker says so."""
        town, self.seen = self.town, set()
        self.stack.mail.refuse("teamleder")
        self.run_at("2026-03-01T12:00:00")
        self.run_at(monday(0))
        self.assertEqual([self.reports(leader) != [] for leader in self.leaders], [False, True, True])
        self.assertEqual(self.runs()[0], [monday(0), "failed", "f"])
        instead = [mail for mail in self.reports(town.department_head) if "kunne ikke leveres" in mail.words]
        self.assertEqual(len(instead), 1)
        self.assertIn("Rapporten kunne ikke leveres til teamleder i nord. Du får den i stedet.", instead[0].words)
        operators = self.stack.mail.mails("drift")
        self.assertIn("hjemvisninger, teamleder nord (550", "".join(mail.words for mail in operators))
        status = self.daemon.command("status", "--json")
        self.assertEqual(json.loads(status.stdout)["failed_reports"].get(REMANDS), None)  # of the last week by the real clock
        topic = f"fristd/v1/proeve/report/{REMANDS}"
        payload = json.loads(self.retained()[topic])
        self.assertEqual((payload["state"], payload["recipients"], payload["unreached"]), ("failed", 3, 1))
        self.assertEqual(payload["counts"]["remands"], 0)

        self.stack.postgres.sql("INSERT INTO fagsystem.fravaer VALUES ('al1', '2026-03-09', NULL, NULL)")
        self.stack.mail.add("teamleder")
        before = len(self.reports(town.centre_head))
        self.run_at(monday(1))
        self.assertEqual(self.runs()[1], [monday(1), "failed", "f"])
        fresh = [mail.words for mail in self.reports(town.centre_head)[before:]]
        self.assertEqual(len(fresh), 2)
        self.assertEqual(sum("kunne ikke leveres til afdelingsleder i familie" in text for text in fresh), 1)

    def test_lists(self):
        """The caseworker's list on working days with something in it, and the leaders' digest."""
        town = self.town
        self.run_at("2026-03-04T06:00:00")
        self.run_at("2026-03-04T07:30:00")  # nothing: no mail
        self.assertEqual(self.reports(town.caseworker, "Dine frister"), [])
        self.assertEqual(self.runs("arbejdsliste")[0][1], "sent")
        town.case("S-9", ("underretning.modtaget", "U-9", "'2026-03-04 10:00+01:00'"))
        self.run_at("2026-03-04T12:00:00")
        self.run_at("2026-03-05T10:30:00")  # late: it was down at 07:30
        lists = self.reports(town.caseworker, "Dine frister")
        self.assertEqual(len(lists), 1)
        self.assertIn("5. marts 2026 kl. 10.00 (overskredet med 30 minutter): K01", lists[0].words)
        self.assertIn("Rapporten skulle være sendt torsdag den 5. marts 2026 kl. 07.30", lists[0].words)
        self.assertIn("Omfatter: dine egne sager", lists[0].words)
        self.run_at("2026-03-09T07:15:00")
        digest = self.reports(town.team_leader, "Ugens frister")[-1]
        self.assertEqual(digest.subject, "Ugens frister i nord, 9. marts 2026")
        self.assertIn("K01", digest.words)
        self.assertIn("Frister og mål, der ikke er holdt: ", digest.words)
        self.assertEqual(self.reports(town.caseworker, "Ugens frister"), [])

    def test_the_next_one_follows_the_configuration(self):
        """A changed time drops the row that waits and sets another; a report that has come due is made all the same."""
        path = self.daemon.config / "reports.yaml"
        original = path.read_text()
        path.write_text(original.split("  # Each caseworker")[0])  # the first report alone
        self.run_at("2026-03-01T12:00:00")
        path.write_text(path.read_text().replace("BYDAY=MO;BYHOUR=7", "BYDAY=MO;BYHOUR=8"))
        self.run_at("2026-03-01T12:01:00")
        self.assertEqual(self.runs(), [[monday(0), "dropped", "f"], ["2026-03-02T08:00:00", "waiting", "f"]])
        path.write_text(path.read_text().replace("BYDAY=MO;BYHOUR=8", "BYDAY=MO;BYHOUR=7"))
        self.run_at("2026-03-01T12:02:00")
        self.assertEqual(self.runs(), [[monday(0), "waiting", "f"], ["2026-03-02T08:00:00", "dropped", "f"]])
        path.write_text(path.read_text().replace("BYDAY=MO;BYHOUR=7", "BYDAY=TU;BYHOUR=7"))  # while it was down
        self.run_at("2026-03-02T09:00:00")
        self.assertEqual(len(self.reports()), len(self.leaders))
        self.assertEqual(self.runs(), [[monday(0), "sent", "t"], ["2026-03-02T08:00:00", "dropped", "f"],
                                       ["2026-03-03T07:00:00", "waiting", "f"]])
        topic = f"fristd/v1/proeve/report/{REMANDS}"
        self.assertIn(topic, self.retained())
        self.daemon.change(reports=None)
        self.run_at("2026-03-03T12:00:00")
        self.assertEqual(self.runs()[-1], ["2026-03-03T07:00:00", "dropped", "f"])
        self.assertEqual(len(self.reports()), len(self.leaders))
        self.daemon.start()
        wait_until(lambda: self.stack.broker.retained("fristd/v1/proeve/report/#") == {}, "what is retained of it is cleared")
        wait_until(lambda: self.town.journal("SELECT topic FROM retained_topic WHERE topic LIKE '%/report/%'") == [],
                   "it is out of the ledger", 20)
        self.assertEqual(self.daemon.stop(), 0)

    def test_a_look_is_wanted_while_everything_is_read(self):
        """The reading of the night takes longer than looks are apart: the mails of the report that is due go all the same."""
        self.daemon.change(casedb={"poll_interval": "100 milliseconds"})
        self.run_at("2026-02-25T12:00:00")
        self.stack.postgres.sql("ALTER VIEW fristd.units RENAME TO units_at_once; CREATE VIEW fristd.units AS SELECT u.* FROM"
                                f" fristd.units_at_once AS u, pg_sleep(0.3); GRANT SELECT ON fristd.units TO {READER}")
        self.run_at(monday(0))
        self.assertEqual([len(self.reports(leader)) for leader in self.leaders], [1, 1, 1])

    def test_a_site_with_another_name(self):
        """What the old name has retained is cleared, reports as well."""
        self.run_at("2026-03-01T12:00:00")
        self.run_at(monday(0))
        old = f"fristd/v1/proeve/report/{REMANDS}"
        self.assertIn(old, self.retained())
        self.daemon.change(site="proeve-to")
        self.daemon.start()
        wait_until(lambda: old not in self.stack.broker.retained("fristd/#"), "the old topic is cleared")
        self.assertIn("fristd/v1/proeve-to/status", self.stack.broker.retained("fristd/#"))
        self.assertEqual(self.daemon.stop(), 0)

    def test_killed_while_it_is_made(self):
        """Another week for each place to be killed at: afterwards everybody has the one report, if twice then the same one."""
        shim, fired = shutil.copy(os.environ["FAULT_CALLS"], self.daemon.path), self.daemon.path / "fired"
        self.run_at("2026-02-25T12:00:00")
        self.seen, week, met = set(), 0, True
        while met and week < 60:
            fired.unlink(missing_ok=True)
            subprocess.run(self.daemon.account.command(
                [self.daemon.binary, "run", "--once", "--at", monday(week), "--config", self.daemon.path / "fristd.yaml"], 9),
                env=self.daemon.environment() | {
                    "LD_PRELOAD": shim, "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0", "FAULT_KIND": "kill",
                    "FAULT_ONLY": "sending", "FAULT_AT": str(20 + 7 * week), "FAULT_FIRED": str(fired)},
                capture_output=True, check=False, cwd="/", timeout=120)
            met = fired.exists()
            self.run_at(monday(week))
            for leader in self.leaders:
                fresh = {mail.id for mail in self.reports(leader)} - self.seen
                self.assertEqual(len(fresh), 1, f"{leader} in week {week}")
                self.seen |= fresh
            self.assertEqual(self.runs()[week], [monday(week), "sent", "f"])
            week += 1
        self.assertGreater(week, 5)
        print(f"killed at {week - 1} places, each report once")

    def test_by_hand(self):
        """`fristd report` shows it and changes nothing; --send has the daemon make one."""
        self.town.case("S-1", ("hjemvisning.modtaget", "H-1", "now() - interval '10 days'"))
        self.daemon.write_settings()
        self.daemon.start()
        shown = self.daemon.command("report", REMANDS)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("S-1 · H-1 · nord", shown.stdout)
        self.assertEqual(shown.stdout.count("Emne: Hjemviste sager") + shown.stdout.count("Subject: Hjemviste sager"), 3)
        self.assertEqual(self.reports(), [])
        self.assertEqual(self.daemon.command("report", "hjemvisning").returncode, 2)
        self.assertIn('did you mean "hjemvisninger"', self.daemon.command("report", "hjemvisning").stderr)
        sent = self.daemon.command("report", REMANDS, "--send")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        mail = self.stack.mail.wait(self.town.team_leader, lambda mail: mail.subject.startswith("Hjemviste sager"))
        self.assertIn("S-1 · H-1 · nord", mail.words)
        self.assertEqual(self.daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main()
