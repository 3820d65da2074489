# SPDX-License-Identifier: MPL-2.0
"""A municipality through the whole of 2026, with holidays and both clock changes: the daemon is started anew at each moment at
which its journal has something to do or something happens in the case system, and every mail that it has sent by the end is
compared with a second calculation (year_reckoning.py): none lost, none doubled, each at its second, to its person, with its
notices; likewise each step that a larger problem muted, and what the operators hear of refused mail.

CASES, SEED choose another municipality; MINUTES=1 spreads its events over the working day, DAYS=1 over every day (the default
gathers them, so that fewer starts are needed)."""

import collections
import datetime
import email.utils
import os
import re
import subprocess
import time
import unittest

import yaml

import year_town
from mail_sink import MailSink, went_at
from stack.postgres import CASES as CASES_DATABASE
from stack.postgres import JOURNAL
from support import FRISTD, SOURCE, StackCase
from year_reckoning import Reckoning

CASES = int(os.environ.get("CASES", 5))
SEED = int(os.environ.get("SEED", 7))
MINUTES = os.environ.get("MINUTES") == "1"
DAYS = int(os.environ.get("DAYS", 28))
NOTICES = {"group_wait": "30 seconds", "hours": year_town.HOURS, "units": year_town.UNIT_HOURS, "mails_per_day": 3,
           "urgent_per_hour": 4, "listed": 10}
DOMAIN = "kommunen.example"
FUNCTIONS = {"caseworker": "sagsbehandler", "team_leader": "teamleder", "department_head": "afdelingsleder",
             "centre_head": "centerchef"}


def shipped_rules(kinds):
    """Those that begin with one of these kinds of event, as one set, each value as text, and what year_town.py has muted."""
    whole = {}
    for path in sorted((SOURCE / "config/rules").glob("*.yaml")):
        for key, value in yaml.load(path.read_text(), Loader=yaml.BaseLoader).items():
            if isinstance(value, str):
                whole[key] = value
            elif isinstance(value, list):
                whole.setdefault(key, []).extend(value)
            else:
                whole.setdefault(key, {}).update(value)
    for rule in whole["rules"]:
        rule.pop("examples", None)
    names = set(kinds)
    for _ in range(3):  # a breach begins others, and whoever shares a date needs the other
        names |= {f"breach:{rule['id']}" for rule in whole["rules"] if names & set(rule["start"])}
    whole["rules"] = [rule for rule in whole["rules"] if f"breach:{rule['id']}" in names]
    for rule in whole["rules"]:
        rule["muted_by"] = [larger for larger in rule.get("muted_by", []) + year_town.MUTED_BY.get(rule["id"], [])
                            if f"breach:{larger.removeprefix('case:')}" in names]
    return whole


def shipped_reports(weeks):
    """Those of year_town.py, every so many weeks."""
    reports = {report["name"]: report for report in yaml.safe_load((SOURCE / "config/reports.yaml").read_text())["reports"]}
    for name, *_ in year_town.REPORTS:
        reports[name]["when"] += f";INTERVAL={weeks}"
    return {"reports": [reports[name] for name, *_ in year_town.REPORTS]}


class Session:
    """One psql for thousands of small questions."""

    def __init__(self, stack, database):
        self.process = subprocess.Popen(stack.postgres.psql(database=database) + ["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        stack.on_close(self.close)

    def ask(self, statements):
        """The lines of the answer, once all is done."""
        self.process.stdin.write(f"{statements};\n\\echo done\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline()) != "done\n":
            if not line:
                raise AssertionError("psql has ended")
            lines.append(line.rstrip("\n"))
        return lines

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


# Has every case looked at, instead of at some time until the next night.
TOUCH = "UPDATE fagsystem.sag SET titel = titel;"


def quoted(text):
    return "NULL" if text is None else "'" + str(text).replace("'", "''") + "'"


class Year(StackCase):
    CHECKS_MESSAGES = False  # nothing is published

    def setUp(self):
        super().setUp()
        self.town = year_town.Maker(CASES, SEED, MINUTES, DAYS).town()
        self.spec = shipped_rules({kind for case in self.town.cases for _, kind, *_ in case.events})
        self.stack.rules = self.stack.path / "rules"
        self.stack.rules.mkdir()
        (self.stack.rules / "rules.yaml").write_text(yaml.safe_dump(self.spec, allow_unicode=True, width=10000))
        self.stack.postgres.start()
        self.sink = MailSink(self.stack)
        for name in ("example", "contract", "role"):
            self.stack.postgres.file(SOURCE / f"config/sql/{name}.sql")
        self.cases, self.agendas = Session(self.stack, CASES_DATABASE), Session(self.stack, JOURNAL)
        self.stack.mail.port = self.stack.broker.port = 1  # neither is started
        self.daemon = self.stack.daemon(FRISTD, log={"level": "warning"}, mqtt={"enabled": False}, notices=NOTICES,
                                        mail=self.sink.settings(), casedb={"reconcile_at": "03:30"},
                                        reports="config/reports.yaml")
        (self.daemon.config / "reports.yaml").write_text(yaml.safe_dump(shipped_reports(self.town.weeks), allow_unicode=True))
        self.daemon.write_settings()

    # --- the walk

    def sql(self, statements):
        self.cases.ask(f"BEGIN; {' '.join(statements)} COMMIT")

    def journal(self, statement):
        return self.stack.postgres.sql(f"SET search_path = fristd_journal; {statement}", database=JOURNAL)

    def fill(self):
        town = self.town
        self.sql([f"INSERT INTO fagsystem.enhed VALUES ('{unit}', '{unit}', {quoted(parent or None)});"
                  for unit, parent in year_town.UNITS]
                 + [f"INSERT INTO fagsystem.medarbejder VALUES ('{person.id}', '{person.id}', '{person.id}@{DOMAIN}');"
                    f"INSERT INTO fagsystem.funktion VALUES ('{person.id}', '{person.unit}', '{FUNCTIONS[person.role]}');"
                    for person in town.people]
                 + [f"INSERT INTO fagsystem.sag VALUES ('{case.id}', '{case.type}', '{case.unit}', '{case.caseworker}', '');"
                    for case in town.cases])

    refused = frozenset()

    def act(self, act):
        words, at = act.words, quoted(act.at.isoformat())
        if act.what in year_town.AMONG_PEOPLE:
            self.sql([TOUCH])
        if act.what == "away":
            self.sql([f"INSERT INTO fagsystem.fravaer VALUES ('{words['who']}', '2000-01-01', NULL, {quoted(words['substitute'] or None)});"])
        elif act.what == "back":
            self.sql([f"DELETE FROM fagsystem.fravaer WHERE medarbejder = '{words['who']}';"])
        elif act.what == "handed_over":
            self.sql([f"UPDATE fagsystem.sag SET sagsbehandler = '{words['to']}' WHERE sagsbehandler = '{words['who']}';"])
        elif act.what == "left":
            self.sql([f"DELETE FROM fagsystem.funktion WHERE medarbejder = '{words['who']}';",
                      f"DELETE FROM fagsystem.medarbejder WHERE medarbejder = '{words['who']}';"])
        elif act.what in ("refused", "taken"):
            self.refused ^= {f"{words['who']}@{DOMAIN}"}
            self.sink.refuse(self.refused)
        elif act.what == "acknowledge":
            self.journal(f"SELECT acknowledge('{words['case']}', {quoted(words['until'].isoformat())}, '{words['by']}', 'in_progress', at => {at})")
        elif act.what == "silence":
            self.journal(f"SELECT silence(NULL, '{words['unit']}', NULL, {quoted(words['from'].isoformat())},"
                         f" {quoted(words['until'].isoformat())}, '{words['by']}', 'agreed_plan', at => {at})")

    def walk(self):
        """Returns the number of starts."""
        happenings = collections.defaultdict(list)
        for case in self.town.cases:
            for at, kind, subject, due_on in case.events:
                happenings[max(at, year_town.BEGIN)].append(
                    "INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt, frist) VALUES"
                    f" ('{case.id}', '{kind}', '{subject}', {quoted(at.isoformat())}, {quoted(due_on)});")
        acts = collections.defaultdict(list)
        for act in self.town.acts:
            acts[act.at].append(act)
        to_come = sorted(set(happenings) | set(acts))
        now, starts = year_town.BEGIN, 0
        while now < year_town.END:
            for act in acts[now]:
                self.act(act)
            if happenings[now]:
                self.sql(happenings[now])
            done = self.daemon.command("run", "--once", "--at", now.astimezone(datetime.timezone.utc).isoformat(), timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            starts += 1
            while to_come and to_come[0] <= now:
                to_come.pop(0)
            if self.is_doubtful(now):
                self.sql([TOUCH])
                to_come = sorted({*to_come, now + datetime.timedelta(seconds=1)})
            coming = self.agenda(now) + to_come[:1]
            if not coming:
                break
            now = min(coming)
        return starts

    def is_doubtful(self, now):
        """Something is muted, and somebody's mail was refused just now: whether all still know shows at the next look."""
        return self.agendas.ask("SELECT EXISTS (SELECT FROM fristd_journal.muted_step WHERE over_at IS NULL) AND EXISTS (SELECT FROM"
                                f" fristd_journal.refused_address WHERE last_refused_at = {quoted(now.isoformat())})") == ["t"]

    def agenda(self, now):
        """What the journal wants looked at, mailed or reported next."""
        wake, = self.agendas.ask(
            "SET search_path = fristd_journal; SELECT extract(epoch FROM least((SELECT min(wake_at) FROM watched_case), (SELECT min(may_go_at) FROM notice), (SELECT min(next_attempt_at) FROM outbox),"
            " (SELECT min(look_at) FROM acknowledged_deadline), (SELECT min(look_at) FROM silence),"
            " (SELECT min(due_at) FROM report_run WHERE state = 'waiting')))::bigint")
        if wake == "":
            return []
        wake = datetime.datetime.fromtimestamp(int(wake), year_town.ZONE)
        self.assertGreater(wake.timestamp(), now.timestamp(), "what was due is done")
        return [wake]

    # --- what came of it

    def told(self):
        """Each mail as (second, person, items), by the journal's notices."""
        rows = self.journal(
            "SELECT n.carried_by, extract(epoch FROM n.formed_at)::bigint, n.person_id, n.purpose,"
            " coalesce(t.case_id, ''), coalesce(t.rule, ''), coalesce(t.subject, ''), coalesce(t.occurrence, 0),"
            " coalesce(extract(epoch FROM n.stage_at)::bigint::text, t.kind, split_part(CASE n.purpose WHEN 'report' THEN"
            " substr(n.facts, 8) ELSE split_part(n.facts, E'\\n', 2) END, E'\\t', 1))"
            " FROM notice n LEFT JOIN transition t ON t.number = n.transition_number"
            " WHERE n.state = 'sent' AND n.person_id <> '' AND n.purpose <> 'backlog'")
        mails = {}
        for carrier, at, person, purpose, case, rule, subject, occurrence, detail in rows:
            what = "silence" if purpose == "operator" else purpose
            detail = int(detail) if what == "stage" else detail.removeprefix("silence_")
            mails.setdefault(carrier, (int(at), person, []))[2].append((what, case, rule, subject, int(occurrence), detail))
        return [(at, person, tuple(sorted(items))) for at, person, items in mails.values()]

    def muted(self):
        """Each step that was muted as (deadline, when the step was, when it was muted)."""
        rows = self.journal("SELECT m.case_id, rule, subject, occurrence, extract(epoch FROM step_at)::bigint,"
                            " extract(epoch FROM muted_at)::bigint FROM muted_step m JOIN deadline d ON d.id = m.deadline_id")
        return collections.Counter((case, rule, subject, int(occurrence), int(step), int(at))
                                   for case, rule, subject, occurrence, step, at in rows)

    def operators_heard(self):
        """How often of mail that did not reach somebody."""
        rows = self.journal("SELECT split_part(line, E'\\t', 1), count(*) FROM notice, regexp_split_to_table(facts, E'\\n') AS line"
                            " WHERE purpose = 'operator' AND person_id = '' GROUP BY 1")
        return collections.Counter({kind: int(count) for kind, count in rows
                                    if kind in ("notice_given_up", "report_not_sent", "address_refused")})

    def test_year(self):
        began = time.monotonic()
        reckoning = Reckoning(self.spec, self.town, 30, NOTICES["mails_per_day"], NOTICES["urgent_per_hour"])
        expected = reckoning.run()
        calculated = time.monotonic() - began
        self.fill()
        began = time.monotonic()
        starts = self.walk()
        walked = time.monotonic() - began
        self.compare(collections.Counter((mail.at, mail.person, mail.items) for mail in expected), collections.Counter(self.told()))
        self.compare(reckoning.muted_steps, self.muted())
        self.assertEqual(self.operators_heard(), reckoning.operators)
        self.assertEqual(self.journal("SELECT id FROM unfinished_notice WHERE coalesce(may_go_at, formed_at) < '2027-01-01'"), [])
        self.compare_with_received()
        self.say(expected, reckoning)
        events = sum(len(case.events) for case in self.town.cases)
        print(f"{len(self.town.cases)} cases, {len(self.town.people)} people, {events} events: {starts} starts of the daemon in"
              f" {walked:.0f} s; calculated in {calculated:.0f} s")

    def compare(self, expected, found):
        def lines(mails):
            return [f"{datetime.datetime.fromtimestamp(mail[0], year_town.ZONE) if isinstance(mail[0], int) else ''} {mail}"
                    for mail in sorted(mails)[:8]]
        if expected != found:
            only, more = expected - found, found - expected
            self.fail("\n".join([f"of {sum(expected.values())} mails", f"-- calculated alone ({sum(only.values())}):", *lines(only),
                                 f"-- sent alone ({sum(more.values())}):", *lines(more)]))

    def compare_with_received(self):
        """The mail server got what the journal says was sent, each mail once, at that time and to that person."""
        addresses = {"data_quality": "datakvalitet", "operator": "drift"}
        sent = self.journal("SELECT c.message_key, c.person_id, c.purpose, extract(epoch FROM c.formed_at)::bigint FROM notice c"
                            " WHERE EXISTS (SELECT FROM notice n WHERE n.carried_by = c.id AND n.state = 'sent')")
        received = collections.Counter((re.search(r"[0-9a-f]{32}", str(mail["Message-ID"])).group(),
                                        email.utils.parseaddr(str(mail["To"]))[1], int(went_at(mail).timestamp()))
                                       for mail in self.sink.mails())
        self.assertEqual(received, collections.Counter((key, f"{person or addresses[purpose]}@{DOMAIN}", int(at))
                                                       for key, person, purpose, at in sent))
        self.assertEqual(set(received.values()), {1})

    def say(self, mails, reckoning):
        kinds = collections.Counter(mail.kind for mail in mails)
        items = collections.Counter(item[0] for mail in mails for item in mail.items)
        days = collections.Counter((mail.person, datetime.datetime.fromtimestamp(mail.at, year_town.ZONE).date()) for mail in mails)
        by_role = collections.defaultdict(list)
        for person in self.town.people:
            by_role[person.role].append(person.id)
        print(f"{len(mails)} mails with {items['stage']} steps and {items['follow_up']} words on what became of a deadline:"
              f" {kinds['urgent']} urgent, {kinds['notices']} others, {kinds['silence']} on silences,"
              f" {kinds['report']} reports;"
              f" the largest tells {max(len(mail.items) for mail in mails)}")
        refused = collections.Counter(person for _, person in reckoning.refusals)
        print(f"{len(reckoning.muted_steps)} steps muted by a larger problem, {reckoning.told_afterwards} of them told afterwards;"
              f" {sum(refused.values())} mails refused:"
              f" {', '.join(f'{person} {count}' for person, count in sorted(refused.items()))}")
        for role, people in by_role.items():
            counts = [days[person, day] for person, day in days if person in people]
            print(f"{role}: {sum(counts) / len(people) / 365:.2f} mails a day and person, at most {max(counts, default=0)} on one day")
        unhurried = collections.Counter((mail.person, datetime.datetime.fromtimestamp(mail.at, year_town.ZONE).date())
                                        for mail in mails if mail.kind == "notices")
        self.assertGreater(kinds["urgent"], 3)
        self.assertGreater(items["follow_up"], 50)
        self.assertLessEqual(max(unhurried.values()), NOTICES["mails_per_day"])


if __name__ == "__main__":
    unittest.main()
