# SPDX-License-Identifier: MPL-2.0
"""Names and CPR numbers stand in every source table, and somebody makes mistakes with them; then every byte that
left the daemon is searched for them. And for the dates on which children were born."""

import subprocess
import unittest
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from support import FRISTD, StackCase
from town import Municipality

from stack import wait_until
from stack.postgres import JOURNAL, READER

NAMES = ["Kanariefugl", "Kanariehus"]  # every planted word begins with one of these
CPR = ["010203-4321", "0102034321"]
SECRET = "Hemmelig-Diagnose"

RULE_TEXT = """
    title: {da: Prøveregel, en: Rule of the test}
    basis: Kommunens egen arbejdsgang
    kind: statutory
    valid: {from: 2024-01-01}
    confidence: A
    urgent: true
    scope: case
    escalation: maaneder
    calendar: arbejdsdage
"""
BIRTH_RULES = f"""rules:
  - id: proeve.voksen{RULE_TEXT}    code: K901
    start: [barn.foedt]
    stop: [voksen.klar]
    version_by: due
    due: {{after: 18 years - 2 weeks}}
  - id: proeve.foer_foedslen{RULE_TEXT}    code: K902
    start: [graviditet.oplyst]
    stop: [barn.foedt]
    due: {{after: 3 months}}
  - id: proeve.samtale{RULE_TEXT}    code: K903
    start: [barn.foedt]
    stop: [barn.samtale]
    version_by: due
    due: {{earliest: [{{after: 17 years + 7 weeks}}, {{after: 18 years - 10 working days}}]}}
    then: {{after: 18 years - 5 working days, from: anchor}}
"""
MONTHS = [("januar", "January"), ("februar", "February"), ("marts", "March"), ("april", "April"), ("maj", "May"),
          ("juni", "June"), ("juli", "July"), ("august", "August"), ("september", "September"),
          ("oktober", "October"), ("november", "November"), ("december", "December")]


def wordings(date):
    """A date in every way that anything here writes one."""
    danish, english = MONTHS[date.month - 1]
    midnight = datetime(date.year, date.month, date.day, tzinfo=ZoneInfo("Europe/Copenhagen"))
    utc = midnight.astimezone(ZoneInfo("UTC"))
    return [f"{date:%Y-%m-%d}", f"{date:%d-%m-%Y}", f"{date:%d.%m.%Y}", f"{date:%d/%m/%Y}", f"{date:%Y%m%d}",
            f"{date.day}. {danish} {date.year}", f"{date.day} {english} {date.year}", f"{english} {date.day}, {date.year}",
            f"{utc:%Y-%m-%dT%H}", f"{utc:%Y-%m-%d %H}", str(int(midnight.timestamp()))]


class Privacy(StackCase):
    def setUp(self):
        super().setUp()
        # A mail server that repeats the address in its answer, as most do.
        self.stack.mail.refusal = "550 5.1.1 <$local_part@$domain>: Recipient address rejected"
        self.stack.start()
        self.town = Municipality(self.stack)
        self.plant()
        self.stream = self.stack.broker.listen("#")
        self.daemon = self.stack.daemon(FRISTD, casedb={"poll_interval": "1 second"}, log={"level": "debug"})

    def sql(self, statements, **options):
        return self.stack.postgres.sql(statements, **options)

    def plant(self):
        self.sql(f"""
            UPDATE fagsystem.enhed SET navn = 'Kanariehus ' || enhed;
            UPDATE fagsystem.medarbejder SET navn = 'Kanariefugl Jensen ' || medarbejder;
            ALTER TABLE fagsystem.sag ALTER titel SET DEFAULT 'Kanariefugl Hansen {CPR[0]} {SECRET}';
            ALTER TABLE fagsystem.haendelse ALTER bemaerkning SET DEFAULT 'Mor til Kanariefugl {CPR[1]} {SECRET}';
            UPDATE fagsystem.sag SET titel = DEFAULT;""")

    def child(self, case, key):
        self.sql(f"INSERT INTO fagsystem.barn VALUES ('{key}', '{case}', 'Kanariefugl Barn', '{CPR[0]}', '2015-02-03')")

    def mistakes(self):
        """What people and programs do: names where keys belong, and errors that quote what they could not read."""
        self.sql(f"""
            -- An address with its owner's name is not one we can write to.
            INSERT INTO fagsystem.medarbejder VALUES ('sb2', 'Kanariefugl To', '"Kanariefugl To" <to@kommunen.example>');
            INSERT INTO fagsystem.sag (sagsnr, sagstype, enhed, sagsbehandler) VALUES ('M-1', 'barn', 'nord', 'sb2');
            INSERT INTO fagsystem.sag (sagsnr, sagstype, enhed, sagsbehandler)
                SELECT 'M-' || n, 'barn', 'nord', 'sb1' FROM generate_series(2, 5) n;
            INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt)
                VALUES ('M-1', 'underretning.modtaget', 'U-1', now() - interval '25 hours');""")
        # A view in which a date cannot be read: the server's error quotes it. M-3 fails alone, M-2 is a bad row.
        self.sql(f"""DROP VIEW fristd.events;
            CREATE VIEW fristd.events AS
            SELECT haendelse::text AS event_id, sagsnr AS case_id, emne AS subject, art AS kind,
                   CASE sagsnr WHEN 'M-2' THEN 'Kanariefugl {CPR[1]}' ELSE tidspunkt::text END AS occurred_at,
                   CASE sagsnr WHEN 'M-3' THEN ('Kanariefugl {CPR[0]} ' || haendelse)::date ELSE frist END AS due_on
            FROM fagsystem.haendelse""")
        self.sql(f"GRANT SELECT ON fristd.events TO {READER}")
        self.sql(f"""BEGIN;
            INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt) VALUES
                ('M-2', 'underretning.modtaget', 'U-1', now()), ('M-3', 'underretning.modtaget', 'U-1', now()),
                ('M-4', 'Kanariefugl blev anbragt', 'U-1', now()),
                ('M-5', repeat('Kanariefugl {SECRET} ', 1000), 'U-1', now());
            COMMIT;""")

    def test_no_byte_of_it_leaves(self):
        self.town.case("S-1", ("underretning.modtaget", "U-1", "now() - interval '23 hours'"))
        self.child("S-1", "barn-1")
        self.daemon.start()  # the backlog
        self.stack.mail.refuse(self.town.team_leader)
        self.town.case("S-2", ("underretning.modtaget", "U-2", "now() - interval '25 hours'"))
        self.child("S-2", "barn-2")
        self.stack.mail.wait(self.town.department_head, lambda mail: "S-2" in mail.subject)
        self.mistakes()
        self.stack.mail.wait(self.town.department_head, lambda mail: "M-1" in mail.subject)
        wait_until(lambda: {row[0] for row in self.town.journal("SELECT coalesce(nullif(case_id, ''), subject) FROM data_fault")}
                   >= {"M-2", "M-3", "M-4", "M-5", "sb2"}, "each mistake is a fault")
        with open(self.daemon.config / "rules/calendars.yaml", "a", encoding="utf-8") as rules:
            rules.write("# changed, so everything is looked at again and the faults are reported\n")
        self.daemon.reload()
        self.stack.mail.wait("datakvalitet", lambda mail: "M-3" in mail.text)
        self.stack.mail.wait("drift", lambda mail: "S-2" in mail.text)
        self.stack.postgres.kill()  # errors of a lost connection
        self.stack.postgres.start()
        self.town.event("S-2", "underretning.vurderet", "U-2")
        self.stream.wait(lambda event: event.topic.endswith("deadline.late"))
        status = self.daemon.command("status")
        self.assertEqual(self.daemon.stop(), 0)
        self.search({"status": status.stdout + status.stderr})

    def born(self, case, key, date):
        self.sql(f"INSERT INTO fagsystem.barn VALUES ('{key}', '{case}', 'Kanariefugl Barn', '{CPR[0]}', '{date}')")

    def birthday(self, due_in, years=18):
        """The date of birth, and of the day of age, of which two weeks before is so many days from now."""
        day = datetime.now(ZoneInfo("Europe/Copenhagen")).date() + timedelta(days=due_in + 14)
        day += timedelta(days=(day.month, day.day) == (2, 29))
        return day.replace(year=day.year - years), day

    def test_no_date_of_birth_leaves(self):
        with open(self.daemon.config / "rules/proeve.yaml", "w", encoding="utf-8") as rules:
            rules.write(BIRTH_RULES)
        (soon, soon_of_age), (past, past_of_age) = self.birthday(2), self.birthday(-3)
        newborn = datetime.now(ZoneInfo("Europe/Copenhagen")).date() - timedelta(days=40)
        self.daemon.start()
        self.town.case("B-1", ("sag.aabnet", "", "now()"))
        self.born("B-1", "barn-1", soon)
        self.town.case("B-2", ("sag.aabnet", "", "now()"))
        self.born("B-2", "barn-2", past)
        self.town.case("B-3", ("graviditet.oplyst", "", "now() - interval '100 days'"))
        for case, person in (("B-1", self.town.caseworker), ("B-2", self.town.department_head),
                             ("B-3", self.town.department_head)):
            self.stack.mail.wait(person, lambda mail, case=case: f" {case}:" in mail.subject)
        self.born("B-3", "barn-3", newborn)
        for kind in ("barn.samtale", "voksen.klar"):
            self.town.event("B-2", kind, "barn-2")
        wait_until(lambda: sum(" B-3:" in mail.subject for mail in self.stack.mail.mails(self.town.department_head)) == 2,
                   "who was told of what came before the birth hears of it")
        self.stream.wait(lambda event: event.topic.endswith("deadline.late") and "K901" in event.payload)
        self.stream.wait(lambda event: event.topic.endswith("deadline.met") and "K902" in event.payload)
        commands = {name: self.daemon.command(*argv) for name, argv in {
            "status": ["status", "--json"], "events as text": ["events"], "events as JSON": ["events", "--json"]}.items()}
        left = self.left({name: done.stdout + done.stderr for name, done in commands.items()})
        left["view"] = str(self.town.journal("SELECT * FROM event_stream"))
        left["words in the journal"] = str(self.town.journal("SELECT derivation FROM transition"))
        self.assertEqual(self.daemon.stop(), 0)
        self.assertIn("Regnes fra fødslen (»barn.foedt«).", left["mails"])
        self.assertIn(f"{soon_of_age - timedelta(days=14)}", left["events"], "the due is told")
        for channel, text in left.items():
            for date in (soon, soon_of_age, past, past_of_age, newborn):
                for wording in wordings(date):
                    self.assertNotIn(wording.lower(), text.lower(), f"a date of birth in {channel}")
        self.forgets_what_it_did_not_know(soon)

    def forgets_what_it_did_not_know(self, born):
        """A journal from before a kind was known to be a birth: what it holds is not told again, either."""
        self.town.journal(f"""UPDATE deadline SET from_birth = false;
            UPDATE transition SET anchor_at = '{born}', derivation = 'Start: {born}' WHERE case_id = 'B-1';
            UPDATE transition SET at = anchor_at WHERE case_id = 'B-1' AND kind = 'opened'""")
        self.assertIn(str(born), str(self.town.journal("SELECT * FROM event_stream")))
        with open(self.daemon.config / "rules/proeve.yaml", "a", encoding="utf-8") as rules:
            rules.write("# changed, so everything is looked at again\n")
        self.daemon.start()
        wait_until(lambda: str(born) not in str(self.town.journal("SELECT * FROM event_stream")), "the date is gone")
        self.assertEqual([], self.town.journal("SELECT FROM transition WHERE derivation LIKE 'Start: ____-%'"))
        self.assertEqual(self.daemon.stop(), 0)

    def left(self, others):
        """What has left the daemon, by channel."""
        left = dict(others)
        left["log"] = self.daemon.log()
        left["events"] = "\n".join(f"{event.topic} {event.payload} {event.properties}" for event in
                                   self.stream.retained + self.stream.events)
        left["mails"] = "\n".join(
            mail.raw.decode() + str(mail.message.items()) + "".join(
                str(part.get_content()) for part in mail.message.walk() if not part.is_multipart())
            for mail in self.stack.mail.mails())
        return left

    def search(self, others):
        """Every byte of each channel; that the search can find something is shown by what must be there."""
        left = self.left(others)
        left["journal"] = subprocess.run(
            ["pg_dump", "-h", self.stack.postgres.socket, "-p", str(self.stack.postgres.port), "-U", "postgres", JOURNAL],
            capture_output=True, text=True, check=True).stdout
        mails = self.stack.mail.mails()
        for channel, text in left.items():
            self.assertIn("breached" if channel == "status" else "S-2", text, f"{channel} was not looked at")
            for word in [*NAMES, *CPR, SECRET]:
                self.assertNotIn(word.lower(), text.lower(), f"in {channel}")
        for person in (self.town.caseworker, self.town.team_leader, self.town.department_head, "to@kommunen.example"):
            for channel in set(left) - {"mails"}:
                self.assertNotIn(person, left[channel], f"an address in {channel}")
            others = "".join(mail.raw.decode() for mail in mails if mail.to != person)
            self.assertNotIn(person, others, "an address in somebody else's mail")


if __name__ == "__main__":
    unittest.main()
