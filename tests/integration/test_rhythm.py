# SPDX-License-Identifier: MPL-2.0
"""Which notices share a mail and when it goes, with the configuration's defaults, in virtual time: every start is a new process
that knows only what the journal says."""

import collections
import email.utils
import os
import re
import shutil
import subprocess
import unittest

from mail_sink import MailSink
from stack import wait_until
from town import Municipality
from support import FRISTD, StackCase

FAULT_CALLS = os.environ["FAULT_CALLS"]
DEFAULTS = {"group_wait": "30 seconds", "hours": "mo-fr 08:00-16:00", "mails_per_day": 10, "urgent_per_hour": 10}


class Rhythm(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD, notices=DEFAULTS, log={"level": "info"})
        self.daemon.write_settings()

    def change(self, **notices):
        self.daemon.change(notices=notices)
        self.daemon.write_settings()

    def run_at(self, at, status=0):
        done = self.daemon.command("run", "--once", "--at", at, timeout=120)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def arrived(self, person):
        """(when it went, subject, text) of each mail to this person so far, in the order in which they went."""
        self.town.mails("")  # all are delivered
        mails = [mail for mail in self.stack.mail.mails() if mail.to == person]
        return sorted(((email.utils.parsedate_to_datetime(mail["Date"]).isoformat(), mail) for mail in mails),
                      key=lambda pair: pair[0])

    def times(self, person):
        return [when for when, _ in self.arrived(person)]

    def assert_all_finished(self):
        self.assertEqual(self.town.journal("SELECT id FROM notice WHERE finished_at IS NULL"), [])


class Hours(Rhythm):
    def assessments(self, begun, *cases):
        for case in cases:
            self.town.case(case, ("bfu.opmaerksom", "B-1", f"'{begun} 10:00+01'"))

    def test_what_happens_at_night_is_one_mail_in_the_morning(self):
        """Three assessments run out with Saturday 28 February 2026."""
        self.run_at("2026-02-20T09:00")
        self.assessments("2025-10-31", "S-1", "S-2", "S-3")
        self.run_at("2026-02-28T23:00")  # the last warning, late and at night: it waits
        self.run_at("2026-03-01T00:00:01")  # the breach takes its place with those who hear of it
        for at in ("2026-03-01T12:00", "2026-03-01T23:59", "2026-03-02T07:59:59", "2026-03-02T08:00:29"):
            self.run_at(at)
            self.assertEqual(self.stack.mail.mails(), [], at)
        explained = self.daemon.command("explain", "S-1", "--language", "en").stdout
        self.assertRegex(explained, r"waits for office hours until\s+Mon 2026-03-02 at 08:00:30")
        status = self.daemon.command("status").stdout
        self.assertRegex(status, r"\n +15  for office hours\n")

        self.run_at("2026-03-02T08:00:30")
        for person, role in ((self.town.caseworker, "sagsbehandler"), (self.town.team_leader, "teamleder"),
                             (self.town.department_head, "afdelingsleder")):
            (when, mail), = self.arrived(person)
            self.assertEqual(when, "2026-03-02T08:00:30+01:00")
            self.assertRegex(mail.subject, r"^\[K20\] 3 lovbestemte frister overskredet$")
            self.assertIn("sendes i kontortiden", mail.words)
            self.assertIn(f"Du får beskeden som {role}", mail.words)
            for case in ("S-1", "S-2", "S-3"):
                self.assertIn(f"Sag: {case} ", mail.words)
                self.assertIn(f"/sag/{case}\n", mail.text)
        self.assert_all_finished()
        explained = self.daemon.command("explain", "S-1", "--language", "en").stdout
        self.assertRegex(explained, r"together\s+with\s+2\s+others")

    def test_urgent_ones_go_at_night_and_alone(self):
        self.run_at("2026-02-20T09:00")
        self.assessments("2025-10-31", "S-1")
        self.town.case("S-9", ("underretning.modtaget", "U-1", "'2026-02-28 03:00+01'"))
        self.run_at("2026-02-28T03:00:10")
        self.run_at("2026-03-01T03:00:01")
        for person in (self.town.caseworker, self.town.team_leader, self.town.department_head):
            mails = self.arrived(person)
            self.assertEqual([mail.subject for when, mail in mails if when == "2026-03-01T03:00:01+01:00"],
                             ["[K01] Sag S-9: frist 1. marts 2026 kl. 03.00"])
        self.run_at("2026-03-02T08:00:30")
        self.assertIn("[K20] Sag S-1: frist 28. februar 2026",
                      [mail.subject for _, mail in self.arrived(self.town.department_head)])

    def test_holidays_and_both_clock_changes(self):
        """Breaches on Maundy Thursday 2 April and on Sunday 25 October, before and after the hour that comes twice."""
        self.run_at("2025-11-30T09:00")
        self.assessments("2025-12-01", "S-1")  # due on 1 April
        self.assessments("2026-06-24", "S-2")  # due on 24 October
        self.assessments("2025-11-28", "S-3")  # due on 28 March, the day before the clock goes forward
        for at in ("2026-03-29T00:00:01", "2026-03-30T07:59:59", "2026-03-30T08:00:30"):
            self.run_at(at)
        self.town.event("S-3", "bfu.afsluttet", "B-1", "'2026-03-31 09:00+02'")
        for at in ("2026-03-31T09:00:01", "2026-04-01T08:00:30",  # that it is done, to those who had heard of it
                   "2026-04-02T00:00:01", "2026-04-06T12:00", "2026-04-07T08:00:29", "2026-04-07T08:00:30"):
            self.run_at(at)
        # Its repeats are not of interest here.
        self.town.event("S-1", "bfu.afsluttet", "B-1", "'2026-04-07 09:00+02'")
        for at in ("2026-04-07T09:00:01", "2026-04-08T08:00:30", "2026-10-24T12:00", "2026-10-25T00:00:01+02:00",
                   "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-26T07:59:59", "2026-10-26T08:00:30"):
            self.run_at(at)
        told = {}
        for when, mail in self.arrived(self.town.department_head):
            told.setdefault(mail.subject, when)  # the first of each thread
        self.assertEqual(told["[K20] Sag S-3: frist 28. marts 2026"], "2026-03-30T08:00:30+02:00")
        self.assertEqual(told["[K20] Sag S-1: frist 1. april 2026"], "2026-04-07T08:00:30+02:00")
        self.assertEqual(told["[K20] Sag S-2: frist 24. oktober 2026"], "2026-10-26T08:00:30+01:00")

    def test_a_unit_with_hours_of_its_own(self):
        self.change(units={"familie": "always"})
        self.run_at("2026-02-20T09:00")
        self.assessments("2025-10-31", "S-1")
        self.run_at("2026-03-01T00:00:01")
        self.run_at("2026-03-01T00:00:31")
        # All of them work in that unit or below it.
        self.assertEqual(self.times(self.town.team_leader), ["2026-03-01T00:00:31+01:00"])
        self.assertNotIn("ventet", self.arrived(self.town.team_leader)[0][1].words)
        self.assertRegex(self.daemon.command("check").stdout, "mail that is not urgent goes Mon–Fri 08:00–16:00, not on holidays"
                                                              r"\n[^\n]*in familie and the units below it: day and night")

    def test_the_backlog_of_a_first_run_at_night(self):
        """On Friday evening: everybody gets it on Monday, with the date that it counts: the leaders counts and the worst, the
        caseworker a list. What it covers is told again with its next step."""
        self.assessments("2025-10-01", "S-1", "S-2", "S-3")
        self.assessments("2025-09-15", "S-4")  # the oldest
        self.assessments("2025-11-10", "S-5")  # due on 10 March: its first warning has passed
        self.assessments("2026-02-01", "S-6")  # nothing of it has come
        for at in ("2026-02-20T22:00", "2026-02-21T12:00", "2026-02-23T08:00:29"):
            self.run_at(at)
            self.assertEqual(self.stack.mail.mails(), [], at)
        self.run_at("2026-02-23T08:00:30")
        for person in (self.town.team_leader, self.town.department_head, self.town.centre_head):
            (when, mail), = self.arrived(person)
            self.assertEqual(when, "2026-02-23T08:00:30+01:00")
            self.assertIn("optælling pr. fredag den 20. februar 2026", mail.words)
            self.assertIn("4 overskredet", mail.words)
            self.assertEqual(self.listed(mail.words), ["S-4", "S-1", "S-2", "S-3"])
        (when, mail), = self.arrived(self.town.caseworker)
        self.assertEqual((when, mail.subject), ("2026-02-23T08:00:30+01:00", "Status på dine frister pr. 20. februar 2026"))
        broken, coming = mail.words.split("På vej:")
        self.assertEqual((self.listed(broken), self.listed(coming)), (["S-4", "S-1", "S-2", "S-3"], ["S-5"]))
        self.assertIn("overskredet med", broken)
        self.assertNotIn("Navn", mail.text + mail.html)
        # The weekly repeat of the breaches goes to the leaders; S-5 is told with its next step, the fifth working day before.
        for at in ("2026-02-23T09:00", "2026-02-24T09:00", "2026-02-25T09:00", "2026-03-03T08:00"):
            self.run_at(at)
        self.run_at("2026-03-03T08:30")
        later = [mail for _, mail in self.arrived(self.town.caseworker)[1:]]
        self.assertEqual(["S-5" in mail.subject + mail.text for mail in later], [True])
        self.assertEqual(self.journal_purposes("S-5"), ["stage"] * 2)

    @staticmethod
    def listed(text):
        return re.findall(r" · (S-\d+) ·", text)

    def journal_purposes(self, case_id):
        return [row[0] for row in self.town.journal("SELECT purpose FROM notice WHERE case_id = :'id' ORDER BY id", id=case_id)]

    def test_hours_that_cannot_be(self):
        for notices, words in (({"hours": "mo-fr 16:00-08:00"}, r"fristd\.yaml:\d+:\d+: notices\.hours: the hours 16:00-08:00 run backwards"),
                               ({"units": {"nord": "fr-mo 08:00-16:00"}}, r"fristd\.yaml:\d+:\d+: notices\.units: the weekdays fr-mo run backwards")):
            self.daemon.change(notices=DEFAULTS | notices)
            self.daemon.write_settings()
            done = self.daemon.command("check")
            self.assertEqual(done.returncode, 2 if "refused" in done.stdout else done.returncode)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stdout + done.stderr, words)
        self.daemon.change(notices=DEFAULTS | {"units": {"nrod": "always"}})
        self.daemon.write_settings()
        done = self.daemon.command("check", "--database")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr,
                         r"fristd\.yaml:\d+:\d+: the case database has no unit \"nrod\"; did you mean \"nord\"\?")


class Together(Rhythm):
    def setUp(self):
        super().setUp()
        self.change(hours="always")

    def test_done_before_it_was_sent_is_left_out(self):
        self.run_at("2026-02-20T09:00")
        for case in ("S-1", "S-2", "S-3"):
            self.town.case(case, ("bfu.opmaerksom", "B-1", "'2025-10-31 10:00+01'"))
        self.run_at("2026-03-01T00:00:01")
        self.town.event("S-2", "bfu.afsluttet", "B-1", "'2026-03-01 00:00:20+01'")
        self.run_at("2026-03-01T00:00:31")
        (_, mail), = self.arrived(self.town.department_head)
        self.assertEqual(mail.subject, "[K20] 2 lovbestemte frister overskredet")
        self.assertNotIn("S-2", mail.words)
        self.assertEqual(self.town.journal("SELECT case_id, last_reply FROM notice WHERE state = 'abandoned' AND person_id = 'al1'"),
                         [["S-2", "out of date: done, moved or told anew in the meantime"]])

    def test_not_more_mails_a_day_than_the_bound(self):
        self.change(mails_per_day=2)
        self.run_at("2026-02-20T09:00")
        for day in range(1, 6):  # due at the ends of five days in a row
            self.town.case(f"S-{day}", ("bfu.opmaerksom", "B-1", f"'2025-11-0{day} 10:00+01'"))
        for day in range(2, 8):
            for time in ("00:00:01", "00:00:31", "08:00:01", "08:00:31", "12:00"):
                self.run_at(f"2026-03-0{day}T{time}")
        # Enough on one day: nothing more is told on it, and nothing is lost.
        for person in (self.town.caseworker, self.town.team_leader, self.town.department_head):
            days = collections.Counter(when[:10] for when in self.times(person))
            self.assertLessEqual(max(days.values()), 2, days)
        self.run_at("2026-03-08T00:00:31")
        self.assert_all_finished()
        lost = self.town.journal("SELECT count(*) FROM notice WHERE purpose = 'stage' AND state <> 'sent'")
        self.assertEqual(lost, [["0"]])

    def test_refused_for_all_that_it_carried(self):
        """Each of them is told to the next level, together in one mail; the operators hear of it once."""
        self.run_at("2026-02-20T09:00")
        for number in range(12):
            self.town.case(f"S-{number:02}", ("bfu.opmaerksom", "B-1", "'2025-10-31 10:00+01'"))
        self.stack.mail.refuse("afdelingsleder")
        self.run_at("2026-03-01T00:00:01")
        self.run_at("2026-03-01T00:00:31")
        (_, mail), = self.arrived(self.town.centre_head)
        self.assertEqual(mail.subject, "[K20] 12 lovbestemte frister overskredet")
        self.assertIn("De 10 vigtigste", mail.words)
        rows = self.town.journal("SELECT count(*), count(DISTINCT case_id) FROM notice WHERE person_id = 'al1' AND state = 'abandoned'")
        self.assertEqual(rows, [["12", "12"]])
        self.assertEqual(self.town.journal("SELECT count(*) FROM notice WHERE person_id = 'cc1' AND state = 'sent'"), [["12"]])
        self.assertEqual(len(self.arrived("drift@kommunen.example")), 1)
        self.assertEqual(self.town.journal("SELECT count(*) FROM transition WHERE kind = 'notice_failed'"), [["12"]])
        self.assert_all_finished()

    def test_a_flood_is_one_mail_a_leader(self):
        """A day out of service: three hundred notifications of concern have passed their 24 hours."""
        self.run_at("2026-02-20T09:00")
        rows = ", ".join(f"('F-{number}', 'barn', 'nord', 'sb1', '')" for number in range(300))
        events = ", ".join(f"('F-{number}', 'underretning.modtaget', 'U', '2026-02-24 10:00+01'::timestamptz + {number} * interval '1 second')"
                           for number in range(300))
        self.stack.postgres.sql(f"BEGIN; INSERT INTO fagsystem.sag VALUES {rows};"
                                f"INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt) VALUES {events}; COMMIT")
        self.run_at("2026-02-26T09:00")
        self.assertEqual(self.stack.mail.mails(), [])
        self.run_at("2026-02-26T09:05")
        for person in (self.town.caseworker, self.town.team_leader, self.town.department_head):
            mails = [mail for _, mail in self.arrived(person)]
            self.assertLessEqual(len(mails), 1)
        (_, mail), = self.arrived(self.town.team_leader)
        self.assertIn("300 lovbestemte frister overskredet", mail.subject)
        self.assertIn("De 10 vigtigste", mail.words)
        self.assertIn("Sag: F-0 ", mail.words)
        self.assertLess(len(mail.text), 6000)
        self.assert_all_finished()


class FollowUp(Rhythm):
    """Those who were told of a deadline hear what became of it, with their next mail or on the next morning; nobody else does."""

    def entries(self, mail):
        return [part.get_content() if isinstance(part.get_content(), str) else part.get_content().decode()
                for part in mail.message.walk() if part.get_content_type() == "text/calendar"]

    def test_done_moved_and_cancelled(self):
        self.run_at("2026-01-02T09:00")
        for case in ("S-1", "S-2"):
            self.town.case(case, ("hjemvisning.modtaget", "H-1", "'2026-01-05 10:00+01'"))
        # Fourteen days before the eight weeks are over the caseworker is warned, and gets an entry for the calendar.
        self.run_at("2026-02-16T08:00:01")
        self.run_at("2026-02-16T08:00:31")
        first = [mail for _, mail in self.arrived(self.town.caseworker) if "K70" in mail.subject][-1]
        for at in ("2026-02-16T09:00:01", "2026-02-16T09:00:31"):  # this week's follow-up was missed
            self.run_at(at)
        self.assertEqual([("METHOD:PUBLISH" in entry, "DTSTART;VALUE=DATE:20260302" in entry) for entry in self.entries(first)],
                         [(True, True)] * 2)
        self.town.event("S-1", "hjemvisning.frist_forlaenget", "H-1", "'2026-02-17 09:00+01'", due_on="'2026-03-16'")
        self.town.event("S-2", "hjemvisning.ny_afgoerelse_sendt", "H-1", "'2026-02-17 09:00+01'")
        self.run_at("2026-02-17T09:00:01")
        before = len(self.stack.mail.mails())
        self.run_at("2026-02-17T15:00")
        self.assertEqual(len(self.stack.mail.mails()), before, "it has no moment of its own")
        self.run_at("2026-02-18T08:00:30")
        news = [mail for when, mail in self.arrived(self.town.caseworker) if when.startswith("2026-02-18")]
        self.assertEqual(len(news), 1)
        self.assertIn("flyttet til en ny dato", news[0].words)
        self.assertIn("16. marts 2026", news[0].words)
        self.assertIn("løst i tide", news[0].words)
        entries = sorted(self.entries(news[0]), key=lambda entry: "METHOD:CANCEL" in entry)
        self.assertIn("METHOD:PUBLISH", entries[0])
        self.assertIn("DTSTART;VALUE=DATE:20260316", entries[0])
        self.assertIn("METHOD:CANCEL", entries[1])
        uids = {line for entry in self.entries(first) for line in entry.splitlines() if line.startswith("UID:")}
        self.assertEqual({line for entry in entries for line in entry.splitlines() if line.startswith("UID:")}, uids)
        told = {row[0] for row in self.town.journal("SELECT person_id FROM notice WHERE purpose = 'follow_up' AND state = 'sent'")}
        self.assertEqual(told, {"sb1"})
        self.assert_all_finished()

    def met_in_february(self):
        """One of which the caseworker has been told, done on Tuesday 17 February 2026."""
        self.run_at("2026-01-02T09:00")
        self.town.case("S-2", ("hjemvisning.modtaget", "H-1", "'2026-01-05 10:00+01'"))
        for at in ("2026-02-16T08:00:01", "2026-02-16T08:00:31", "2026-02-16T09:00:01", "2026-02-16T09:00:31"):
            self.run_at(at)
        self.town.event("S-2", "hjemvisning.ny_afgoerelse_sendt", "H-1", "'2026-02-17 09:00+01'")
        self.run_at("2026-02-17T09:00:01")

    def told_of_it(self):
        return [when for when, mail in self.arrived(self.town.caseworker) if "løst i tide" in mail.words]

    def test_a_morning_that_nobody_saw(self):
        """The daemon was away when its time came: it waits for the next office hours, not for the next start."""
        self.met_in_february()
        for at in ("2026-02-18T16:01", "2026-02-18T22:00", "2026-02-19T07:59:59", "2026-02-19T08:00:29", "2026-02-19T08:00:30"):
            self.assertEqual(self.told_of_it(), [], at)
            self.run_at(at)
        self.assertEqual(self.told_of_it(), ["2026-02-19T08:00:30+01:00"])
        self.assert_all_finished()

    def test_in_the_hours_of_the_unit(self):
        self.met_in_february()
        self.change(units={"nord": "mo-fr 10:00-14:00"})
        for at in ("2026-02-18T08:00:30", "2026-02-18T10:00:29", "2026-02-18T10:00:30"):
            self.assertEqual(self.told_of_it(), [], at)
            self.run_at(at)
        self.assertEqual(self.told_of_it(), ["2026-02-18T10:00:30+01:00"])

    def test_who_has_left(self):
        """It is nothing to him any more, and the operators are not asked about it."""
        self.met_in_february()
        self.stack.postgres.sql("BEGIN; INSERT INTO fagsystem.medarbejder SELECT 'sb2', 'Navn 5', email FROM fagsystem.medarbejder"
                                " WHERE medarbejder = 'sb1'; UPDATE fagsystem.funktion SET medarbejder = 'sb2' WHERE medarbejder = 'sb1';"
                                "UPDATE fagsystem.sag SET sagsbehandler = 'sb2';"
                                "DELETE FROM fagsystem.medarbejder WHERE medarbejder = 'sb1'; COMMIT")
        self.run_at("2026-02-17T10:00")
        self.run_at("2026-02-18T08:00:30")
        self.assertEqual(self.told_of_it(), [])
        self.assertEqual(self.town.journal("SELECT state FROM notice WHERE purpose = 'follow_up' AND person_id = 'sb1'"), [["abandoned"]])
        self.assertEqual(self.arrived("drift@kommunen.example"), [])

    def test_whose_mail_was_on_its_way(self):
        """Done while the mail server thinks about the mail that it is not: who gets that hears of the other, too."""
        sink = MailSink(self.stack, faults=[{"at": "DOT", "hold": True}])
        self.daemon.change(mail=sink.settings())
        self.daemon.start()
        self.town.case("S-9", ("underretning.modtaget", "U-1", "now() - interval '23 hours'"))
        wait_until(lambda: (report := sink.report())["open"] >= 2 and report["faults_met"], "both mails are on their way")
        self.town.event("S-9", "underretning.vurderet", "U-1")
        wait_until(lambda: "K01 met" in self.town.transitions("S-9"), "it is done")
        self.assertEqual(sink.mails(), [])
        sink.release()
        wait_until(lambda: len(sink.mails()) == 4, "both are told of it")
        self.daemon.stop()
        self.assertEqual(self.town.journal("SELECT person_id, purpose, state FROM notice WHERE case_id = 'S-9' ORDER BY 2, 1"),
                         [["sb1", "follow_up", "sent"], ["tl1", "follow_up", "sent"],
                          ["sb1", "stage", "sent"], ["tl1", "stage", "sent"]])

    def test_urgent_at_once_and_only_the_last_word(self):
        self.run_at("2026-02-20T09:00")
        self.town.case("S-9", ("underretning.modtaget", "U-1", "'2026-02-27 03:00+01'"))
        self.run_at("2026-02-28T03:00:01")
        self.town.event("S-9", "underretning.vurderet", "U-1", "'2026-02-28 03:30+01'")
        self.run_at("2026-02-28T03:30:01")
        subjects = [(when, mail) for when, mail in self.arrived(self.town.department_head) if "K01" in mail.subject]
        self.assertEqual([when for when, _ in subjects], ["2026-02-28T03:00:01+01:00", "2026-02-28T03:30:01+01:00"])
        self.assertIn("løst efter fristen", subjects[1][1].words)
        self.assertIn("fordi du tidligere har fået besked om den", subjects[1][1].words)
        self.assertEqual(subjects[0][1]["References"], subjects[1][1]["References"])


class Killed(Rhythm):
    """kill -9 at each sending between the forming of a mail and its outcome: the same set goes again, under the same Message-ID."""

    def test_the_same_set_under_the_same_id(self):
        self.change(hours="always", mails_per_day=0)
        fired = self.daemon.path / "fired"
        shim = shutil.copy(FAULT_CALLS, self.daemon.path)
        preload = {"LD_PRELOAD": shim, "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0", "FAULT_KIND": "kill",
                   "FAULT_ONLY": "sending", "FAULT_FIRED": str(fired)}
        self.run_at("2026-02-20T09:00")

        def round_of(number):
            cases = [f"R-{number}-{letter}" for letter in "abc"]
            for case in cases:
                self.town.case(case, ("bfu.opmaerksom", "B-1", "'2025-10-31 10:00+01'"))
            self.run_at("2026-03-01T00:00:01")
            fired.unlink(missing_ok=True)
            subprocess.run(self.daemon.account.command([self.daemon.binary, "run", "--once", "--at", "2026-03-01T00:00:31",
                                                        "--config", self.daemon.path / "fristd.yaml"], 9),
                           env=self.daemon.environment() | preload | {"FAULT_AT": str(number)}, capture_output=True, text=True,
                           check=False, cwd="/", timeout=120)
            formed = self.town.journal("SELECT id, carried_by FROM notice WHERE carried_by IS NOT NULL ORDER BY id")
            self.run_at("2026-03-01T00:00:31")
            after = dict(map(tuple, self.town.journal("SELECT id, carried_by FROM notice ORDER BY id")))
            for notice, carrier in formed:
                self.assertEqual(after[notice], carrier, "what was formed stands")
            mails = [mail for _, mail in self.arrived(self.town.department_head) if cases[0] in mail.words]
            self.assertIn(len(mails), (1, 2))
            self.assertEqual(len({mail.id for mail in mails}), 1)
            for mail in mails:
                for case in cases:
                    self.assertIn(f"Sag: {case} ", mail.words)
            self.assert_all_finished()
            return fired.exists(), len(mails) - 1

        number, met, twice = 60, True, 0
        while met:
            met, more = round_of(number)
            twice += more
            number += 3
        print(f"killed {(number - 63) // 3} times between deciding and outcome: {twice} mails twice, with the same Message-ID")
        self.assertGreater(number, 90)


if __name__ == "__main__":
    unittest.main()
