# SPDX-License-Identifier: MPL-2.0
"""A small municipality on the stack for tests: the example schema, a few people, events recorded one by one."""

from pathlib import Path

from support import SOURCE

from stack import wait_until
from stack.postgres import JOURNAL


class Municipality:
    """One unit with a caseworker and a team leader, below a department with its head."""

    def __init__(self, stack):
        self.stack = stack
        for name in ("example", "contract", "role"):
            stack.postgres.file(SOURCE / f"config/sql/{name}.sql")
        self.caseworker = stack.mail.add("sagsbehandler")
        self.team_leader = stack.mail.add("teamleder")
        self.department_head = stack.mail.add("afdelingsleder")
        self.centre_head = stack.mail.add("centerchef")
        stack.mail.add("drift", "datakvalitet")
        stack.postgres.sql(f"""
            INSERT INTO fagsystem.enhed VALUES ('center', 'Center', NULL), ('familie', 'Familie', 'center'),
                ('nord', 'Nord', 'familie');
            INSERT INTO fagsystem.medarbejder VALUES ('sb1', 'Navn 1', '{self.caseworker}'),
                ('tl1', 'Navn 2', '{self.team_leader}'), ('al1', 'Navn 3', '{self.department_head}'),
                ('cc1', 'Navn 4', '{self.centre_head}');
            INSERT INTO fagsystem.funktion VALUES ('sb1', 'nord', 'sagsbehandler'), ('tl1', 'nord', 'teamleder'),
                ('al1', 'familie', 'afdelingsleder'), ('cc1', 'center', 'centerchef');
            INSERT INTO fagsystem.sag VALUES ('S-0', 'barn', 'nord', 'sb1', '');""")

    def case(self, case_id, *events):
        """A case with events (kind, subject, when as SQL), all in one transaction."""
        rows = ", ".join(f"(:'id', '{kind}', '{subject}', {when})" for kind, subject, when in events)
        self.stack.postgres.sql(
            "BEGIN; INSERT INTO fagsystem.sag VALUES (:'id', 'barn', 'nord', 'sb1', '');"
            f"INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt) VALUES {rows}; COMMIT;", id=case_id)

    def event(self, case_id, kind, subject, when="now()", due_on="NULL"):
        self.stack.postgres.sql("INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt, frist)"
                                f" VALUES (:'id', '{kind}', '{subject}', {when}, {due_on})", id=case_id)

    # --- what the journal says

    def journal(self, statement, **variables):
        return self.stack.postgres.sql(f"SET search_path = fristd_journal; {statement}", database=JOURNAL, **variables)

    def transitions(self, case_id):
        return [row[0] for row in self.journal("SELECT code || ' ' || kind FROM transition WHERE case_id = :'id' ORDER BY number",
                                               id=case_id)]

    def wait_published(self):
        """Until the broker has acknowledged all that the journal has, and that is written down."""
        wait_until(lambda: self.journal("SELECT (SELECT value::bigint FROM progress WHERE name = 'published') ="
                                        " max(number) FROM transition") == [["t"]], "all is published")

    # --- what has arrived

    def mails(self, case_id):
        """Those on this case that have arrived, once all have."""
        return [arrived for arrived in self.all_mails() if f" {case_id}:" in arrived.subject]

    def all_mails(self, to=None):
        """Once the mail server has nothing under way: it goes on reading what a client that was killed had sent, and delivers
        what it has taken in its own time."""
        mail = self.stack.mail
        spool = mail.path / "spool" / "input"
        wait_until(lambda: not self._mail_children() and not (spool.exists() and any(spool.rglob("*-H"))),
                   "the mail server has delivered all")
        return mail.mails(to)

    def _mail_children(self):
        """The processes of the mail server that work; one that has ended waits for the next connection to be buried."""
        pid = self.stack.mail.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [child for child in children if self._state(child) not in ("Z", None)]

    @staticmethod
    def _state(pid):
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return None
