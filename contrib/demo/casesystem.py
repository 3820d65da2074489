# SPDX-License-Identifier: MPL-2.0
"""The demo's case system: the tables of config/sql/example.sql with a municipality in them, used through psql."""

import csv
import io
import subprocess
from pathlib import Path

from stack import NotReady

SQL = Path(__file__).resolve().parents[2] / "config/sql"
FUNCTIONS = {"caseworker": "sagsbehandler", "team_leader": "teamleder", "department_head": "afdelingsleder",
             "centre_head": "centerchef"}
CLOSED = "EXISTS (SELECT FROM fagsystem.haendelse h WHERE h.sagsnr = s.sagsnr AND h.art = 'sag.lukket')"


class CaseSystem:
    """`psql` is the command line that opens the case database with its owner's rights; the journal is asked with the
    same one."""

    def __init__(self, psql, journal_psql):
        self.psql, self.journal_psql = psql, journal_psql

    # --- filling

    def load(self, town):
        """All in one transaction, as text of COPY."""
        copy = "BEGIN;\n"
        copy += table("enhed", "enhed, navn, overenhed", ((unit, unit, parent or None) for unit, parent in town.units))
        people = {person.id: person for person in town.people}.values()
        copy += table("medarbejder", "medarbejder, navn, email", ((p.id, p.id, p.email) for p in people))
        copy += table("funktion", "medarbejder, enhed, funktion",
                      ((p.id, p.unit, FUNCTIONS[p.role]) for p in town.people))
        copy += table("fravaer", "medarbejder, fra, til, stedfortraeder",
                      ((p.id, p.away_from, p.away_until, p.substitute or None) for p in people if p.away_from))
        copy += table("sag", "sagsnr, sagstype, enhed, sagsbehandler",
                      ((case.id, case.type, case.unit, case.caseworker) for case in town.cases))
        copy += table("haendelse", "sagsnr, emne, art, tidspunkt, frist",
                      ((event.case, event.subject, event.kind, event.at.isoformat(), event.due_on)
                       for event in town.events))
        self.run(copy + "COMMIT;\n")

    # --- using it

    def stand_in(self, who, substitute):
        """A substitute for somebody's absence is recorded."""
        self.run("UPDATE fagsystem.fravaer SET stedfortraeder = :'substitute' WHERE medarbejder = :'who';",
                 who=who, substitute=substitute)

    def record(self, case, subject, kind, at, due_on=None):
        """What a caseworker does in the case system; nothing more is needed for fristd to see it."""
        self.run("INSERT INTO fagsystem.haendelse (sagsnr, emne, art, tidspunkt, frist)"
                 " VALUES (:'case', :'subject', :'kind', :'at', nullif(:'due_on', '')::date);",
                 case=case, subject=subject, kind=kind, at=at.isoformat(), due_on=due_on or "")

    def pick_case(self, unit="fam-nord"):
        """Some open case of the unit in which there is little going on."""
        return self.quiet_cases(unit, 1)[0]

    def quiet_cases(self, unit, count):
        """Open cases of the unit in which there is little going on, of different caseworkers."""
        rows = self.run("SELECT sagsnr FROM (SELECT DISTINCT ON (s.sagsbehandler) s.sagsnr, n.events FROM fagsystem.sag s,"
                        " LATERAL (SELECT count(*) AS events FROM fagsystem.haendelse h WHERE h.sagsnr = s.sagsnr) n"
                        f" WHERE s.enhed = :'unit' AND NOT {CLOSED} ORDER BY s.sagsbehandler, n.events, s.sagsnr) q"
                        " ORDER BY events, sagsnr LIMIT :count;", unit=unit, count=count)
        return [row[0] for row in rows]

    def new_subject(self, prefix):
        rows = self.run("SELECT coalesce(max(substr(emne, 3)::int), 100) + 1 FROM fagsystem.haendelse"
                        " WHERE emne ~ ('^' || :'prefix' || '-[0-9]{1,8}$');", prefix=prefix)
        return f"{prefix}-{rows[0][0]}"

    def newest_subject(self, prefix):
        rows = self.run("SELECT emne FROM fagsystem.haendelse WHERE emne LIKE :'prefix' || '-%'"
                        " ORDER BY haendelse DESC LIMIT 1;", prefix=prefix)
        return rows[0][0] if rows else ""

    def case_of(self, subject):
        rows = self.run("SELECT sagsnr FROM fagsystem.haendelse WHERE emne = :'subject' AND emne <> '' LIMIT 1;",
                        subject=subject)
        return rows[0][0] if rows else None

    def events(self, case):
        return self.run("SELECT to_char(tidspunkt AT TIME ZONE 'Europe/Copenhagen', 'DD.MM.YYYY HH24:MI'), emne, art"
                        " FROM fagsystem.haendelse WHERE sagsnr = :'case' ORDER BY tidspunkt, haendelse;", case=case)

    def open_deadlines(self, which=None, limit=20):
        """From the journal: (case, subject, code, state, due, unit), those that come next or came last in front."""
        return self.run("SELECT d.case_id, d.subject, d.code, d.state,"
                        " to_char(d.due_at AT TIME ZONE 'Europe/Copenhagen', 'DD.MM.YYYY HH24:MI'), w.unit"
                        " FROM fristd_journal.deadline d JOIN fristd_journal.watched_case w USING (case_id)"
                        " WHERE d.closed_at IS NULL AND :'which' IN ('', d.case_id, w.unit)"
                        " ORDER BY abs(extract(epoch FROM d.due_at - now())) LIMIT :limit;",
                        journal=True, which=which or "", limit=limit)

    def run(self, statements, journal=False, **variables):
        """Runs SQL; the rows of its results. Values are psql variables, never part of the text."""
        argv = (self.journal_psql if journal else self.psql) + ["-q", "-v", "ON_ERROR_STOP=1", "--csv", "-t"]
        for name, value in variables.items():
            argv += ["-v", f"{name}={value}"]
        done = subprocess.run(argv, input=statements, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotReady(f"psql: {done.stderr.strip()}")
        return list(csv.reader(io.StringIO(done.stdout)))


def table(name, columns, rows):
    """COPY … FROM stdin with its rows."""
    lines = ("\t".join("\\N" if value is None else str(value) for value in row) for row in rows)
    return f"COPY fagsystem.{name} ({columns}) FROM stdin;\n" + "".join(line + "\n" for line in lines) + "\\.\n"
