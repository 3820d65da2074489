# SPDX-License-Identifier: MPL-2.0
"""The rule language sentence by sentence, through `fristd evaluate`.

Events are written "kind time [subject [due_on]]"; subject U where none is given, "-" for the case as a whole.
Expected deadlines are written "rule[/subject]#number state [field=value ...]"; instants in local time, cut to what
is given; a field that is not named is not looked at. Expected faults: "fault [rule [subject [event]]]".
"""

import unittest

from engine import case, evaluate, event, rule

SHORT = {"anchor": "anchor_at", "due": "due_at", "breached": "breached_at", "closed": "closed_at",
         "next": "next_stage", "from": "valid_from"}


def events(*texts):
    found = []
    for text in texts:
        kind, at, subject, due_on = (text.split() + [None] * 3)[:4]
        found.append(event(kind, at, "" if subject == "-" else subject or "U", due_on))
    return found


def fits(written, text):
    head, state, *fields = text.split()
    head, number = head.split("#")
    name, _, subject = head.partition("/")
    if (written["rule"], written["occurrence"], written["state"]) != (name, int(number), state):
        return False
    if subject and written["subject"] != ("" if subject == "-" else subject):
        return False
    for field in fields:
        key, _, value = field.partition("=")
        got = written[SHORT[key]]
        if (got is None) != (value == "null") or (got is not None and not got.startswith(value)):
            return False
    return True


def shown(written):
    fields = " ".join(f"{short}={(written[key] or 'null')[:19]}" for short, key in SHORT.items())
    return f"{written['rule']}/{written['subject'] or '-'}#{written['occurrence']} {written['state']} {fields}"


class Language(unittest.TestCase):
    maxDiff = None

    def expect(self, rules, found, now, *expected, faults=(), options=(), escalations="", case_type="barn"):
        deadlines, bad = evaluate(rules, case(*events(*found), case_type=case_type), now, *options,
                                  escalations=escalations)
        if len(deadlines) != len(expected) or not all(map(fits, deadlines, expected)):
            self.fail("expected\n  %s\ngot\n  %s" % ("\n  ".join(expected), "\n  ".join(map(shown, deadlines))))
        got = [" ".join([one["fault"]] + [str(one[key]) for key in ("rule", "subject", "event_id") if one[key]])
               for one in bad]
        self.assertEqual(sorted(got), sorted(faults))
        return deadlines


MONTH = "{after: 1 month}"


class Occurrences(Language):
    def test_start_opens_when_none_is_open(self):
        self.expect(rule("r", MONTH), ["start 2026-03-02T10:00", "start 2026-03-05T10:00"], "2026-03-06T00:00",
                    "r#1 open anchor=2026-03-02T10:00:00 due=2026-04-02T23:59:59 breached=null closed=null")

    def test_stop_at_the_due_is_met_and_a_second_later_late(self):
        for at, state, breached in (("2026-04-02T23:59:59", "met", "null"),
                                    ("2026-04-03T00:00:00", "late", "2026-04-03T00:00:00")):
            with self.subTest(at):
                self.expect(rule("r", MONTH), ["start 2026-03-02T10:00", f"stop {at}"], "2026-05-01T00:00",
                            f"r#1 {state} breached={breached} closed={at}")

    def test_open_until_the_due_and_breached_from_the_second_after(self):
        for now, state, breached in (("2026-04-02T23:59:59", "open", "null"),
                                     ("2026-04-03T00:00:00", "breached", "2026-04-03T00:00:00")):
            with self.subTest(now):
                self.expect(rule("r", MONTH), ["start 2026-03-02T10:00"], now, f"r#1 {state} breached={breached}")

    def test_numbers_run_on_across_versions_and_cancels(self):
        rules = (rule("r", MONTH, valid="{from: 2020-01-01, until: 2026-03-31}") +
                 rule("r", "{after: 2 months}", valid="{from: 2026-04-01}"))
        self.expect(rules, ["start 2026-03-02T10:00", "cancel 2026-03-03T10:00", "start 2026-03-31T10:00",
                            "stop 2026-04-05T10:00", "start 2026-04-06T10:00"], "2026-04-07T00:00",
                    "r#1 cancelled from=2020-01-01 closed=2026-03-03T10:00:00 breached=null",
                    "r#2 met from=2020-01-01 due=2026-04-30",
                    "r#3 open from=2026-04-01 due=2026-06-06")

    def test_version_of_the_start_lasts_to_the_end(self):
        rules = (rule("r", MONTH, valid="{from: 2020-01-01, until: 2026-03-31}", then="{after: 1 week}") +
                 rule("r", "{after: 2 months}", valid="{from: 2026-04-01}", stop="[other]"))
        self.expect(rules, ["start 2026-03-31T10:00", "stop 2026-04-05T10:00", "other 2026-04-06T10:00"],
                    "2026-04-07T00:00", "r#1 met", "r#2 open from=2020-01-01 due=2026-04-12")

    def test_start_outside_every_range_opens_nothing(self):
        rules = rule("r", MONTH, valid="{from: 2026-01-01, until: 2026-03-31}")
        self.expect(rules, ["start 2025-12-31T23:59:59", "start 2026-04-01T00:00"], "2026-05-01T00:00")
        self.expect(rules, ["start 2026-01-01T00:00"], "2026-01-01T00:00", "r#1 open")
        self.expect(rules, ["start 2026-03-31T23:59:59"], "2026-03-31T23:59:59", "r#1 open")

    def test_cancelled_breach_was_a_breach(self):
        self.expect(rule("r", MONTH), ["start 2026-03-02T10:00", "cancel 2026-05-03T10:00"], "2026-06-01T00:00",
                    "r#1 cancelled breached=2026-04-03T00:00:00 closed=2026-05-03T10:00:00")

    def test_nothing_follows_a_cancel_until_the_next_start(self):
        self.expect(rule("r", MONTH, then="{after: 1 week}"),
                    ["start 2026-03-02T10:00", "cancel 2026-03-03T10:00", "stop 2026-03-04T10:00",
                     "start 2026-03-05T10:00"], "2026-03-06T00:00",
                    "r#1 cancelled", "r#2 open anchor=2026-03-05T10:00:00")

    def test_steps_of_one_event_in_their_order(self):
        both = rule("r", MONTH, start="[x]", stop="[x]")
        self.expect(both, ["x 2026-03-02T10:00", "x 2026-03-04T10:00"], "2026-03-06T00:00",
                    "r#1 met closed=2026-03-04T10:00:00", "r#2 open anchor=2026-03-04T10:00:00")
        cancel_first = rule("r", MONTH, stop="[x]", cancel="[x]")
        self.expect(cancel_first, ["start 2026-03-02T10:00", "x 2026-03-04T10:00"], "2026-03-06T00:00", "r#1 cancelled")
        then_pause = rule("r", MONTH, stop="[x]", pause="[x]", then="{after: 1 week}")
        self.expect(then_pause, ["start 2026-03-02T10:00", "x 2026-03-04T10:00"], "2026-03-06T00:00",
                    "r#1 met", "r#2 paused")

    def test_case_types(self):
        rules = rule("r", MONTH, case_types="[barn, ung]") + rule("s", MONTH)
        self.expect(rules, ["start 2026-03-02T10:00"], "2026-03-03T00:00", "r#1 open", "s#1 open", case_type="ung")
        self.expect(rules, ["start 2026-03-02T10:00"], "2026-03-03T00:00", "s#1 open", case_type="voksen")

    def test_confidence_c_does_nothing_until_confirmed(self):
        for confirmed, expected in (("false", []), ("true", ["r#1 open"])):
            self.expect(rule("r", MONTH, confidence="C", confirmed=confirmed), ["start 2026-03-02T10:00"],
                        "2026-03-03T00:00", *expected)

    def test_kinds_that_close_by_themselves(self):
        for kind, state in (("expiry", "lapsed"), ("information", "passed")):
            with self.subTest(kind):
                rules = rule("r", MONTH, kind=kind)
                self.expect(rules, ["start 2026-03-02T10:00", "start 2026-04-02T23:59:59", "stop 2026-04-03T00:00",
                                    "start 2026-04-03T00:00"], "2026-04-03T00:00",
                            f"r#1 {state} breached=null closed=2026-04-03T00:00:00 due=2026-04-02",
                            "r#2 open anchor=2026-04-03T00:00:00")
                self.expect(rules, ["start 2026-03-02T10:00"], "2026-04-02T23:59:59", "r#1 open")
                self.expect(rules, ["start 2026-03-02T10:00", "stop 2026-04-02T23:59:59"], "2026-05-01T00:00", "r#1 met")

    def test_due_not_after_the_anchor(self):
        rules = rule("r", "{on: 2026-01-01}")
        self.expect(rules, ["start 2026-03-02T10:00"], "2026-03-02T10:00", "r#1 open breached=null due=2026-01-01")
        self.expect(rules, ["start 2026-03-02T10:00"], "2026-03-02T10:00:01", "r#1 breached breached=2026-03-02T10:00:01")
        self.expect(rules, ["start 2026-03-02T10:00", "stop 2026-03-02T10:00"], "2026-04-01T00:00",
                    "r#1 late breached=null closed=2026-03-02T10:00:00")
        self.expect(rule("r", "{on: 2026-01-01}", kind="expiry"), ["start 2026-03-02T10:00"], "2026-03-02T10:00:01",
                    "r#1 lapsed closed=2026-03-02T10:00:01 breached=null")

    def test_now_is_the_end_of_what_exists(self):
        self.expect(rule("r", MONTH), ["start 2026-03-02T10:00", "stop 2026-03-04T10:00:01"], "2026-03-04T10:00", "r#1 open")


class Subjects(Language):
    def test_one_run_for_each_subject_with_a_start(self):
        self.expect(rule("r", MONTH), ["start 2026-03-02T10:00 B", "start 2026-03-02T10:00 A", "start 2026-03-02T10:00 -",
                                       "stop 2026-03-03T10:00 C"], "2026-03-04T00:00",
                    "r/-#1 open", "r/A#1 open", "r/B#1 open")

    def test_empty_subject_stops_all_but_starts_only_itself(self):
        self.expect(rule("r", MONTH), ["start 2026-03-02T10:00 A", "start 2026-03-03T10:00 -", "stop 2026-03-04T10:00 A"],
                    "2026-03-05T00:00", "r/-#1 open", "r/A#1 met")
        self.expect(rule("r", MONTH), ["start 2026-03-02T10:00 A", "start 2026-03-03T10:00 -", "stop 2026-03-04T10:00 -"],
                    "2026-03-05T00:00", "r/-#1 met", "r/A#1 met")

    def test_empty_subject_pauses_resumes_cancels_but_does_not_extend_or_reset(self):
        rules = rule("r", MONTH, pause="[pause]", resume="[resume]", extend="[extend]", reset="[reset]")
        self.expect(rules, ["start 2026-03-02T10:00", "pause 2026-03-03T10:00 -", "resume 2026-03-05T10:00 -"],
                    "2026-03-06T00:00", "r#1 open due=2026-04-04")
        self.expect(rules, ["start 2026-03-02T10:00", "cancel 2026-03-03T10:00 -"], "2026-03-06T00:00", "r#1 cancelled")
        self.expect(rules, ["start 2026-03-02T10:00", "extend 2026-03-03T10:00 - 2026-06-01", "reset 2026-03-04T10:00 -"],
                    "2026-03-06T00:00", "r#1 open due=2026-04-02 anchor=2026-03-02")

    def test_scope_case_counts_all_events_as_one_subject(self):
        self.expect(rule("r", MONTH, scope="case", extend="[extend]"),
                    ["start 2026-03-02T10:00 A", "start 2026-03-03T10:00 B", "extend 2026-03-04T10:00 C 2026-05-01",
                     "stop 2026-03-05T10:00 D"], "2026-03-06T00:00",
                    "r/-#1 met anchor=2026-03-02T10:00:00 due=2026-05-01")

    def test_order_of_lines(self):
        rules = rule("b", MONTH) + rule("a", "{same_as: b}")
        self.expect(rules, ["start 2026-03-02T10:00 Æ", "start 2026-03-02T10:00 Z", "start 2026-03-02T10:00 -"],
                    "2026-03-04T00:00", "a/-#1 open", "a/Z#1 open", "a/Æ#1 open", "b/-#1 open", "b/Z#1 open", "b/Æ#1 open",
                    )


class Pauses(Language):
    def test_state_while_paused(self):
        rules = rule("r", MONTH, pause="[pause]", resume="[resume]")
        self.expect(rules, ["start 2026-03-02T10:00", "pause 2026-04-02T23:59:59"], "2026-06-01T00:00",
                    "r#1 paused due=2026-04-02T23:59:59 breached=null closed=null next=null")
        self.expect(rules, ["start 2026-03-02T10:00", "pause 2026-04-03T00:00"], "2026-06-01T00:00", "r#1 breached")

    def test_resume_moves_by_form(self):
        week = ["pause 2026-04-01T22:00", "resume 2026-04-07T06:00"]  # Wednesday to Tuesday over Easter
        for due, fields, start, moved in (
                ("{after: 100 hours}", {}, "2026-03-30T10:00", "2026-04-08T22:00:00"),
                ("{after: 6 working days}", {"calendar": "hverdage"}, "2026-03-30T10:00", "2026-04-11"),  # by 2
                ("{after: 1 month + 1 working day}", {"calendar": "arbejdsdage"}, "2026-03-30T10:00", "2026-05-04"),
                ("{after: 1 working day + 1 month}", {"calendar": "arbejdsdage"}, "2026-03-30T10:00", "2026-05-06"),
                ("{after: 2 weeks}", {}, "2026-03-30T10:00", "2026-04-19"),
                ("{next: 04-20}", {}, "2026-03-30T10:00", "2026-04-26"),
                ("{end_of: quarter}", {}, "2026-04-01T10:00", "2026-07-06"),
                ("{earliest: [{after: 100 hours}, {on: 2026-08-01}]}", {}, "2026-03-30T10:00", "2026-04-09T14:00:00"),
                ("{on: 2026-08-01}", {}, "2026-03-30T10:00", "2026-08-01"),
                ("{after: 1 month, roll: forward}", {"calendar": "arbejdsdage"}, "2026-03-18T10:00",
                 "2026-04-24"),  # Sat 18 April + 6 = Fri 24 April, not Mon 20 + 6
        ):
            with self.subTest(due):
                self.expect(rule("r", due, pause="[pause]", resume="[resume]", **fields), [f"start {start}"] + week,
                            "2026-04-07T06:00", f"r#1 open due={moved}")

    def test_event_date_moves_by_dates_and_rolls(self):
        self.expect(rule("r", "{event: true, roll: forward}", calendar="arbejdsdage", pause="[pause]", resume="[resume]"),
                    ["start 2026-03-02T10:00 U 2026-03-14", "pause 2026-03-03T10:00", "resume 2026-03-04T00:00"],
                    "2026-03-05T00:00", "r#1 open due=2026-03-16")

    def test_same_as_is_not_moved(self):
        rules = rule("lead", MONTH) + rule("r", "{same_as: lead}", pause="[pause]", resume="[resume]")
        self.expect(rules, ["start 2026-03-02T10:00", "pause 2026-03-03T10:00", "resume 2026-03-09T00:00"],
                    "2026-03-10T00:00", "lead#1 open", "r#1 open due=2026-04-02")

    def test_due_that_no_pause_moves_can_pass_meanwhile(self):
        rules = (rule("r", "{on: 2026-04-01}", pause="[pause]", resume="[resume]") +
                 rule("after", "{after: 1 day}", start='["breach:r"]'))
        found = ["start 2026-03-02T10:00", "pause 2026-03-03T10:00", "resume 2026-04-09T00:00"]
        self.expect(rules, found, "2026-04-10T00:00", "r#1 breached breached=2026-04-02T00:00:00")
        self.expect(rules, found[:2] + ["stop 2026-04-09T00:00"], "2026-04-10T00:00", "r#1 late breached=2026-04-02T00:00:00")
        self.expect(rules, found[:2] + ["cancel 2026-04-09T00:00"], "2026-04-10T00:00", "r#1 cancelled breached=null")

    def test_never_before_the_end_of_the_resume_date(self):
        # Saturday rolls to Monday; paused on Monday for 8 days the Saturday would become a Sunday, rolled to the
        # Monday before the resume.
        rules = rule("r", "{after: 1 month, roll: forward}", calendar="arbejdsdage", pause="[pause]", resume="[resume]")
        self.expect(rules, ["start 2026-02-14T10:00", "pause 2026-03-16T10:00", "resume 2026-03-24T10:00"],
                    "2026-03-24T10:00", "r#1 open due=2026-03-24T23:59:59")
        working = rule("r", "{after: 1 working day}", calendar="arbejdsdage", pause="[pause]", resume="[resume]")
        self.expect(working, ["start 2026-03-12T10:00", "pause 2026-03-13T10:00", "resume 2026-03-15T10:00"],
                    "2026-03-15T10:00", "r#1 open due=2026-03-15T23:59:59")
        at = rule("r", "{after: 1 day, at: \"12:00\"}", pause="[pause]", resume="[resume]")
        self.expect(at, ["start 2026-03-12T10:00", "pause 2026-03-13T10:00", "resume 2026-03-13T14:00"],
                    "2026-03-13T14:00", "r#1 open due=2026-03-13T23:59:59")

    def test_not_even_a_roll_backward_undoes_it(self):
        rules = rule("r", "{after: 1 working day, roll: backward}", calendar="arbejdsdage", pause="[pause]", resume="[resume]")
        self.expect(rules, ["start 2026-03-12T10:00", "pause 2026-03-13T10:00", "resume 2026-03-15T10:00"],
                    "2026-03-15T10:00", "r#1 open due=2026-03-15T23:59:59")

    def test_lifted_is_the_new_due_before_rolling(self):
        rules = rule("r", "{after: 1 working day, roll: forward}", calendar="arbejdsdage", pause="[pause]",
                     resume="[resume]")
        found = ["start 2026-03-12T10:00", "pause 2026-03-13T10:00", "resume 2026-03-15T10:00"]  # Friday to Sunday
        self.expect(rules, found, "2026-03-15T10:00", "r#1 open due=2026-03-16T23:59:59")
        # From the Sunday: one working day after it is Monday, two are Tuesday.
        self.expect(rules, found + ["pause 2026-03-16T10:00", "resume 2026-03-18T10:00"], "2026-03-18T10:00",
                    "r#1 open due=2026-03-18T23:59:59")

    def test_stop_while_paused_ends_the_pause_first(self):
        rules = rule("r", MONTH, pause="[pause]", resume="[resume]", then=MONTH)
        self.expect(rules, ["start 2026-03-02T10:00", "pause 2026-03-31T10:00", "stop 2026-05-05T10:00"],
                    "2026-05-06T00:00", "r#1 met due=2026-05-07 closed=2026-05-05T10:00:00", "r#2 open due=2026-06-05")

    def test_cancel_while_paused(self):
        self.expect(rule("r", MONTH, pause="[pause]"),
                    ["start 2026-03-02T10:00", "pause 2026-03-31T10:00", "cancel 2026-05-05T10:00"], "2026-05-06T00:00",
                    "r#1 cancelled due=2026-04-02 breached=null")

    def test_second_pause_and_lone_resume_change_nothing(self):
        rules = rule("r", MONTH, pause="[pause]", resume="[resume]")
        self.expect(rules, ["start 2026-03-02T10:00", "resume 2026-03-03T10:00", "pause 2026-03-04T10:00",
                            "pause 2026-03-06T10:00", "resume 2026-03-07T10:00"], "2026-03-08T00:00",
                    "r#1 open due=2026-04-05")


class Extensions(Language):
    RULES = rule("r", "{after: 1 month, roll: forward, at: \"12:00\"}", calendar="arbejdsdage", extend="[extend]",
                 pause="[pause]", resume="[resume]", reset="[reset]")

    def test_at_or_before_the_due_and_never_rolled(self):
        # 2 April 2026 is Skærtorsdag: due is Tuesday the 7th at noon
        self.expect(self.RULES, ["start 2026-03-02T10:00", "extend 2026-04-07T12:00 U 2026-05-02"], "2026-04-08T00:00",
                    "r#1 open due=2026-05-02T23:59:59")

    def test_too_late(self):
        deadlines = self.expect(self.RULES, ["start 2026-03-02T10:00", "extend 2026-04-07T12:00:01 U 2026-05-02"],
                                "2026-04-08T00:00", "r#1 breached due=2026-04-07T12:00:00")
        self.assertTrue(any("kom for sent" in line for line in deadlines[0]["explanation"]))

    def test_an_earlier_date_is_taken_too(self):
        self.expect(self.RULES, ["start 2026-03-02T10:00", "extend 2026-03-10T10:00 U 2026-03-20"], "2026-03-11T00:00",
                    "r#1 open due=2026-03-20T23:59:59")
        self.expect(self.RULES, ["start 2026-03-02T10:00", "extend 2026-03-10T10:00 U 2026-03-09"], "2026-03-11T00:00",
                    "r#1 breached due=2026-03-09T23:59:59 breached=2026-03-10T00:00:00", faults=["due_on_early r U 2"])

    def test_ends_a_pause(self):
        self.expect(self.RULES, ["start 2026-03-02T10:00", "pause 2026-03-03T10:00", "extend 2026-06-10T10:00 U 2026-07-05"],
                    "2026-06-11T00:00", "r#1 open due=2026-07-05T23:59:59")

    def test_a_pause_moves_it_by_dates_and_does_not_roll(self):
        hours = rule("r", "{after: 100 hours}", extend="[extend]", pause="[pause]", resume="[resume]")
        for rules in (self.RULES, hours):
            self.expect(rules, ["start 2026-03-02T10:00", "extend 2026-03-03T10:00 U 2026-04-01", "pause 2026-03-04T22:00",
                                "resume 2026-03-07T08:00"], "2026-03-08T00:00", "r#1 open due=2026-04-04T23:59:59")

    def test_without_a_date(self):
        self.expect(self.RULES, ["extend 2026-03-01T10:00", "start 2026-03-02T10:00", "extend 2026-03-03T10:00"],
                    "2026-03-04T00:00", "r#1 open due=2026-04-07T12:00:00", faults=["due_on_missing r U 3"])

    def test_dates_an_undated_occurrence(self):
        self.expect(rule("r", "{event: true}", extend="[extend]"),
                    ["start 2026-03-02T10:00", "extend 2026-06-02T10:00 U 2026-06-30"], "2026-06-03T00:00",
                    "r#1 open due=2026-06-30", faults=["due_on_missing r U 1"])


class Resets(Language):
    def test_moves_the_anchor(self):
        rules = rule("r", MONTH, reset="[reset]", extend="[extend]", pause="[pause]")
        self.expect(rules, ["start 2026-03-02T10:00", "extend 2026-03-03T10:00 U 2026-12-01", "pause 2026-03-04T10:00",
                            "reset 2026-03-10T10:00"], "2026-03-11T00:00",
                    "r#1 open anchor=2026-03-10T10:00:00 due=2026-04-10")

    def test_after_the_due_the_breach_stands(self):
        self.expect(rule("r", MONTH, reset="[reset]"), ["start 2026-03-02T10:00", "reset 2026-04-03T00:00"],
                    "2026-05-01T00:00", "r#1 breached anchor=2026-03-02T10:00:00 due=2026-04-02")

    def test_event_takes_the_date_of_the_reset(self):
        rules = rule("r", "{event: true}", reset="[reset]")
        self.expect(rules, ["start 2026-03-02T10:00 U 2026-04-01", "reset 2026-03-03T10:00 U 2026-05-01"],
                    "2026-03-04T00:00", "r#1 open due=2026-05-01")
        self.expect(rules, ["start 2026-03-02T10:00 U 2026-04-01", "reset 2026-03-03T10:00"],
                    "2026-03-04T00:00", "r#1 open due=null", faults=["due_on_missing r U 2"])

    def test_after_a_pause_in_which_a_fixed_due_passed(self):
        self.expect(rule("r", "{on: 2026-04-01}", pause="[pause]", reset="[reset]"),
                    ["start 2026-03-02T10:00", "pause 2026-03-03T10:00", "reset 2026-05-01T10:00"], "2026-05-01T10:00:00",
                    "r#1 open anchor=2026-05-01T10:00:00 due=2026-04-01")


class Then(Language):
    def test_opens_at_once_anchored_at_the_stop(self):
        self.expect(rule("r", "{after: 1 week}", then=MONTH),
                    ["start 2026-03-02T10:00", "stop 2026-03-20T10:00", "stop 2026-03-25T10:00"], "2026-03-26T00:00",
                    "r#1 late", "r#2 met anchor=2026-03-20T10:00:00 due=2026-04-20", "r#3 open due=2026-04-25")

    def test_from_anchor(self):
        rules = rule("r", "{after: 12 months}", then="{after: 12 months, from: anchor}")
        self.expect(rules, ["start 2025-01-10T10:00", "stop 2025-05-01T10:00", "stop 2025-09-01T10:00",
                            "stop 2025-12-01T10:00"], "2025-12-02T00:00",
                    "r#1 met due=2026-01-10", "r#2 met due=2026-01-10 anchor=2025-05-01T10:00:00",
                    "r#3 met due=2026-05-01", "r#4 open due=2026-09-01")

    def test_the_rhythm_of_the_case(self):
        rules = rule("r", MONTH, then="{event: true}", extend="[extend]")
        self.expect(rules, ["start 2026-03-02T10:00", "stop 2026-03-20T10:00 U 2026-06-01", "stop 2026-04-20T10:00",
                            "stop 2026-05-20T10:00 U 2026-05-19"], "2026-05-20T10:00",
                    "r#1 met", "r#2 met due=2026-06-01", "r#3 met due=null", "r#4 open due=2026-05-19",
                    faults=["due_on_missing r U 3", "due_on_early r U 4"])

    def test_same_as_opens_nothing_without_one_to_share(self):
        rules = (rule("lead", MONTH, stop="[decided]", extend="[letter]") +
                 rule("r", "{same_as: lead}", stop="[letter]", cancel="[decided]", then="{same_as: lead}"))
        self.expect(rules, ["start 2026-03-02T10:00", "letter 2026-03-20T10:00 U 2026-06-01"], "2026-03-21T00:00",
                    "lead#1 open due=2026-06-01", "r#1 met due=2026-04-02", "r#2 open due=2026-06-01")
        both = (rule("lead", MONTH, stop="[letter]") +
                rule("r", "{same_as: lead}", stop="[letter]", then="{same_as: lead}"))
        self.expect(both, ["start 2026-03-02T10:00", "letter 2026-03-20T10:00"], "2026-03-21T00:00",
                    "lead#1 met", "r#1 met due=2026-04-02")


class LookBack(Language):
    def test_a_stop_before_the_start_counts(self):
        rules = rule("r", MONTH, look_back="true")
        self.expect(rules, ["stop 2026-01-01T10:00", "stop 2026-02-01T10:00", "start 2026-03-02T10:00"],
                    "2026-03-03T00:00", "r#1 met closed=2026-02-01T10:00:00 anchor=2026-03-02T10:00:00")
        self.expect(rules, ["stop 2026-01-01T10:00 -", "start 2026-03-02T10:00"], "2026-03-03T00:00", "r#1 met")
        self.expect(rules, ["stop 2026-01-01T10:00", "cancel 2026-01-02T10:00", "start 2026-03-02T10:00"],
                    "2026-03-03T00:00", "r#1 open")

    def test_within_a_duration(self):
        days = rule("r", MONTH, look_back="30 days")
        for at, state in (("2026-01-31T00:00", "met"), ("2026-01-30T23:59:59", "open")):
            self.expect(days, [f"stop {at}", "start 2026-03-02T10:00"], "2026-03-03T00:00", f"r#1 {state}")
        hours = rule("r", MONTH, look_back="24 hours")
        for at, state in (("2026-03-01T10:00", "met"), ("2026-03-01T09:59:59", "open")):
            self.expect(hours, [f"stop {at}", "start 2026-03-02T10:00"], "2026-03-03T00:00", f"r#1 {state}")

    def test_late_when_even_that_was_after_the_due(self):
        self.expect(rule("r", "{on: 2026-01-01}", look_back="true"), ["stop 2026-01-02T10:00", "start 2026-03-02T10:00"],
                    "2026-03-03T00:00", "r#1 late closed=2026-01-02T10:00:00 breached=null")

    def test_at_start(self):
        rules = rule("r", "{at_start: true}", kind="precondition", look_back="true")
        self.expect(rules, ["stop 2026-03-01T10:00", "start 2026-03-02T10:00", "cancel 2026-03-03T10:00",
                            "start 2026-03-04T10:00"], "2026-03-05T00:00",
                    "r#1 met due=2026-03-02T10:00:00 closed=2026-03-01T10:00:00",
                    "r#2 missed due=2026-03-04T10:00:00 closed=2026-03-04T10:00:00 breached=2026-03-04T10:00:01")


class OnlyIf(Language):
    RULES = rule("r", MONTH, only_if="[grave]") + rule("after", "{after: 1 day}", start='["breach:r"]')

    def test_on_any_subject_at_or_before_the_smaller_of_now_and_due(self):
        start = "start 2026-03-02T10:00"
        self.expect(self.RULES, [start], "2026-03-03T00:00")
        self.expect(self.RULES, ["grave 2026-01-01T10:00 X", start], "2026-03-03T00:00", "r#1 open")
        self.expect(self.RULES, [start, "grave 2026-04-02T23:59:59 -"], "2026-04-03T00:00", "after#1 open", "r#1 breached")
        self.expect(self.RULES, [start, "grave 2026-04-03T00:00 U"], "2026-04-04T00:00")

    def test_silent_keeps_its_number_and_its_faults(self):
        rules = rule("r", "{event: true}", only_if="[grave]")
        self.expect(rules, ["start 2026-03-02T10:00 U 2026-03-03", "stop 2026-03-04T10:00", "grave 2026-03-05T10:00",
                            "start 2026-03-06T10:00 U 2026-03-05"], "2026-03-07T00:00", "r#2 breached",
                    faults=["due_on_early r U 4"])
        self.expect(rules, ["start 2026-03-02T10:00"], "2026-03-07T00:00", faults=["due_on_missing r U 1"])


class Series(Language):
    WEEKLY = rule("r", "{every: FREQ=WEEKLY}") + rule("after", "{after: 1 day}", start='["breach:r"]', stop="[told]")

    def test_instances(self):
        rules = rule("r", "{every: FREQ=WEEKLY}")
        found = ["start 2026-03-20T10:00", "stop 2026-03-20T10:00", "stop 2026-03-27T10:00", "stop 2026-03-27T10:00:01",
                 "stop 2026-04-02T10:00"]
        self.expect(rules, found, "2026-04-10T10:00",
                    "r#1 met anchor=2026-03-20T10:00:00 due=2026-03-27T10:00:00 closed=2026-03-20T10:00:00",
                    "r#2 met anchor=2026-03-27T10:00:00 due=2026-04-03T10:00:00 closed=2026-03-27T10:00:01",
                    "r#3 open anchor=2026-04-03T10:00:00 due=2026-04-10T10:00:00")
        self.expect(rules, found, "2026-04-10T10:00:01",
                    "r#1 met", "r#2 met", "r#3 missed closed=2026-04-10T10:00:00 breached=2026-04-10T10:00:01",
                    "r#4 open anchor=2026-04-10T10:00:00")

    def test_stop_up_to_and_including_the_due(self):
        rules = rule("r", "{every: FREQ=DAILY}")
        self.expect(rules, ["start 2026-03-20T10:00", "stop 2026-03-21T10:00"], "2026-03-21T10:00",
                    "r#1 met closed=2026-03-21T10:00:00")
        self.expect(rules, ["start 2026-03-20T10:00", "stop 2026-03-21T10:00"], "2026-03-21T10:00:01",
                    "r#1 met", "r#2 open")

    def test_from_the_start_event_on(self):
        rules = rule("r", "{every: FREQ=DAILY}", stop="[start]")
        self.expect(rules, ["start 2026-03-20T10:00"], "2026-03-20T10:00", "r#1 met closed=2026-03-20T10:00:00")
        self.expect(rule("r", "{every: FREQ=DAILY}"), ["stop 2026-03-20T10:00", "start 2026-03-20T10:00"], "2026-03-20T10:00",
                    "r#1 open", faults=["stop_before_start r U 1"])

    def test_missed_for_good_and_breach_events(self):
        self.expect(self.WEEKLY, ["start 2026-03-20T10:00", "stop 2026-04-08T10:00"], "2026-04-09T00:00",
                    "after#1 breached anchor=2026-03-27T10:00:01", "r#1 missed", "r#2 missed", "r#3 met")

    def test_cancel_ends_it_and_a_start_begins_another(self):
        rules = rule("r", "{every: FREQ=WEEKLY}")
        self.expect(rules, ["start 2026-03-20T10:00", "cancel 2026-03-28T10:00", "start 2026-04-01T09:00"],
                    "2026-04-08T09:00:01", "r#1 missed", "r#2 cancelled closed=2026-03-28T10:00:00 breached=null",
                    "r#3 missed due=2026-04-08T09:00:00", "r#4 open")
        self.expect(rules, ["start 2026-03-20T10:00", "stop 2026-03-21T10:00", "cancel 2026-03-22T10:00"],
                    "2026-05-01T00:00", "r#1 met")
        self.expect(rules, ["start 2026-03-20T10:00", "stop 2026-03-21T10:00", "start 2026-03-22T11:00"],
                    "2026-03-28T00:00", "r#1 met", "r#2 open anchor=2026-03-27T10:00:00")

    def test_over_the_gap_and_the_overlap_of_the_clock(self):
        rules = rule("r", "{every: FREQ=DAILY}")
        deadlines = self.expect(rules, ["start 2026-03-27T02:30"], "2026-03-30T02:30", "r#1 missed", "r#2 missed", "r#3 open")
        self.assertEqual([one["due_at"] for one in deadlines],
                         ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"])
        hourly = rule("r", "{every: \"FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0;BYSECOND=0\"}")
        deadlines = self.expect(hourly, ["start 2026-03-28T04:00"], "2026-03-29T12:00", "r#1 missed", "r#2 open")
        self.assertEqual([one["due_at"] for one in deadlines],
                         ["2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"])

    def test_ends_when_no_instance_is_left(self):
        rules = rule("r", "{every: FREQ=WEEKLY}")
        self.expect(rules, ["start 2200-12-20T10:00"], "2200-12-31T00:00", "r#1 missed due=2200-12-27T10:00:00")
        self.expect(rules, ["start 2200-12-28T10:00"], "2200-12-31T00:00")

    def test_of_any_kind(self):
        self.expect(rule("r", "{every: FREQ=WEEKLY}", kind="information"), ["start 2026-03-20T10:00"],
                    "2026-03-27T10:00:01", "r#1 missed breached=2026-03-27T10:00:01", "r#2 open")


class Chains(Language):
    def test_breach_is_an_event_a_second_after_the_due(self):
        rules = rule("r", MONTH, stop="[stop]") + rule("after", "{after: 24 hours}", start='["breach:r"]', stop="[told]")
        self.expect(rules, ["start 2026-03-02T10:00", "stop 2026-05-01T10:00"], "2026-05-02T00:00",
                    "after#1 breached anchor=2026-04-03T00:00:00 due=2026-04-04T00:00:00", "r#1 late")
        self.expect(rules, ["start 2026-03-02T10:00"], "2026-04-02T23:59:59", "r#1 open")
        self.expect(rules, ["start 2026-03-02T10:00"], "2026-04-03T00:00", "after#1 open", "r#1 breached")

    def test_before_every_real_event_of_its_second(self):
        rules = rule("r", MONTH) + rule("after", "{after: 24 hours}", start='["breach:r"]', stop="[told]")
        self.expect(rules, ["start 2026-03-02T10:00", "told 2026-04-03T00:00"], "2026-05-02T00:00",
                    "after#1 met closed=2026-04-03T00:00:00", "r#1 breached")

    def test_for_every_kind_of_rule_and_whatever_comes_later(self):
        for kind, state in (("expiry", "lapsed"), ("information", "passed"), ("own", "breached"), ("target", "breached")):
            rules = rule("r", MONTH, kind=kind) + rule("z", "{at_start: true}", start='["breach:r"]')
            self.expect(rules, ["start 2026-03-02T10:00"], "2026-05-02T00:00", f"r#1 {state}", "z#1 missed")
        rules = rule("r", MONTH) + rule("z", "{at_start: true}", start='["breach:r"]')
        self.expect(rules, ["start 2026-03-02T10:00", "cancel 2026-05-01T10:00"], "2026-05-02T00:00",
                    "r#1 cancelled", "z#1 missed anchor=2026-04-03T00:00:00")
        self.expect(rules, ["start 2026-03-02T10:00", "cancel 2026-04-01T10:00"], "2026-05-02T00:00", "r#1 cancelled")

    def test_at_start_missed_is_a_breach(self):
        rules = (rule("r", "{at_start: true}", kind="precondition", look_back="true") +
                 rule("z", MONTH, start='["breach:r"]', stop="[other]"))
        self.expect(rules, ["start 2026-03-02T10:00"], "2026-03-02T10:00:01", "r#1 missed", "z#1 open anchor=2026-03-02T10:00:01")
        self.expect(rules, ["stop 2026-03-01T10:00", "start 2026-03-02T10:00"], "2026-03-03T00:00", "r#1 met")

    def test_missed_and_not_told(self):
        rules = (rule("frist", MONTH, stop="[decided]") +
                 rule("z", "{at_start: true}", start='["breach:frist"]', stop="[letter]", look_back="true"))
        self.expect(rules, ["start 2026-03-02T10:00", "letter 2026-03-30T10:00"], "2026-05-01T00:00", "frist#1 breached", "z#1 met")
        self.expect(rules, ["start 2026-03-02T10:00", "letter 2026-04-30T10:00"], "2026-05-01T00:00", "frist#1 breached", "z#1 missed")

    def test_an_early_extension_breaches_in_the_past(self):
        rules = rule("r", MONTH, extend="[extend]") + rule("z", MONTH, start='["breach:r"]', stop="[other]")
        self.expect(rules, ["start 2026-03-02T10:00", "extend 2026-03-10T10:00 U 2026-03-05"], "2026-03-11T00:00",
                    "r#1 breached breached=2026-03-06T00:00:00", "z#1 open anchor=2026-03-06T00:00:00",
                    faults=["due_on_early r U 2"])

    def test_same_as_takes_the_due_once(self):
        rules = (rule("lead", MONTH, extend="[extend]") + rule("r", "{same_as: lead}", reset="[reset]", stop="[done]"))
        found = ["start 2026-03-02T10:00", "extend 2026-03-10T10:00 U 2026-06-01"]
        self.expect(rules, found, "2026-03-11T00:00", "lead#1 open due=2026-06-01", "r#1 open due=2026-04-02")
        self.expect(rules, found + ["reset 2026-03-12T10:00"], "2026-03-13T00:00", "lead#1 open", "r#1 open due=2026-06-01")

    def test_same_as_finds_none(self):
        rules = rule("lead", MONTH, start="[other]") + rule("r", "{same_as: lead}")
        self.expect(rules, ["start 2026-03-02T10:00"], "2026-03-11T00:00", "r#1 open due=null",
                    faults=["no_deadline_to_share r U 1"])
        self.expect(rules, ["other 2026-03-01T10:00 V", "start 2026-03-02T10:00"], "2026-03-11T00:00", "lead/V#1 open",
                    "r/U#1 open due=null", faults=["no_deadline_to_share r U 2"])
        inert = rule("lead", MONTH, confidence="C") + rule("r", "{same_as: lead}")
        self.expect(inert, ["start 2026-03-02T10:00"], "2026-03-11T00:00", "r#1 open due=null",
                    faults=["no_deadline_to_share r U 1"])

    def test_same_as_sees_what_closed_by_itself(self):
        rules = rule("lead", MONTH, kind="expiry") + rule("r", "{same_as: lead}", start="[late]")
        self.expect(rules, ["start 2026-03-02T10:00", "late 2026-04-02T23:59:59"], "2026-05-01T00:00",
                    "lead#1 lapsed", "r#1 breached due=2026-04-02T23:59:59 breached=2026-04-03T00:00:00")
        self.expect(rules, ["start 2026-03-02T10:00", "late 2026-04-03T00:00"], "2026-05-01T00:00",
                    "lead#1 lapsed", "r#1 open due=null", faults=["no_deadline_to_share r U 2"])

    def test_same_as_of_a_series_takes_the_instance_in_being(self):
        rules = (rule("lead", "{every: FREQ=WEEKLY}") +
                 rule("r", "{same_as: lead}", start="[ask]", stop="[done]") +
                 rule("z", "{same_as: lead}", start='["breach:lead"]', stop="[done]"))
        found = ["start 2026-03-20T10:00", "ask 2026-03-27T10:00", "done 2026-03-27T11:00", "stop 2026-03-28T10:00"]
        self.expect(rules, found, "2026-03-29T00:00", "lead#1 missed", "lead#2 met", "r#1 late due=2026-03-27T10:00:00",
                    "z#1 met anchor=2026-03-27T10:00:01 due=2026-04-03T10:00:00")
        self.expect(rules, found + ["ask 2026-03-28T11:00"], "2026-03-29T00:00", "lead#1 missed", "lead#2 met", "r#1 late",
                    "r#2 open due=null", "z#1 met", faults=["no_deadline_to_share r U 5"])

    def test_breach_on_the_subject_of_the_rule(self):
        rules = rule("r", MONTH) + rule("z", MONTH, start='["breach:r"]', scope="case", stop="[other]")
        self.expect(rules, ["start 2026-03-02T10:00 A", "start 2026-03-05T10:00 B"], "2026-04-06T00:00",
                    "r/A#1 breached", "r/B#1 breached", "z/-#1 open anchor=2026-04-03T00:00:00")


class Earliest(Language):
    DAY = rule("r", "{earliest: [{after: 2 months}, {on_day_of: born}], at: \"12:00\", roll: forward}",
               calendar="arbejdsdage", extend="[extend]", pause="[pause]", resume="[resume]", reset="[reset]")

    def test_the_earliest_wins_and_is_rolled(self):
        rules = rule("r", "{earliest: [{after: 1 month}, {end_of: quarter}, {on: 2026-05-02}], roll: forward}",
                     calendar="arbejdsdage")
        self.expect(rules, ["start 2026-03-02T10:00"], "2026-03-03T00:00", "r#1 open due=2026-03-31")
        self.expect(rules, ["start 2026-04-02T10:00"], "2026-04-03T00:00", "r#1 open due=2026-05-04")

    def test_day_of(self):
        self.expect(self.DAY, ["start 2026-03-02T10:00", "born 2026-03-02T10:00"], "2026-03-20T00:00",
                    "r#1 open due=2026-05-04T12:00:00")
        self.expect(self.DAY, ["start 2026-03-02T10:00", "born 2026-03-14T09:00 -", "born 2026-03-12T09:00 V"],
                    "2026-03-15T00:00", "r#1 open due=2026-03-16T12:00:00")
        self.expect(self.DAY, ["start 2026-03-02T10:00", "extend 2026-03-03T10:00 U 2026-04-01", "born 2026-03-14T09:00"],
                    "2026-03-15T00:00", "r#1 open due=2026-04-01T23:59:59")
        self.expect(self.DAY, ["start 2026-03-02T10:00", "born 2026-03-14T09:00", "reset 2026-03-15T10:00"],
                    "2026-03-15T12:00", "r#1 open due=2026-05-15T12:00:00")

    def test_day_that_puts_the_due_into_the_past(self):
        rules = rule("r", "{earliest: [{on_day_of: born}], at: \"08:00\"}", stop="[born]")
        self.expect(rules, ["start 2026-03-02T10:00", "born 2026-03-05T10:00"], "2026-03-06T00:00",
                    "r#1 late due=2026-03-05T08:00:00 breached=2026-03-05T08:00:01 closed=2026-03-05T10:00:00")

    def test_nothing_until_then(self):
        rules = rule("r", "{earliest: [{on_day_of: born}]}")
        self.expect(rules, ["start 2026-03-02T10:00"], "2027-03-03T00:00", "r#1 open due=null next=null")
        self.expect(rules, ["start 2026-03-02T10:00", "born 2026-06-01T10:00", "born 2026-06-05T10:00"], "2027-03-03T00:00",
                    "r#1 breached due=2026-06-01T23:59:59")
        self.expect(rules, ["start 2026-03-02T10:00", "stop 2026-06-01T10:00"], "2027-03-03T00:00", "r#1 met due=null")

    def test_in_a_pause_the_day_waits_for_the_resume(self):
        found = ["start 2026-03-02T10:00", "pause 2026-03-03T10:00", "born 2026-03-05T10:00"]
        self.expect(self.DAY, found, "2026-03-06T00:00", "r#1 paused due=2026-05-04T12:00:00")
        self.expect(self.DAY, found + ["resume 2026-03-10T10:00"], "2026-03-10T12:00", "r#1 open due=2026-03-10T23:59:59")


class VersionByDue(Language):
    RULES = (rule("r", "{after: 18 years}", valid="{from: 2000-01-01, until: 2025-12-31}", version_by="due") +
             rule("r", "{after: 19 years}", valid="{from: 2026-01-01, until: 2028-12-31}", version_by="due"))

    def test_the_one_in_force_on_its_own_due_date(self):
        for born, found, due in (("2007-12-31", "2000-01-01", "2025-12-31"), ("2008-01-01", "2026-01-01", "2027-01-01"),
                                 ("1985-01-01", "2000-01-01", "2003-01-01")):
            self.expect(self.RULES, [f"start {born}T10:00"], f"{born}T10:00", f"r#1 open from={found} due={due}")

    def test_none_is_the_last_and_several_the_earliest(self):
        self.expect(self.RULES, ["start 2015-06-01T10:00"], "2015-06-02T00:00", "r#1 open from=2026-01-01 due=2034-06-01")
        both = (rule("r", "{after: 17 years}", valid="{from: 2000-01-01, until: 2025-12-31}", version_by="due") +
                rule("r", "{after: 18 years}", valid="{from: 2026-01-01}", version_by="due"))
        self.expect(both, ["start 2008-06-01T10:00"], "2008-06-02T00:00", "r#1 open from=2000-01-01 due=2025-06-01")


    def test_with_a_series_by_its_first_due(self):
        rules = (rule("r", "{every: FREQ=WEEKLY}", valid="{from: 2000-01-01, until: 2026-03-25}", version_by="due") +
                 rule("r", "{every: FREQ=WEEKLY}", valid="{from: 2026-03-26}", version_by="due"))
        self.expect(rules, ["start 2026-03-20T10:00"], "2026-03-21T00:00", "r#1 open from=2026-03-26 due=2026-03-27")

    def test_only_versions_for_the_case_type_compute_one(self):
        rules = (rule("r", "{after: 1 week}", valid="{from: 2000-01-01, until: 2030-12-31}", version_by="due",
                      case_types="[voksen]") +
                 rule("r", "{after: 2 weeks}", valid="{from: 2031-01-01}", version_by="due"))
        self.expect(rules, ["start 2026-03-20T10:00"], "2026-03-21T00:00", "r#1 open from=2031-01-01 due=2026-04-03")


class VersionByStart(Language):
    def test_each_version_has_its_own_starts(self):
        rules = (rule("a", "{at_start: true}", start="[a]") + rule("b", "{at_start: true}", start="[b]") +
                 rule("r", MONTH, valid="{from: 2000-01-01, until: 2026-03-31}", start='["breach:a"]') +
                 rule("r", MONTH, valid="{from: 2026-04-01}", start='["breach:b"]'))
        self.expect(rules, ["b 2026-03-31T10:00", "a 2026-04-01T10:00"], "2026-04-02T00:00", "a#1 missed", "b#1 missed")
        self.expect(rules, ["b 2026-04-01T10:00", "a 2026-03-31T10:00"], "2026-04-02T00:00", "a#1 missed", "b#1 missed",
                    "r#1 open from=2000-01-01")

    def test_a_kind_that_the_version_in_force_does_not_list_is_no_start(self):
        rules = (rule("r", MONTH, valid="{from: 2000-01-01, until: 2026-03-31}", start="[old]") +
                 rule("r", MONTH, valid="{from: 2026-04-01}", start="[new]"))
        self.expect(rules, ["old 2026-04-02T10:00", "stop 2026-04-03T10:00", "new 2026-04-04T10:00"], "2026-04-05T00:00",
                    "r#1 open anchor=2026-04-04T10:00:00", faults=["stop_before_start r U 2"])
        self.expect(rules, ["old 2026-03-02T10:00", "stop 2026-04-03T10:00", "new 2026-04-04T10:00"], "2026-04-05T00:00",
                    "r#1 late from=2000-01-01", "r#2 open")


class Faults(Language):
    def test_stop_before_start(self):
        self.expect(rule("r", MONTH), ["stop 2026-03-01T10:00", "stop 2026-03-01T11:00 -", "start 2026-03-02T10:00"],
                    "2026-03-03T00:00", "r#1 open", faults=["stop_before_start r U 1"])
        self.expect(rule("r", MONTH, look_back="true"), ["stop 2026-03-01T10:00", "start 2026-03-02T10:00"],
                    "2026-03-03T00:00", "r#1 met")
        self.expect(rule("r", MONTH), ["stop 2026-03-01T10:00"], "2026-03-03T00:00")
        self.expect(rule("r", MONTH), ["start 2026-03-01T10:00", "stop 2026-03-02T10:00", "stop 2026-03-03T10:00",
                                       "start 2026-03-04T10:00"], "2026-03-05T00:00", "r#1 met", "r#2 open")

    def test_a_start_outside_every_range_is_a_start_all_the_same(self):
        self.expect(rule("r", MONTH, valid="{from: 2026-01-01}"),
                    ["stop 2025-01-01T10:00", "start 2025-03-01T10:00", "stop 2025-03-02T10:00", "start 2026-03-04T10:00"],
                    "2026-03-05T00:00", "r#1 open", faults=["stop_before_start r U 1"])

    def test_double_start(self):
        rules = rule("r", MONTH, start="[start, begin]")
        self.expect(rules, ["start 2026-03-01T10:00", "begin 2026-03-01T10:00"], "2026-03-03T00:00", "r#1 open",
                    faults=["double_start r U 2"])
        self.expect(rules, ["start 2026-03-01T10:00", "begin 2026-03-01T10:00 V", "start 2026-03-02T10:00"],
                    "2026-03-03T00:00", "r/U#1 open", "r/V#1 open")
        self.expect(rule("r", MONTH, start="[start, begin]", valid="{from: 2027-01-01}"),
                    ["start 2026-03-01T10:00", "begin 2026-03-01T10:00"], "2026-03-03T00:00")

    def test_due_on_early_is_taken(self):
        self.expect(rule("r", "{event: true}"), ["start 2026-03-02T10:00 U 2026-03-01"], "2026-03-02T10:00:01",
                    "r#1 breached due=2026-03-01T23:59:59 breached=2026-03-02T10:00:01", faults=["due_on_early r U 1"])
        self.expect(rule("r", MONTH), ["start 2026-03-02T10:00 U 2026-03-01"], "2026-03-02T10:00:01", "r#1 open")

    def test_birth_in_future(self):
        self.expect(rule("r", MONTH), ["barn.foedt 2026-03-02T10:00:01", "start 2026-03-02T10:00:01"], "2026-03-02T10:00",
                    faults=["birth_in_future U 1"])
        self.expect(rule("r", MONTH), ["barn.foedt 2026-03-02T10:00"], "2026-03-02T10:00")

    def test_duplicate_event(self):
        first, second, later = events("stop 2026-03-03T10:00", "start 2026-03-02T10:00", "other 2027-01-01T10:00")
        for one in (first, second, later):
            one["event_id"] = "7"
        deadlines, faults = evaluate(rule("r", MONTH), case(first, second, later), "2026-03-05T00:00")
        self.assertEqual([one["state"] for one in deadlines], ["open"])
        self.assertEqual([(one["fault"], one["rule"], one["subject"], one["event_id"]) for one in faults],
                         [("duplicate_event", None, None, "7")])


class Order(Language):
    """Events of one second: ids of digits first, by value, then the others bytewise, then the order of the input."""

    def first_to_start(self, *ids):
        found = [event(f"start.{id}", "2026-03-02T10:00", id=id) for id in ids]
        rules = "".join(rule(f"r.{a}.{b}", MONTH, start=f"[start.{a}]", stop=f"[start.{b}]")
                        for a, b in (ids, ids[::-1]))
        deadlines, _ = evaluate(rules, case(*found), "2026-03-02T10:00")
        return {one["rule"]: one["state"] for one in deadlines}

    def test_ids(self):
        for first, second in (("9", "10"), ("99999999999999999999", "100000000000000000000"), ("10", "9a"), ("10", "-1"),
                              ("B", "a"), ("a", "å"), ("09", "10")):
            with self.subTest(first=first, second=second):
                states = self.first_to_start(second, first)
                self.assertEqual(states, {f"r.{first}.{second}": "met", f"r.{second}.{first}": "open"})

    def test_equal_values_keep_the_order_of_the_input(self):
        self.assertEqual(self.first_to_start("07", "7"), {"r.07.7": "met", "r.7.07": "open"})
        self.assertEqual(self.first_to_start("7", "07"), {"r.7.07": "met", "r.07.7": "open"})


MONTHS = """
  e:
    - {at: 30 days before, to: [a]}
    - {at: 5 working days before, to: [a]}
    - {at: breach, to: [a]}
    - {at: 7 days after, every: 7 days, to: [a]}
"""


class Stages(Language):
    def stages(self, rules, found, now, escalation):
        deadlines, _ = evaluate(rules, case(*events(*found)), now, "--stages", escalations=escalation)
        return [[at[:19] for at in one["stages"]] for one in deadlines], [one["next_stage"] for one in deadlines]

    def expect_stages(self, rules, found, now, escalation, *expected):
        got, _ = self.stages(rules, found, now, escalation)
        self.assertEqual(got, [list(one) for one in expected])

    def test_before_breach_and_after(self):
        rules = rule("r", "{after: 4 months}", escalation="e")  # due Thu 2 July 2026
        found = ["start 2026-03-02T10:00"]
        all_of_them = ["2026-06-02T08:00:00", "2026-06-25T08:00:00", "2026-07-03T00:00:00", "2026-07-09T08:00:00",
                       "2026-07-16T08:00:00", "2026-07-23T08:00:00"]
        self.expect_stages(rules, found, "2026-03-02T10:00", MONTHS, all_of_them[:1])
        self.expect_stages(rules, found, "2026-06-02T07:59:59", MONTHS, all_of_them[:1])
        self.expect_stages(rules, found, "2026-06-02T08:00:00", MONTHS, all_of_them[:2])
        self.expect_stages(rules, found, "2026-07-17T08:00:00", MONTHS, all_of_them)
        self.expect_stages(rules, found + ["stop 2026-07-16T08:00"], "2026-08-17T08:00:00", MONTHS, all_of_them[:5])

    def test_not_at_or_before_the_anchor_but_their_repeats(self):
        escalation = "  e: [{at: 2 weeks before, every: 1 week, to: [a]}, {at: 24 hours before, every: 12 hours, to: [a]}]"
        rules = rule("r", "{after: 10 days}", escalation="e")  # due Thu 12 March; before rows end at the due
        self.expect_stages(rules, ["start 2026-03-02T10:00"], "2026-04-01T00:00", escalation,
                           ["2026-03-05T08:00:00", "2026-03-11T23:59:59", "2026-03-12T08:00:00", "2026-03-12T11:59:59",
                            "2026-03-12T23:59:59"])

    def test_none_while_paused(self):
        rules = rule("r", "{after: 4 months}", escalation="e", pause="[pause]", resume="[resume]")
        found = ["start 2026-03-02T10:00", "pause 2026-06-03T10:00"]
        got, following = self.stages(rules, found, "2026-06-30T08:00", MONTHS)
        self.assertEqual((got, following), ([["2026-06-02T08:00:00"]], [None]))
        self.expect_stages(rules, found + ["resume 2026-06-30T10:00"], "2026-07-01T08:00", MONTHS,
                           ["2026-06-29T08:00:00", "2026-07-22T08:00:00"])

    def test_without_a_due(self):
        self.expect_stages(rule("r", "{event: true}", escalation="e"), ["start 2026-03-02T10:00"], "2027-01-01T00:00",
                           MONTHS, [])

    def test_due_not_after_the_anchor(self):
        self.expect_stages(rule("r", "{on: 2026-02-20}", escalation="e"), ["start 2026-03-02T10:00"], "2026-03-14T00:00",
                           MONTHS, ["2026-03-02T10:00:01", "2026-03-06T08:00:00", "2026-03-13T08:00:00", "2026-03-20T08:00:00"])

    def test_series_ends_with_the_breach_and_counts_misses(self):
        escalation = """
  e:
    - {at: 1 working day before, to: [a]}
    - {at: breach, every: 1 day, to: [a]}
    - {at: breach, missed: 2, to: [a]}
    - {at: 1 hour after, to: [a]}
"""
        rules = rule("r", "{every: FREQ=WEEKLY}", escalation="e")
        self.expect_stages(rules, ["start 2026-03-20T10:00"], "2026-04-10T09:00", escalation,
                           ["2026-03-26T08:00:00", "2026-03-27T10:00:01"],
                           ["2026-04-01T08:00:00", "2026-04-03T10:00:01", "2026-04-03T10:00:01"],
                           ["2026-04-09T08:00:00", "2026-04-10T10:00:01"])
        self.expect_stages(rules, ["start 2026-03-20T10:00", "stop 2026-04-01T09:00"], "2026-04-12T09:00", escalation,
                           ["2026-03-26T08:00:00", "2026-03-27T10:00:01"], ["2026-04-01T08:00:00"],
                           ["2026-04-09T08:00:00", "2026-04-10T10:00:01"],
                           ["2026-04-16T08:00:00"])

    def test_what_closes_by_itself_has_none_after_the_breach(self):
        escalation = "  e: [{at: 1 day before, to: [a]}, {at: breach, every: 1 week, to: [a]}, {at: 1 day after, to: [a]}]"
        for kind in ("expiry", "information"):
            self.expect_stages(rule("r", MONTH, kind=kind, escalation="e"), ["start 2026-03-02T10:00"], "2026-06-01T00:00",
                               escalation, ["2026-04-01T08:00:00", "2026-04-03T00:00:00"])
        self.expect_stages(rule("r", "{at_start: true}", escalation="e"), ["start 2026-03-02T10:00"], "2026-06-01T00:00",
                           escalation, ["2026-03-02T10:00:01"])

    def test_repeats_by_the_calendar(self):
        escalation = "  e: [{at: breach, every: 1 month, to: [a]}, {at: 1 day after, every: 3 working days, to: [a]}]"
        self.expect_stages(rule("r", "{on: 2026-01-30}", escalation="e"), ["start 2026-01-02T10:00"], "2026-02-09T00:00",
                           escalation, ["2026-01-31T00:00:00", "2026-01-31T08:00:00", "2026-02-04T08:00:00",
                                        "2026-02-09T08:00:00"])
        got, _ = self.stages(rule("r", "{on: 2026-01-30}", escalation="e"), ["start 2026-01-02T10:00"], "2026-05-01T00:00",
                             "  e: [{at: breach, every: 1 month, to: [a]}]")
        self.assertEqual(got, [["2026-01-31T00:00:00", "2026-02-28T08:00:00", "2026-03-31T08:00:00", "2026-04-30T08:00:00",
                                "2026-05-31T08:00:00"]])


if __name__ == "__main__":
    unittest.main()
