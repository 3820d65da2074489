# SPDX-License-Identifier: MPL-2.0
"""What `fristd evaluate` reads and writes (the rule language, section 7)."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from engine import CALENDARS, FRISTD, case, evaluate, event, rule, run

RULES = rule("r", "{after: 1 month}")
NOW = "2026-03-05T00:00"


def line(found):
    return json.dumps(found, ensure_ascii=False).encode() + b"\n"


GOOD = case(event("start", "2026-03-02T10:00"))


def spoiled(**fields):
    """The good case with its only event changed; None takes the field away."""
    changed = {**GOOD["events"][0], **fields}
    return {**GOOD, "events": [{key: value for key, value in changed.items() if value is not None}]}


class Output(unittest.TestCase):
    def test_keys_in_their_order(self):
        process, _ = run(RULES, line(GOOD), NOW, "--stages")
        self.assertEqual(list(json.loads(process.stdout)),
                         ["case_id", "subject", "rule", "valid_from", "occurrence", "state", "anchor_at", "due_at",
                          "breached_at", "closed_at", "next_stage", "stages", "explanation"])
        process, _ = run(RULES, line(GOOD), NOW, "--no-explain")
        self.assertEqual(json.loads(process.stdout),
                         {"case_id": "S-1", "subject": "U", "rule": "r", "valid_from": "2000-01-01", "occurrence": 1,
                          "state": "open", "anchor_at": "2026-03-02T10:00:00+01:00",
                          "due_at": "2026-04-02T23:59:59+02:00", "breached_at": None, "closed_at": None,
                          "next_stage": None})

    def test_explanation_is_a_list_of_danish_lines(self):
        deadlines, _ = evaluate(rule("r", "{after: 6 working days}", calendar="hverdage", basis="\"§ 138 \\\"x\\\"\""),
                                case(event("start", "2026-03-30T10:00")), "2026-03-30T10:00")
        self.assertEqual(deadlines[0]["explanation"], [
            "Start: »start« man. 30-03-2026 kl. 10.00.",
            "6 dage i kalenderen »hverdage« efter man. 30-03-2026: tir. 31-03, ons. 01-04, lør. 04-04, "
            "tir. 07-04, ons. 08-04, tor. 09-04-2026 (tor. 02-04 Skærtorsdag, fre. 03-04 Langfredag, "
            "søn. 05-04 Påskedag, man. 06-04 2. påskedag tælles ikke).",
            "Frist: udgangen af tor. 09-04-2026.",
            "Hjemmel: § 138 \"x\"."])

    def test_cases_in_their_order_then_rule_subject_occurrence_then_faults(self):
        rules = rule("b", "{after: 1 day}", then="{after: 1 day}") + rule("a", "{same_as: b}")
        one = case(event("stop", "2026-03-01T10:00", "V"), event("start", "2026-03-02T10:00", "V"),
                   event("start", "2026-03-02T10:00", "U"), event("stop", "2026-03-02T11:00", "U"), case_id="S-9")
        two = case(event("start", "2026-03-02T10:00"), case_id="S-1")
        _, written = run(rules, line(one) + line(two), NOW)
        self.assertEqual([(found["case_id"], found["rule"], found["subject"], found.get("occurrence", "fault"))
                          for found in written],
                         [("S-9", "a", "U", 1), ("S-9", "a", "V", 1), ("S-9", "b", "U", 1), ("S-9", "b", "U", 2),
                          ("S-9", "b", "V", 1), ("S-9", "a", "V", "fault"), ("S-9", "b", "V", "fault"),
                          ("S-1", "a", "U", 1), ("S-1", "b", "U", 1)])

    def test_any_letters_survive(self):
        odd = "Æ \"\\ \u0001 \u2028 \U0001f600"
        found = case(event("start", "2026-03-02T10:00", odd), case_id=odd)
        deadlines, _ = evaluate(RULES, found, NOW)
        self.assertEqual((deadlines[0]["case_id"], deadlines[0]["subject"]), (odd, odd))

    def test_from_leaves_out_what_closed_before_that_local_date(self):
        closed = case(event("start", "2026-03-02T10:00"), event("stop", "2026-03-03T23:30"))
        for since, count in (("2026-03-03", 1), ("2026-03-04", 0)):
            deadlines, _ = evaluate(RULES, closed, NOW, "--from", since)
            self.assertEqual(len(deadlines), count, since)
        deadlines, faults = evaluate(RULES, case(event("stop", "2026-03-01T10:00"), event("start", "2026-03-02T10:00")), NOW,
                                     "--from", "2027-01-01")
        self.assertEqual((len(deadlines), len(faults)), (1, 1))

    def test_zone(self):
        deadlines, _ = evaluate(RULES, GOOD, NOW, "--zone", "America/Godthab")
        self.assertEqual(deadlines[0]["due_at"], "2026-04-02T23:59:59-01:00")


class Input(unittest.TestCase):
    def test_forms_of_an_instant(self):
        for text in ("2026-03-02T09:00:00Z", "2026-03-02 10:00", "2026-03-02T10:00:00.999", "2026-03-02T11:00:00+02:00"):
            deadlines, _ = evaluate(RULES, spoiled(occurred_at=text), NOW)
            self.assertEqual(deadlines[0]["anchor_at"], "2026-03-02T10:00:00+01:00", text)

    def test_what_may_be_left_out(self):
        bare = {"case_id": "S-1", "case_type": "", "events": [
            {"event_id": "1", "kind": "start", "occurred_at": "2026-03-02T10:00", "due_on": None, "more": [1]}]}
        deadlines, faults = evaluate(RULES, bare, NOW)
        self.assertEqual(([one["subject"] for one in deadlines], faults), ([""], []))
        self.assertEqual(evaluate(RULES, {**GOOD, "events": []}, NOW), ([], []))

    def test_bad_rows_name_the_field_and_the_run_goes_on(self):
        rows = [
            (b"{", "JSON"), (b"[]", "object"), (b"null", "JSON"), (b"{} {}", "JSON"), (b'{"case_id":"\xff"}', "UTF-8"),
            (b'{"case_id":"a","case_id":"b"}', "twice"), (b'{"case_id":"a\\u0000b"}', "zero"),
            (line({**GOOD, "case_id": 7}), "case_id"), (line({**GOOD, "case_id": ""}), "case_id"),
            (line({**GOOD, "case_id": "x" * 201}), "case_id"),
            (line({key: value for key, value in GOOD.items() if key != "case_id"}), "case_id"),
            (line({key: value for key, value in GOOD.items() if key != "case_type"}), "case_type"),
            (line({**GOOD, "case_type": None}), "case_type"), (line({**GOOD, "unit": 7}), "unit"),
            (line({key: value for key, value in GOOD.items() if key != "events"}), "events"),
            (line({**GOOD, "events": {}}), "events"), (line({**GOOD, "events": [7]}), "event 1"),
            (line(spoiled(event_id=None)), "event_id"), (line(spoiled(event_id=1)), "event_id"),
            (line(spoiled(kind=None)), "kind"), (line(spoiled(subject=1)), "subject"),
            (line(spoiled(occurred_at=None)), "occurred_at"), (line(spoiled(occurred_at="yesterday")), "occurred_at"),
            (line(spoiled(occurred_at="2026-02-30T10:00")), "occurred_at"),
            (line(spoiled(occurred_at=1772442000)), "occurred_at"), (line(spoiled(due_on="2026-13-01")), "due_on"),
            (line(spoiled(due_on="2026-3-1")), "due_on"), (line(spoiled(due_on=20260301)), "due_on"),
        ]
        content = b"".join(row.strip() + b"\n" for row, _ in rows) + b" \t\r\n\n" + line(GOOD)
        process, written = run(RULES, content, NOW)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(len(written), len(rows) + 1)
        for number, ((row, word), found) in enumerate(zip(rows, written), 1):
            with self.subTest(row=row[:80]):
                self.assertEqual(list(found), ["case_id", "fault", "line", "reason"])
                self.assertEqual((found["case_id"], found["fault"], found["line"]), (None, "bad_row", number))
                self.assertIn(word, found["reason"])
        self.assertEqual(written[-1]["state"], "open")
        self.assertEqual(process.stderr.decode(), f"fristd evaluate: {len(rows)} of {len(rows) + 3} lines were no valid case; "
                                                  "see \"bad_row\" in the output\n")

    def test_reason_never_quotes_the_data(self):
        secret = "010203-1234"
        for found in (spoiled(occurred_at=secret), spoiled(due_on=secret), {**GOOD, "case_id": secret * 20}):
            process, _ = run(RULES, line(found), NOW)
            self.assertNotIn(secret.encode(), process.stdout + process.stderr)
        process, _ = run(RULES, b'{"case_id": ' + secret.encode() + b"}", NOW)
        self.assertNotIn(secret.encode(), process.stdout + process.stderr)

    def test_line_numbers_count_blank_lines_and_the_last_line_needs_no_end(self):
        _, written = run(RULES, b"\n\r\n" + line(GOOD) + b"\nx", NOW)
        self.assertEqual([found.get("line") for found in written], [None, 5])

    def test_a_line_beyond_every_measure_is_one_bad_row(self):
        long = b'{"case_id":"' + b"x" * (17 * 1024 * 1024) + b'"}\n'
        process, written = run(RULES, long + line(GOOD), NOW)
        self.assertEqual([found.get("line") for found in written], [1, None])
        self.assertEqual(process.returncode, 1)

    def test_data_faults_do_not_change_the_exit_status(self):
        process, written = run(RULES, line(case(event("stop", "2026-03-01T10:00"), event("start", "2026-03-02T10:00"))), NOW)
        self.assertEqual(process.returncode, 0)
        self.assertEqual([found.get("fault") for found in written], [None, "stop_before_start"])

    def test_answers_before_the_input_ends(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "r.yaml").write_text(CALENDARS + "rules:\n" + RULES, encoding="utf-8")
            with subprocess.Popen([FRISTD, "evaluate", "--rules", folder, "--now", NOW], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) as process:
                for _ in range(3):
                    process.stdin.write(line(GOOD))
                    process.stdin.flush()
                    self.assertEqual(json.loads(process.stdout.readline())["state"], "open")
                process.stdin.close()
                self.assertEqual(process.wait(timeout=60), 0)


class Usage(unittest.TestCase):
    def call(self, *arguments, rules=RULES):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "r.yaml").write_text(CALENDARS + "rules:\n" + rules, encoding="utf-8")
            arguments = [folder if one == "RULES" else one for one in arguments]
            return subprocess.run([FRISTD, "evaluate", *arguments], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=60)

    def test_wrong_usage_is_2_and_says_what(self):
        for arguments, word in ((("--now", NOW), "--rules"), (("--rules", "RULES"), "--now"),
                                (("--rules", "RULES", "--now", "soon"), "--now"),
                                (("--rules", "RULES", "--now", NOW, "--from", "soon"), "--from"),
                                (("--rules", "RULES", "--now", NOW, "--zone", "Nowhere"), "Nowhere"),
                                (("--rules", "RULES", "--now", NOW, "/no/file"), "/no/file"),
                                (("--rules", "RULES", "--now", NOW, "a", "b"), "FILE"),
                                (("--rules", "/no/folder", "--now", NOW), "/no/folder"), (("--wrong",), "--wrong")):
            with self.subTest(arguments):
                process = self.call(*arguments)
                self.assertEqual((process.returncode, process.stdout), (2, ""))
                self.assertIn(word, process.stderr)

    def test_wrong_rules_are_2_with_their_place(self):
        process = self.call("--rules", "RULES", "--now", NOW, rules=rule("r", "{after: 2 hours, roll: forward}"))
        self.assertEqual(process.returncode, 2)
        self.assertRegex(process.stderr, r"r\.yaml:\d+:\d+: .*roll")

    def test_help(self):
        process = self.call("--help")
        self.assertEqual((process.returncode, process.stderr), (0, ""))
        for option in ("--rules", "--now", "--from", "--stages", "--no-explain", "--zone", "FILE"):
            self.assertIn(option, process.stdout)

    def test_reads_a_file(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(line(GOOD))
            file.flush()
            process = self.call("--rules", "RULES", "--now", NOW, file.name)
            self.assertEqual(json.loads(process.stdout)["case_id"], "S-1")


if __name__ == "__main__":
    unittest.main()
