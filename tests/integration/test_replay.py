# SPDX-License-Identifier: MPL-2.0
"""`fristd replay`: two made-up years give the messages that the daemon writes down when it walks through them, and the
comparison of two sets of rules is that of two replays."""

import collections
import datetime
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from support import FRISTD, SOURCE, StackCase

sys.path.insert(0, str(SOURCE / "contrib/demo"))

import municipality
from casesystem import CaseSystem
from stack.postgres import JOURNAL, OWNER

RULES = SOURCE / "config/rules"
NOW = datetime.datetime(2026, 11, 1, 12, tzinfo=municipality.ZONE)
FROM, TO = "2024-11-01", "2026-10-31"


def lines_of(town):
    """The cases as lines of `fristd evaluate`, and the people and units as lines."""
    events = collections.defaultdict(list)
    for number, event in enumerate(town.events, 1):  # as the example's tables number them
        events[event.case].append({"event_id": str(number), "subject": event.subject, "kind": event.kind,
                                   "occurred_at": event.at.isoformat(), "due_on": event.due_on})
    cases = [{"case_id": case.id, "case_type": case.type, "unit": case.unit, "caseworker": case.caseworker,
              "events": events[case.id]} for case in town.cases]
    people = [{"unit": unit, "parent": parent} for unit, parent in town.units]
    people += [{"person_id": person.id, "unit": person.unit, "role": person.role, "away_from": person.away_from,
                "away_until": person.away_until, "substitute": person.substitute} for person in town.people]
    return [[json.dumps(line, default=str) for line in lines] for lines in (cases, people)]


def small_town(count):
    """The busiest cases of a made-up municipality; whoever is away is so for good, which does not depend on today."""
    town = municipality.make(NOW, seed=2)
    events = collections.Counter(event.case for event in town.events if event.at.date().isoformat() >= FROM)
    chosen = {case for case, _ in events.most_common(count)}
    town.cases = [case for case in town.cases if case.id in chosen]
    town.events = [event for event in town.events if event.case in chosen]
    for person in town.people:
        person.away_until = None
    return town


def message_key(line):
    return tuple(line[name] for name in ("day", "rule", "case_id", "subject", "occurrence", "happening", "person_id"))


class Files(unittest.TestCase):
    """Cases and people from files; nothing else runs."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = Path(cls.folder.name)
        cls.cases, cls.people = lines_of(municipality.make(NOW, seed=1))
        cls.write("cases.jsonl", cls.cases)
        cls.write("people.jsonl", cls.people)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def write(cls, name, lines):
        (cls.path / name).write_text("".join(line + "\n" for line in lines))

    def replay(self, *options, status=0, cases="cases.jsonl", input=None):
        done = subprocess.run([FRISTD, "replay", "--rules", RULES, "--cases", cases, "--people", "people.jsonl",
                               "--from", FROM, "--to", TO, *options], cwd=self.path, capture_output=True, text=True,
                              input=input, timeout=120, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def lines(self, *options, **more):
        """What stands before the sums, and the sums."""
        *lines, sums = map(json.loads, self.replay("--json", *options, **more).stdout.splitlines())
        self.assertEqual(sums["what"], "sums")
        return lines, sums

    def other_rules(self):
        """Saturday is no hverdag, the assessment of a child takes a week less and one rule is gone."""
        other = self.path / "other"
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(RULES, other)
        for name, old, new in (("calendars.yaml", "hverdage: {weekdays: [mo, tu, we, th, fr, sa]",
                                "hverdage: {weekdays: [mo, tu, we, th, fr]"),
                               ("c-planer.yaml", "due: {after: 3 months}", "due: {after: 80 days}")):
            text = (other / name).read_text()
            self.assertIn(old, text)
            (other / name).write_text(text.replace(old, new))
        return other

    def test_sums_are_those_of_the_lines(self):
        begun = time.monotonic()
        lines, sums = self.lines()
        print(f"two years of {sums['cases']} cases: {sums['messages']} messages in {time.monotonic() - begun:.2f} s")
        told = [line for line in lines if line["what"] in ("message", "backlog")]
        self.assertGreater(len(told), 8000)
        self.assertEqual(sums["messages"], len(told))
        self.assertEqual(sums["cases"], len(self.cases))
        self.assertEqual([line["day"] for line in lines], sorted(line["day"] for line in lines))
        self.assertTrue(all(FROM <= line["day"] <= TO and line["at"][:10] == line["day"] for line in lines))
        for table, key in (("by_rule", lambda line: line.get("rule", "")),
                           ("by_person", lambda line: (line["person_id"], line["role"])),
                           ("by_month", lambda line: line["day"][:7])):
            expected = collections.Counter(map(key, told))
            rows = {(row.get("rule") if table == "by_rule" else row.get("month") if table == "by_month"
                     else (row["person_id"], row["role"])): row for row in sums[table]}
            self.assertEqual({name: row["messages"] for name, row in rows.items()}, dict(expected))
            days = collections.defaultdict(collections.Counter)
            for line in told:
                days[key(line)][line["day"]] += 1
            self.assertEqual({name: (row["days"], row["most_on_one_day"]) for name, row in rows.items()},
                             {name: (len(of), max(of.values())) for name, of in days.items()})
            for row in rows.values():
                self.assertEqual(row["before"] + row["at_due"] + row["after"] + row["backlog"], row["messages"])

    def test_order_of_cases_does_not_matter(self):
        straight = self.replay("--language", "en").stdout
        shuffled = random.Random(1).sample(self.cases, len(self.cases))
        self.assertEqual(self.replay("--language", "en", cases="-", input="\n".join(shuffled)).stdout, straight)
        self.assertIn("\nFriday 1 November 2024\n  Backlog report at the start\n", straight)
        danish = self.replay().stdout
        self.assertEqual(len(danish.splitlines()), len(straight.splitlines()))
        self.assertIn("\nfredag den 1. november 2024\n  Status på frister ved start\n", danish)
        self.assertNotIn("@", straight + danish)
        sums = self.replay("--sums").stdout
        self.assertTrue(danish.endswith(sums.split("\n", 1)[1]), sums)

    def test_bad_lines_are_counted(self):
        lines, sums = self.lines()
        broken = ["{", *self.cases[:100], '{"case_id": "S-1", "case_type": "barn"}', "", *self.cases[100:]]
        self.write("broken.jsonl", broken)
        found, broken_sums = self.lines(cases="broken.jsonl", status=1)
        faults = [line for line in found if line["what"] == "fault"]
        self.assertEqual([(fault["line"], fault["reason"]) for fault in faults],
                         [(1, "is not valid JSON, at byte 1"), (102, "events: is missing")])
        self.assertEqual([line for line in found if line["what"] != "fault"], lines)
        self.assertEqual(broken_sums, sums | {"unreadable": 2})
        self.assertIn("broken.jsonl:102: events: is missing", self.replay(cases="broken.jsonl", status=1).stderr)

    def test_against_is_the_difference_of_two_replays(self):
        other = self.other_rules()
        found, sums = self.lines("--against", other, status=1)
        (before, _), (after, _) = self.lines(), self.lines("--rules", other)
        keys = [collections.Counter(message_key(line) for line in lines if line["what"] == "message")
                for lines in (before, after)]
        changes = {change: collections.Counter(message_key(line) for line in found if line.get("change") == change
                                               and line["what"] == "message") for change in ("fewer", "more")}
        self.assertEqual(changes["fewer"], keys[0] - keys[1])
        self.assertEqual(changes["more"], keys[1] - keys[0])
        self.assertGreater(min(sum(changes["fewer"].values()), sum(changes["more"].values())), 100)
        self.assertEqual((sums["messages"], sums["messages_against"]),
                         tuple(sum(line["what"] != "unreached" for line in lines) for lines in (before, after)))

        # The deadlines: those of `evaluate` at the end.
        due = [self.evaluate(rules) for rules in (RULES, other)]
        expected = {key: (due[0].get(key), due[1].get(key)) for key in due[0].keys() | due[1].keys()
                    if due[0].get(key) != due[1].get(key)}
        differences = [line for line in found if line["what"] == "deadline"]
        self.assertEqual({tuple(line[name] for name in ("case_id", "rule", "subject", "occurrence")):
                          ((line["old_due_at"], line["old_state"]) if line["old_state"] else None,
                           (line["new_due_at"], line["new_state"]) if line["new_state"] else None)
                          for line in differences}, expected)
        kinds = collections.Counter((line["rule"], line["change"]) for line in differences)
        self.assertGreater(kinds["underretning.kvittering", "moved"], 50)
        self.assertEqual(sums["differences"], len(differences))
        text = self.replay("--against", other, "--language", "en", status=1).stdout
        self.assertIn(f"Deadlines: {sum(n for (_, change), n in kinds.items() if change == 'moved')} moved, ", text)

        self.assertEqual(self.lines("--against", RULES)[0], [])

    def evaluate(self, rules):
        done = subprocess.run([FRISTD, "evaluate", "--rules", rules, "--now", f"{TO}T23:59:59", "--from", FROM, "--no-explain",
                               "cases.jsonl"], cwd=self.path, capture_output=True, text=True, timeout=120, check=True)
        lines = map(json.loads, done.stdout.splitlines())
        return {(line["case_id"], line["rule"], line["subject"], line["occurrence"]): (line["due_at"], line["state"])
                for line in lines if "fault" not in line}

    def test_wrong_usage(self):
        for options, said in ((("--to", "2024-10-31"), "is before --from"), (("--from", "2024-13-01"), "must be a date"),
                              (("--language", "de"), "is da or en"), (("--against", "/nonexistent"), "cannot be opened"),
                              (("--people", "/nonexistent"), "cannot open /nonexistent"), (("extra",), "extra")):
            self.assertIn(said, self.replay(*options, status=2).stderr)
        done = subprocess.run([FRISTD, "replay", "--from", FROM, "--to", TO, "--rules", RULES, "--cases", "-"],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr.splitlines()[0]),
                         (2, "fristd replay: --cases needs --people beside it"))


class Daemon(StackCase):
    """The same small municipality in the case database."""

    def setUp(self):
        super().setUp()
        self.stack.rules = RULES
        self.stack.start()
        self.stack.postgres.install_case_system()
        self.stack.mail.add("drift", "datakvalitet")
        self.daemon = self.stack.daemon(FRISTD, log={"level": "warning"}, mqtt={"enabled": False})
        self.daemon.write_settings()

    def load(self, town):
        CaseSystem(self.stack.postgres.psql(OWNER), []).load(town)
        self.stack.mail.add(*sorted({person.id for person in town.people}))

    def journal(self, statement):
        return self.stack.postgres.sql(f"SET search_path = fristd_journal; SET timezone = 'Europe/Copenhagen'; {statement}",
                                       database=JOURNAL)

    def replay(self):
        done = self.daemon.command("replay", "--from", FROM, "--to", TO, "--json", timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("@", done.stdout)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_daemon_tells_the_same(self):
        town = small_town(2)
        self.load(town)
        lines = self.replay()

        # The daemon walks through the years: started anew at each moment at which it wants to look again.
        at, end = datetime.datetime.fromisoformat(FROM), datetime.datetime.fromisoformat(TO) + datetime.timedelta(1)
        at, end, starts = at.replace(tzinfo=municipality.ZONE), end.replace(tzinfo=municipality.ZONE), 0
        while at < end:
            done = self.daemon.command("run", "--once", "--at", at.isoformat(), timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            starts += 1
            woken = self.journal("SELECT extract(epoch FROM min(wake_at))::bigint FROM watched_case")[0][0]
            if woken is None:
                break
            next_at = datetime.datetime.fromtimestamp(int(woken), municipality.ZONE)
            self.assertGreater(next_at, at)
            at = next_at

        told = self.journal(
            "SELECT to_char(n.decided_at, 'YYYY-MM-DD\"T\"HH24:MI:SS'), n.purpose, t.rule, n.case_id, t.subject, t.occurrence,"
            " t.kind, n.person_id, n.role, n.instead_of FROM notice n LEFT JOIN transition t ON t.number = n.transition_number"
            " WHERE n.purpose IN ('stage', 'backlog')")
        expected = collections.Counter(tuple(row) for row in told)
        found = collections.Counter(
            (line["at"][:19], "stage" if line["what"] == "message" else line["what"], line.get("rule"),
             line.get("case_id", ""), line.get("subject"), str(line["occurrence"]) if "occurrence" in line else None,
             line.get("happening"), line["person_id"], line["role"], line["instead_of"])
            for line in lines if line["what"] in ("message", "backlog"))
        self.assertEqual(found - expected, collections.Counter(), "told by the replay alone")
        self.assertEqual(expected - found, collections.Counter(), "told by the daemon alone")
        stages = [row for row in told if row[1] == "stage"]
        self.assertGreater(len(stages), 100)
        self.assertTrue(any(row[9] for row in stages), "somebody stands in for somebody")
        print(f"{starts} starts of the daemon, {len(stages)} messages: the same in the replay")

    def test_database_and_files_say_the_same(self):
        town = small_town(60)
        self.load(town)
        from_database = self.replay()
        cases, people = lines_of(town)
        for name, content in (("cases.jsonl", cases), ("people.jsonl", people)):
            self.stack.account.write(self.daemon.path / name, "\n".join(content) + "\n")
        done = self.daemon.command("replay", "--from", FROM, "--to", TO, "--json", "--cases", self.daemon.path / "cases.jsonl",
                                   "--people", self.daemon.path / "people.jsonl", timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([json.loads(line) for line in done.stdout.splitlines()], from_database)

        # What cannot be read is said, and the others go on.
        self.stack.postgres.sql("ALTER TABLE fagsystem.haendelse DROP CONSTRAINT haendelse_sagsnr_fkey;"
                                "INSERT INTO fagsystem.haendelse (sagsnr, emne, art, tidspunkt)"
                                " VALUES ('S-404', '', 'sag.lukket', '2026-01-01')")
        done = self.daemon.command("replay", "--from", FROM, "--to", TO, "--json", timeout=120)
        self.assertEqual(done.returncode, 1, done.stderr)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(line["fault"], line["case_id"]) for line in found if line["what"] == "fault"],
                         [("unknown_case", "S-404")])
        self.assertEqual([line for line in found if line["what"] != "fault"][:-1], from_database[:-1])
        self.assertEqual(self.journal("SELECT to_regnamespace('fristd_journal')"), [[None]], "no journal was made")


if __name__ == "__main__":
    unittest.main()
