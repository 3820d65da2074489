# SPDX-License-Identifier: MPL-2.0
"""Very many deadlines overdue at once end as one mail a person, inside the mails a minute, in little memory: at a first run, and
after a week out of service. FLOOD says how many (the design speaks of 100000)."""

import collections
import email.utils
import os
import re
import signal
import subprocess
import time
import unittest

from mail_sink import MailSink
from stack.postgres import JOURNAL
from support import FRISTD, SOURCE, StackCase

FLOOD = int(os.environ.get("FLOOD", 3000))
A_MINUTE = 30
TEAMS, WORKERS = 2, 2  # few, since a mail takes two seconds
DOMAIN = "kommunen.example"
# Sanitizers want several times as much as they watch.
MEMORY_MIB = 512 if b"__asan_init" in FRISTD.read_bytes() else 64


class Flood(StackCase):
    CHECKS_MESSAGES = False  # nothing is published

    def setUp(self):
        super().setUp()
        self.stack.postgres.start()
        self.sink = MailSink(self.stack)
        for name in ("example", "contract", "role"):
            self.stack.postgres.file(SOURCE / f"config/sql/{name}.sql")
        self.stack.postgres.sql(f"""BEGIN;
            INSERT INTO fagsystem.enhed VALUES ('center', '', NULL), ('familie', '', 'center');
            INSERT INTO fagsystem.enhed SELECT 'team' || t, '', 'familie' FROM generate_series(1, {TEAMS}) t;
            INSERT INTO fagsystem.medarbejder SELECT id, '', id || '@{DOMAIN}' FROM (
                SELECT 'cc' UNION SELECT 'al' UNION SELECT 'tl' || t FROM generate_series(1, {TEAMS}) t
                UNION SELECT 'sb' || t || '-' || n FROM generate_series(1, {TEAMS}) t, generate_series(1, {WORKERS}) n) AS p (id);
            INSERT INTO fagsystem.funktion SELECT medarbejder, CASE left(medarbejder, 2) WHEN 'cc' THEN 'center' WHEN 'al' THEN 'familie'
                ELSE 'team' || substr(medarbejder, 3, 1) END, CASE left(medarbejder, 2) WHEN 'cc' THEN 'centerchef'
                WHEN 'al' THEN 'afdelingsleder' WHEN 'tl' THEN 'teamleder' ELSE 'sagsbehandler' END FROM fagsystem.medarbejder;
            COMMIT""")
        self.stack.mail.port = self.stack.broker.port = 1  # neither is started
        self.daemon = self.stack.daemon(
            FRISTD, log={"level": "notice"}, mqtt={"enabled": False}, mail=self.sink.settings() | {"messages_per_minute": A_MINUTE},
            casedb={"poll_interval": "200 milliseconds"},  # to gather a mail of very many takes longer
            notices={"group_wait": "30 seconds", "hours": "mo-fr 08:00-16:00", "mails_per_day": 10, "urgent_per_hour": 10})
        self.daemon.write_settings()

    def cases(self, kind, at):
        """As many cases, each with one event."""
        self.stack.postgres.sql(f"""BEGIN;
            INSERT INTO fagsystem.sag SELECT 'F-' || i, 'barn', 'team' || 1 + i % {TEAMS}, 'sb' || 1 + i % {TEAMS} || '-'
                || 1 + i / {TEAMS} % {WORKERS} FROM generate_series(1, {FLOOD}) i;
            INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt) SELECT 'F-' || i, '{kind}', 'E', '{at}'::timestamptz
                + i % 3600 * interval '1 second' FROM generate_series(1, {FLOOD}) i; COMMIT; ANALYZE""")

    def run_at(self, at):
        """Returns the seconds that it took and the most memory that it had, in MiB."""
        began = time.monotonic()
        command = self.daemon.account.command([self.daemon.binary, "run", "--once", "--at", at, "--config",
                                               self.daemon.path / "fristd.yaml"], signal.SIGKILL)
        with open(self.stack.logs / "run.log", "a", encoding="utf-8") as log:
            process = subprocess.Popen(command, stderr=log, cwd="/", env=self.daemon.environment())
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return time.monotonic() - began, usage.ru_maxrss / 1024

    def journal(self, statement):
        return self.stack.postgres.sql(f"SET search_path = fristd_journal; {statement}", database=JOURNAL)

    def check(self, what, runs, people, subject):
        """One mail to each of these, none to others but the operators, and never more a minute than allowed."""
        mails = self.sink.mails()
        to = collections.Counter(email.utils.parseaddr(str(mail["To"]))[1].split("@")[0] for mail in mails)
        del to["drift"], to["datakvalitet"]
        self.assertEqual(to, collections.Counter(people))
        if subject:
            for mail in mails:
                self.assertRegex(str(mail["Subject"]), subject)
        arrived = sorted(path.stat().st_mtime for path in self.sink.path.glob("*.eml"))
        most = max(sum(first <= at < first + 60 for at in arrived) for first in arrived)
        self.assertLessEqual(most, A_MINUTE)
        memory = max(memory for _, memory in runs)
        self.assertLess(memory, MEMORY_MIB)
        print(f"{what}: {FLOOD} deadlines overdue, {len(mails)} mails, one a person, at most {most} in a minute; the largest has"
              f" {max(path.stat().st_size for path in self.sink.path.glob('*.eml'))} bytes;"
              f" {' + '.join(f'{seconds:.1f}' for seconds, _ in runs)} s, {memory:.0f} MiB")

    def told(self):
        leaders = ["al"] + [f"tl{team}" for team in range(1, TEAMS + 1)]
        return leaders + [f"sb{team}-{number}" for team in range(1, TEAMS + 1) for number in range(1, WORKERS + 1)]

    def test_first_run(self):
        self.cases("bfu.opmaerksom", "2025-09-01 08:00+02")
        runs = [self.run_at("2026-02-20T09:00")]
        rows = self.journal("SELECT count(*) FILTER (WHERE purpose <> 'backlog'), count(DISTINCT person_id) FROM notice WHERE person_id <> ''")
        self.assertEqual(rows[0][0], "0")
        people = [row[0] for row in self.journal("SELECT DISTINCT person_id FROM notice WHERE purpose = 'backlog'")]
        self.assertGreaterEqual(set(people), {"cc", "al"} | {f"tl{team}" for team in range(1, TEAMS + 1)})
        self.check("a first run", runs, people, "^Status på (dine )?frister")

    def test_a_week_out_of_service(self):
        """The assessments of a day ran out while nobody watched: their breach is told, late."""
        self.run_at("2026-02-20T09:00")
        self.cases("bfu.opmaerksom", "2025-10-24 08:00+02")
        runs = [self.run_at(f"2026-02-27T09:00:{second}") for second in ("00", "30")]
        self.check("after a week", runs, self.told(), r"\d+ lovbestemte frister overskredet")
        self.assert_each_was_told(3)

    def test_urgent_ones(self):
        """They wait five minutes for each other, since there are so many."""
        self.run_at("2026-02-20T09:00")
        self.cases("underretning.modtaget", "2026-02-25 20:00+01")
        runs = [self.run_at(f"2026-02-26T22:0{minute}:00") for minute in (0, 5)]
        self.check("urgent ones", runs, self.told(), r"\d+ lovbestemte frister overskredet")
        self.assert_each_was_told(3)

    def assert_each_was_told(self, people):
        rows = self.journal("SELECT count(*), count(DISTINCT case_id) FROM notice WHERE purpose = 'stage' AND state = 'sent'")
        self.assertEqual(rows, [[str(people * FLOOD), str(FLOOD)]])
        self.assertEqual(self.journal("SELECT id FROM unfinished_notice WHERE coalesce(may_go_at, formed_at) < '2026-02-27 10:00'"), [])
        self.assertEqual(re.findall("ERROR|error=", (self.stack.logs / "run.log").read_text()), [])


if __name__ == "__main__":
    unittest.main()
