# SPDX-License-Identifier: MPL-2.0
"""Changed rules at a reload: what moves open deadlines is listed first, and is taken only when somebody has confirmed it
or when it is configured so."""

import calendar
import datetime
import json
import signal
import unittest

from town import Municipality
from support import FRISTD, StackCase

from stack import wait_until
from stack.postgres import READER

ASSESSMENT = "b-undersoegelse.yaml"
DANISH = ("januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december")
ENGLISH = calendar.month_name[1:]


def months_later(date, months):
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    return datetime.date(year, month + 1, min(date.day, calendar.monthrange(year, month + 1)[1]))


def in_words(date, months):
    dot = "." if months is DANISH else ""
    return f"{date.day}{dot} {months[date.month - 1]} {date.year}"


# Four months were over some days ago, five are not.
AWARE = months_later(datetime.date.today() - datetime.timedelta(10), -4)
DUE, LATER = months_later(AWARE, 4), months_later(AWARE, 5)


class RulesChange(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD)
        self.town.case("S-1", ("underretning.modtaget", "U-1", "now() - interval '1 hour'"))
        self.town.case("S-2", ("bfu.opmaerksom", "B-1", f"'{AWARE} 10:00'"))
        self.town.case("S-3", ("bfu.opmaerksom", "B-2", "now() - interval '100 days'"), ("bfu.afsluttet", "B-2", "now()"))

    def start(self):
        self.daemon.start()
        wait_until(lambda: len(self.dues()) >= 4, "the deadlines are in the journal")

    def dues(self):
        rows = self.town.journal("SELECT case_id || ' ' || code, state, due_at FROM deadline ORDER BY 1")
        return {name: (state, due) for name, state, due in rows}

    def change(self, old, new, name=ASSESSMENT):
        path = self.daemon.config / "rules" / name
        text = path.read_text()
        self.assertIn(old, text)
        self.stack.account.write(path, text.replace(old, new))

    def longer(self):
        self.change("{after: 4 months}", "{after: 5 months}")

    def compare(self, status):
        done = self.daemon.command("compare", "--json", timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        *differences, counts = map(json.loads, done.stdout.splitlines())
        return [(line["change"], line["case_id"], line["code"], line["old_state"], line["new_state"]) for line in differences], \
            differences, counts

    def waiting(self):
        done = self.daemon.command("status", "--json", timeout=60)
        return json.loads(done.stdout)["rules_refused"]

    def confirm(self, fingerprint, by="al1"):
        return self.daemon.command("compare", "--confirm", fingerprint, "--by", by, timeout=60)

    def refused(self):
        """Reloads, and the reload is refused."""
        count = self.daemon.log().count("they wait, with all of the new configuration")
        self.daemon.reload()
        self.daemon.wait_log("they wait, with all of the new configuration", count=count + 1)

    def taken(self):
        count = self.daemon.log().count("the new configuration is in force")
        self.daemon.reload()
        self.daemon.wait_log("the new configuration is in force", count=count + 1)

    def status(self):
        return [state for state in self.daemon.states if state.startswith("STATUS=")][-1]

    def operators_mails(self):
        return [mail for mail in self.stack.mail.mails() if mail.to.startswith("drift@")]

    def test_refused_confirmed_taken(self):
        self.start()
        before = self.dues()
        self.longer()
        self.refused()
        self.daemon.wait_log(r"changed rules, not in force: deadline_moved case=S-2 rule=bfu.afslutning subject=B-1 "
                             rf"old_due={DUE}T23:59:59\+0[12]:00 new_due={LATER}T23:59:59\+0[12]:00$")
        self.daemon.wait_log("would change open deadlines: moved=1 closed=0 gone=0 new_and_breached=0;")
        wait_until(lambda: "changed rules are not in force: 1 open deadlines would change, see fristd compare" in self.status(),
                   "the status line says so")
        self.assertEqual(self.dues(), before)

        # The old rules go on.
        self.town.case("S-4", ("bfu.opmaerksom", "B-1", f"'{datetime.date.today()} 00:00'"))
        wait_until(lambda: "S-4 K20" in self.dues(), "S-4 is known")
        self.assertIn(str(months_later(datetime.date.today(), 4)), self.dues()["S-4 K20"][1])

        # All of it by a command; a closed deadline that moves needs nobody.
        found, differences, counts = self.compare(1)
        self.assertEqual([row[:3] for row in found], [("moved", "S-2", "K20"), ("moved", "S-3", "K20"), ("moved", "S-4", "K20")])
        self.assertEqual([line["grave"] for line in differences], [True, False, True])
        self.assertEqual((differences[0]["old_due_at"][:19], differences[0]["new_due_at"][:19]), (f"{DUE}T23:59:59", f"{LATER}T23:59:59"))
        self.assertEqual((counts["to_confirm"], counts["in_force"], counts["cases"]), (2, False, 5))
        fingerprint = counts["fingerprint"]
        wait_until(lambda: self.waiting() == {fingerprint: 1}, "the refusal is in the journal")
        text = self.daemon.command("compare", "--language", "en").stdout
        self.assertIn("  moved: K20 (bfu.afslutning)\n"
                      f"    S-2 B-1  {in_words(DUE, ENGLISH)} → {in_words(LATER, ENGLISH)}, breached → open\n", text)
        self.assertIn(f"Confirm with: fristd compare --confirm {fingerprint} --by PERSON\n", text)

        # Confirmed by a person, for these rules.
        for arguments, said in (((fingerprint[::-1],), "they have changed since"), ((fingerprint, "An Name"), "person id")):
            done = self.confirm(*arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr)
        self.refused()
        done = self.confirm(fingerprint)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.taken()
        self.daemon.wait_log("the changed rules are confirmed, 2 open deadlines change by=al1")
        wait_until(lambda: str(LATER) in self.dues()["S-2 K20"][1], "the deadline has moved")
        wait_until(lambda: self.waiting() == {}, "nothing waits")
        self.assertIn("K20 moved", self.town.transitions("S-2"))
        self.assertEqual(self.compare(0)[2]["in_force"], True)
        wait_until(lambda: "not in force" not in self.status(), "the status line says nothing of it any more")
        self.assertEqual(self.town.journal("SELECT fingerprint, confirmed_by, taken_at IS NOT NULL FROM rules_confirmation"),
                         [[fingerprint, "al1", "t"]])

        # Back again is a change like any other; files as they are in force end the waiting.
        self.change("{after: 5 months}", "{after: 4 months}")
        self.refused()
        wait_until(self.waiting, "the refusal is in the journal")
        self.longer()
        self.taken()
        wait_until(lambda: self.waiting() == {}, "nothing waits")
        # A confirmation holds once.
        self.change("{after: 5 months}", "{after: 4 months}")
        self.confirm(self.compare(1)[2]["fingerprint"])
        self.taken()
        wait_until(lambda: str(DUE) in self.dues()["S-2 K20"][1], "the deadline has moved back")
        self.longer()
        self.refused()
        self.assertEqual(self.daemon.stop(), 0)

    def test_what_moves_nothing_is_taken(self):
        self.start()
        self.change("Child assessment is finished", "The child's assessment is finished")
        self.taken()
        self.daemon.wait_log("changed rules compared cases=4 open_deadlines_that_change=0")
        # Who is told when moves no deadline, either; and a reload while the last one is weighed takes the newest files.
        for before, after in ((30, 29), (29, 28), (28, 27)):
            self.change(f"{{at: {before} days before", f"{{at: {after} days before", "escalations.yaml")
            self.daemon.process.send(signal.SIGHUP)
        wait_until(lambda: self.compare(0)[2]["in_force"], "the newest rules are in force")
        self.assertEqual(self.daemon.stop(), 0)

    def test_configured_to_take(self):
        self.daemon.change(rule_changes="take")
        self.start()
        self.longer()
        self.taken()
        self.daemon.wait_log("changed rules: deadline_moved case=S-2")
        wait_until(lambda: str(LATER) in self.dues()["S-2 K20"][1], "the deadline has moved")
        wait_until(self.operators_mails, "the operators have heard")
        self.assertEqual(self.daemon.stop(), 0)

    def test_gone_and_new(self):
        """A rule that goes takes its deadlines away; one that comes can find them breached."""
        self.start()
        self.change("bfu.afslutning", "bfu.afslutning.ny")
        self.refused()
        self.daemon.wait_log("not in force: deadline_gone case=S-2 rule=bfu.afslutning ")
        self.daemon.wait_log("not in force: deadline_breached case=S-2 rule=bfu.afslutning.ny ")
        self.daemon.wait_log("moved=0 closed=0 gone=1 new_and_breached=1;")
        self.assertEqual([row[:3] for row in self.compare(1)[0]],
                         [("appeared", "S-2", "K20"), ("appeared", "S-3", "K20"), ("vanished", "S-2", "K20"), ("vanished", "S-3", "K20")])
        self.daemon.process.send(signal.SIGHUP)  # and ends while it is weighed
        self.assertEqual(self.daemon.stop(), 0)

    def test_a_start_takes_and_tells(self):
        self.start()
        self.longer()
        self.refused()
        self.assertEqual(self.daemon.stop(), 0)
        # What happens while it is away, more than a second after it wrote last, is no doing of the rules.
        happened = self.stack.postgres.value("SELECT now() + interval '2 seconds'")
        self.town.event("S-1", "underretning.vurderet", "U-1", f"'{happened}'")
        self.town.case("S-5", ("underretning.modtaget", "U-5", f"'{happened}'"))
        wait_until(lambda: self.stack.postgres.value("SELECT now() > :'happened'", happened=happened) == "t", "it has happened")
        self.daemon.start()
        wait_until(lambda: str(LATER) in self.dues()["S-2 K20"][1], "the deadline has moved")
        self.daemon.wait_log("changed rules: deadline_moved case=S-2")
        wait_until(self.operators_mails, "the operators have heard")
        mail, = self.operators_mails()
        self.assertIn(f"Ændrede regler har flyttet en åben frist: {in_words(DUE, DANISH)} → {in_words(LATER, DANISH)}", mail.words)
        self.assertIn("S-2", mail.words)
        self.assertNotRegex(mail.text + self.daemon.log(), r"S-[15] .*(overskredet|lukket)|changed rules: .* case=S-[15]")
        self.assertEqual((self.dues()["S-1 K01"][0], self.dues()["S-5 K01"][0]), ("met", "open"))
        wait_until(lambda: self.waiting() == {}, "nothing waits")
        self.assertEqual(self.daemon.stop(), 0)

    def test_what_cannot_be_seen_is_refused(self):
        self.start()
        self.stack.postgres.sql(f"ALTER ROLE {READER} NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                f" WHERE usename = '{READER}'")
        self.daemon.wait_log("casedb: casedb: .*next try")
        wait_until(lambda: "case database DOWN" in self.status(), "the status line says so")
        self.longer()
        self.daemon.reload()
        self.daemon.wait_log("what the changed rules would change cannot be seen now.*the case database is away")
        self.stack.postgres.sql(f"ALTER ROLE {READER} LOGIN")
        self.daemon.wait_log("connected, the contract fits", count=2)
        self.refused()
        self.assertIn(str(DUE), self.dues()["S-2 K20"][1])
        self.assertEqual(self.daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main()
