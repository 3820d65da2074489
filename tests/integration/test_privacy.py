# SPDX-License-Identifier: MPL-2.0
"""Names and CPR numbers stand in every source table, and somebody makes mistakes with them; then every byte that
left the daemon is searched for them."""

import subprocess
import unittest

from support import FRISTD, StackCase
from town import Municipality

from stack import wait_until
from stack.postgres import JOURNAL, READER

NAMES = ["Kanariefugl", "Kanariehus"]  # every planted word begins with one of these
CPR = ["010203-4321", "0102034321"]
SECRET = "Hemmelig-Diagnose"


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
        wait_until(lambda: {row[0] for row in self.town.journal("SELECT case_id FROM data_fault")}
                   >= {"M-2", "M-3", "M-4", "M-5"}, "each mistake is a fault")
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

    def search(self, others):
        """Every byte of each channel; that the search can find something is shown by what must be there."""
        left = dict(others)
        left["log"] = self.daemon.log()
        left["events"] = "\n".join(f"{event.topic} {event.payload} {event.properties}" for event in
                                   self.stream.retained + self.stream.events)
        left["journal"] = subprocess.run(
            ["pg_dump", "-h", self.stack.postgres.socket, "-p", str(self.stack.postgres.port), "-U", "postgres", JOURNAL],
            capture_output=True, text=True, check=True).stdout
        mails = self.stack.mail.mails()
        left["mails"] = "\n".join(
            mail.raw.decode() + str(mail.message.items()) + "".join(
                str(part.get_content()) for part in mail.message.walk() if not part.is_multipart())
            for mail in mails)
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
