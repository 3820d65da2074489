# SPDX-License-Identifier: MPL-2.0
"""The daemon on real servers: from an event in the case database to the mail and the message, and back again."""

import signal
import subprocess
import time
import unittest

from support import FRISTD, StackCase
from town import Municipality

from stack import wait_until
from stack.postgres import READER

SITE = "fristd/v1/proeve"


def ago(hours, seconds=0):
    """SQL for a moment: so many hours before now, and so many seconds after that."""
    return f"now() - interval '{hours} hours' + interval '{seconds} seconds'"


class Running(StackCase):
    """A daemon that has met its municipality; whatever comes now is told as it comes."""

    SETTINGS = {}

    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.mail = self.stack.mail
        self.stream = self.stack.broker.listen("fristd/#")
        self.daemon = self.stack.daemon(FRISTD, **self.SETTINGS)
        self.daemon.start()

    def tearDown(self):
        if not self.has_failed() and self.daemon.process.is_running():
            self.assertEqual(self.daemon.stop(), 0)  # and the sanitizers have found nothing

    def notification(self, case, when, subject="U-1"):
        self.town.case(case, ("underretning.modtaget", subject, when))

    def wait_mail(self, to, case, words, count=1, **options):
        """The mail on this case whose text has these words."""
        return self.mail.wait(to, lambda mail: f"Sag {case}:" in mail.subject and words in mail.words,
                              f"mail to {to} on {case}: {words}", count, **options)

    def wait_event(self, kind, case, code="K01"):
        return self.stream.wait(
            lambda event: event.topic == f"{SITE}/event/deadline.{kind}" and event.json["data"]["case"] == case
            and event.json["data"]["code"] == code, f"{kind} of {case}").json

    def wait_told(self, notices):
        """Until the journal has this many notices and none is waiting; then nobody else will be told."""
        def told():
            rows = self.town.journal("SELECT count(*), count(*) FILTER (WHERE finished_at IS NULL) FROM notice WHERE purpose = 'stage'")
            return rows == [[str(notices), "0"]]
        wait_until(told, f"{notices} notices, none waiting")

    def wait_retained(self, topic, present):
        wait_until(lambda: (topic in self.stack.broker.retained()) == present,
                   f"{topic} is {'retained' if present else 'cleared'}")


class Alarm(Running):
    SETTINGS = {"mail": {"bounces": "fristpost@kommunen.example"}}
    BREACHED = "Lovbestemt frist er overskredet"
    NEAR = "Lovbestemt frist udløber"

    def test_comes_near_passes_and_is_met(self):
        self.notification("S-1", ago(22, 6))  # in 6 seconds there are 2 hours left: time to tell of the warning before
        late = self.wait_mail(self.town.caseworker, "S-1", "Mailen kommer senere")  # the warning 8 hours before
        warning = self.wait_mail(self.town.team_leader, "S-1", self.NEAR)
        self.assertNotIn("Mailen kommer senere", warning.words)
        self.assertEqual(self.wait_event("approaching", "S-1")["data"]["state"], "open")
        self.assertRegex(warning.subject, r"^\[K01\] Sag S-1: frist \d+\. \w+ \d{4} kl\. \d\d\.\d\d$")
        for words in ("Du får denne mail som teamleder", "Enhed: nord", "Vedrører: U-1", "Barnets lov § 136, stk. 2",
                      "Åbn sagen: https://sager.kommunen.example/sag/S-1"):
            self.assertIn(words, warning.words)
        self.assertIn("https://sager.kommunen.example/sag/S-1", warning.html)
        self.assertEqual(warning["Auto-Submitted"], "auto-generated")
        self.assertEqual(warning["Return-path"], "<fristpost@kommunen.example>")
        self.assertIn("frister@kommunen.example", warning["From"])
        self.assertRegex(warning.id, r"^<[0-9a-f]+@kommunen\.example>$")

        self.town.event("S-1", "underretning.vurderet", "U-1")
        met = self.wait_event("met", "S-1")
        self.assertEqual((met["data"]["state"], met["data"]["breached"]), ("met", None))
        self.wait_retained(f"{SITE}/deadline/K01/S-1/U-1", False)
        self.wait_told(3)
        # Who was told hears that it is done, too.
        done = self.wait_mail(self.town.team_leader, "S-1", "Lovbestemt frist: løst i tide")
        self.wait_mail(self.town.caseworker, "S-1", "Lovbestemt frist: løst i tide")
        self.assertEqual(done["References"], warning["References"])
        self.mail.wait(self.town.caseworker, count=3)
        caseworker = [mail for mail in self.mail.mails(self.town.caseworker) if mail.id != late.id]
        self.assertEqual([mail.subject for mail in caseworker], [warning.subject] * 2)

    def test_passes_and_is_met_late(self):
        topic = f"{SITE}/deadline/K01/S-1/U-1"
        self.notification("S-1", ago(24, 3))
        for person, role in ((self.town.caseworker, "sagsbehandler"), (self.town.team_leader, "teamleder"),
                             (self.town.department_head, "afdelingsleder")):
            mail = self.wait_mail(person, "S-1", self.BREACHED)
            self.assertIn(f"Du får denne mail som {role}", mail.words)
        event = self.wait_event("breached", "S-1")
        self.assertEqual((event["type"], event["subject"], event["source"]),
                         ("dk.fristd.deadline.breached.v1", "S-1", "//proeve/fristd"))
        self.assertEqual((event["data"]["subject"], event["data"]["unit"], event["data"]["state"], event["data"]["late"]),
                         ("U-1", "nord", "breached", False))
        self.assertNotIn("rule", event["data"])
        self.wait_retained(topic, True)

        self.town.event("S-1", "underretning.vurderet", "U-1")
        self.assertEqual(self.wait_event("late", "S-1")["data"]["state"], "late")
        self.stream.wait(lambda seen: seen.topic == topic and not seen.payload, "the retained state is cleared")
        self.wait_retained(topic, False)
        numbers = [int(seen.json["sequence"]) for seen in self.stream.events if "/event/" in seen.topic]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_one_thread_a_deadline(self):
        self.notification("S-1", ago(23))
        first = self.wait_mail(self.town.caseworker, "S-1", self.NEAR)
        self.town.event("S-1", "underretning.fejlregistreret", "U-1")
        self.wait_event("cancelled", "S-1")
        self.notification("S-2", ago(24, 6))
        breach = self.wait_mail(self.town.caseworker, "S-2", self.BREACHED)
        earlier = self.wait_mail(self.town.caseworker, "S-2", self.NEAR)
        self.assertEqual(breach["References"], earlier["References"])
        self.assertNotEqual(breach.id, earlier.id)
        self.assertNotEqual(first["References"], earlier["References"])

    def test_a_substitute_hears_instead(self):
        self.stack.postgres.sql("INSERT INTO fagsystem.medarbejder VALUES ('tl2', 'Navn 5', :'email');"
                                "INSERT INTO fagsystem.fravaer VALUES ('tl1', CURRENT_DATE - 3, NULL, 'tl2')",
                                email=self.mail.add("stedfortraeder"))
        self.notification("S-1", ago(25))
        mail = self.wait_mail("stedfortraeder", "S-1", self.BREACHED)
        self.assertIn("stedfortræder", mail.words)
        self.wait_told(3)  # caseworker, substitute, department head
        self.assertEqual(self.mail.mails(self.town.team_leader), [])

    def test_every_case_of_a_transaction_is_told(self):
        rows = ", ".join(f"('T-{number}', 'barn', 'nord', 'sb1')" for number in range(50))
        self.stack.postgres.sql(
            f"BEGIN; INSERT INTO fagsystem.sag (sagsnr, sagstype, enhed, sagsbehandler) VALUES {rows};"
            "INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt)"
            f" SELECT sagsnr, 'underretning.modtaget', 'U', {ago(25)} FROM fagsystem.sag WHERE sagsnr LIKE 'T-%';"
            "COMMIT;")
        for number in range(50):
            self.wait_event("breached", f"T-{number}")
        self.wait_told(150)
        found = self.mail.wait(self.town.department_head, count=50)
        self.assertEqual(len({mail.subject for mail in found}), 50)


class Database(Running):
    SETTINGS = {"casedb": {"poll_interval": "1 hour"}}

    def test_a_notification_is_enough(self):
        """Nothing is polled for an hour, so what comes within seconds has come by NOTIFY."""
        waits = []
        for number in range(1, 6):
            before = time.monotonic()
            self.notification(f"S-{number}", ago(25))
            self.mail.wait(self.town.caseworker, lambda mail, n=number: f"Sag S-{n}:" in mail.subject)
            waits.append(time.monotonic() - before)
        print(f"from psql's start to the Maildir: {sorted(waits)[2]:.3f} s at the median", flush=True)

    def test_it_comes_back(self):
        self.stack.postgres.kill()
        self.stack.postgres.start()
        self.notification("S-1", ago(25))
        self.wait_event("breached", "S-1")
        self.mail.wait(self.town.caseworker)


class Polling(Running):
    SETTINGS = {"casedb": {"poll_interval": "1 second", "notify_channel": None}}

    def test_polling_is_enough(self):
        self.notification("S-1", ago(25))
        self.wait_event("breached", "S-1")

    def test_a_late_commit_is_found(self):
        """A transaction that began before another one and commits after that one was read."""
        session = subprocess.Popen(self.stack.postgres.psql() + ["-qAt"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True, bufsize=1)
        self.addCleanup(session.communicate)
        session.stdin.write(f"""BEGIN; INSERT INTO fagsystem.sag VALUES ('S-1', 'barn', 'nord', 'sb1');
            INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt)
            VALUES ('S-1', 'underretning.modtaget', 'U-1', {ago(25)}); SELECT 'recorded';\n""")
        self.assertEqual(session.stdout.readline(), "recorded\n")
        self.notification("S-2", ago(25))
        self.wait_event("breached", "S-2")
        session.stdin.write("COMMIT;\n")
        self.wait_event("breached", "S-1")


class BadRows(Running):
    """What cannot be read is said, to those who can put it right, and every other case goes on."""

    def look_at_everything(self):
        """As every night; a change of the rules brings it about as well."""
        with open(self.daemon.config / "rules/calendars.yaml", "a", encoding="utf-8") as rules:
            rules.write("# changed\n")
        self.daemon.reload()

    def test_each_fault_is_told_and_the_others_go_on(self):
        sql = self.stack.postgres.sql
        # A source that cannot be relied on gives its times as text.
        sql("""DROP VIEW fristd.events;
               CREATE VIEW fristd.events AS
               SELECT haendelse::text AS event_id, sagsnr AS case_id, emne AS subject, art AS kind,
                      CASE bemaerkning WHEN '' THEN tidspunkt::text WHEN 'null' THEN NULL ELSE bemaerkning END
                          AS occurred_at,
                      frist AS due_on
               FROM fagsystem.haendelse""")
        sql("GRANT SELECT ON fristd.events TO " + READER)
        sql("""BEGIN;
               INSERT INTO fagsystem.sag SELECT 'F-' || n, 'barn', 'nord', 'sb1' FROM generate_series(1, 5) n;
               INSERT INTO fagsystem.sag VALUES ('F-6', 'barn', NULL, NULL), ('F-7', repeat('x', 10000000), 'nord', 'sb1');
               INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt, bemaerkning) VALUES
                   ('F-1', 'underretning.modtaget', 'U-1', now(), 'null'),
                   ('F-2', 'underretning.modtaget', 'U-1', now(), '2026-02-30 10:00:00+01'),
                   ('F-3', 'underretning.modtaget', 'U-1', now(), 'infinity'),
                   ('F-4', repeat('k', 10000000), 'U-1', now(), ''),
                   ('F-5', 'underretning.ukendt', 'U-1', now(), ''),
                   ('F-6', 'underretning.modtaget', 'U-1', now() - interval '25 hours', '');
               COMMIT;""")
        self.notification("S-1", ago(25))
        self.wait_event("breached", "S-1")
        self.wait_mail(self.town.caseworker, "S-1", "overskredet")

        def faults():
            rows = self.town.journal("SELECT case_id, code FROM data_fault ORDER BY 1, 2")
            return {case: code for case, code in rows}
        expected = {"F-1": "bad_row", "F-2": "bad_row", "F-3": "bad_row", "F-4": "bad_row", "F-5": "unknown_kind",
                    "F-6": "bad_row", "F-7": "bad_row"}
        wait_until(lambda: faults().keys() >= expected.keys(), f"faults of {sorted(expected)}")
        self.assertEqual({case: faults()[case] for case in expected}, expected)
        self.look_at_everything()
        told = self.mail.wait("datakvalitet", lambda mail: all(case in mail.words for case in expected), "the fault report")
        self.assertNotIn("2026-02-30", told.words)
        self.assertNotIn("xxx", told.words + self.daemon.log())
        self.assertNotIn("kkk", told.words + self.daemon.log())

        # Put right, it is an ordinary case.
        sql("UPDATE fagsystem.haendelse SET bemaerkning = '' WHERE sagsnr = 'F-2'")
        self.wait_event("opened", "F-2")
        wait_until(lambda: "F-2" not in faults(), "the fault of F-2 is gone")

    def test_events_alone_do_not_keep_a_case(self):
        self.notification("S-1", ago(25))
        self.notification("S-2", ago(25))
        for case in ("S-1", "S-2"):
            self.wait_event("breached", case)
        self.stack.postgres.sql("""
            CREATE OR REPLACE VIEW fristd.cases AS
            SELECT sagsnr AS case_id, sagstype AS case_type, enhed AS unit, sagsbehandler AS caseworker
            FROM fagsystem.sag WHERE sagsnr <> 'S-1'""")
        self.look_at_everything()
        self.wait_event("withdrawn", "S-1")
        wait_until(lambda: self.town.journal("SELECT case_id, code FROM data_fault") == [["S-1", "unknown_case"]],
                   "the fault of S-1 alone")
        self.assertEqual(self.town.journal("SELECT DISTINCT case_id FROM deadline"), [["S-2"]])


class Delivery(Running):
    def test_greylisted_mail_arrives_once(self):
        self.mail.defer(self.town.team_leader)
        self.notification("S-1", ago(25))
        self.mail.wait(self.town.caseworker)
        wait_until(lambda: int(self.town.journal("SELECT max(attempts) FROM notice")[0][0]) >= 2, "a second attempt")
        self.assertEqual(self.mail.mails(self.town.team_leader), [])
        self.mail.add(self.town.team_leader)
        self.mail.wait(self.town.team_leader)
        self.wait_told(3)
        self.assertEqual(len(self.mail.mails(self.town.team_leader)), 1)

    def test_refused_mail_is_told_further_up(self):
        self.mail.refuse(self.town.caseworker)
        self.notification("S-1", ago(25))
        self.wait_event("notice_failed", "S-1")
        report = self.mail.wait("drift", lambda mail: "S-1" in mail.words, "the operators hear of it")
        self.assertNotIn(self.town.caseworker, report.words)
        self.mail.wait(self.town.team_leader)
        wait_until(lambda: self.town.journal("SELECT person_id, state FROM notice WHERE state <> 'sent'") == [["sb1", "abandoned"]],
                   "all the others have got theirs")

    def test_mail_does_not_wait_for_the_broker_nor_events_for_mail(self):
        self.stack.broker.kill()
        self.notification("S-1", ago(25))
        self.mail.wait(self.town.caseworker)
        self.stack.mail.kill()
        self.stack.broker.start()
        self.notification("S-2", ago(25))
        self.wait_retained(f"{SITE}/deadline/K01/S-1/U-1", True)
        self.wait_retained(f"{SITE}/deadline/K01/S-2/U-1", True)
        status = self.stack.broker.retained()[f"{SITE}/status"]
        self.assertIn('"online"', status)
        self.town.wait_published()
        self.stack.mail.start()
        self.mail.wait(self.town.caseworker, lambda mail: "S-2" in mail.subject)


class Life(Running):
    def test_stop_and_start(self):
        self.notification("S-1", ago(25))
        self.wait_told(3)
        self.assertEqual(self.daemon.stop(), 0)
        self.assertIn('"offline"', self.stack.broker.retained()[f"{SITE}/status"])
        self.notification("S-2", ago(25))
        mails = len(self.town.all_mails())
        self.daemon.start()
        self.wait_event("breached", "S-2")
        self.mail.wait(self.town.department_head, lambda mail: "S-2" in mail.subject)
        self.wait_told(6)
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(len(self.town.all_mails()), mails + 3)  # nothing about S-1 again

    def test_terminated_while_its_mail_waits(self):
        """What the mail server never took is not lost, nor kept waiting for."""
        self.mail.kill()
        self.notification("S-1", ago(25))
        self.wait_event("breached", "S-1")
        self.assertEqual(self.daemon.stop(), 0)
        self.mail.start()
        self.daemon.start()
        for person in (self.town.caseworker, self.town.team_leader, self.town.department_head):
            self.mail.wait(person)
        self.wait_told(3)

    def test_a_wrong_configuration_is_not_taken(self):
        for name, old, new, said in [
                ("templates/da/notice.txt", "{{heading}}", "{{headin}}", r'notice\.txt:2:1: unknown field "headin"'),
                ("templates/da/notice.txt", "{{/matter}}", "", r'notice\.txt:\d+:1: the section "matter" is never closed'),
                ("rules/escalations.yaml", "to: [caseworker]", "to: []", r"escalations\.yaml:\d+:\d+: to must name at least one role"),
                ("rules/a-underretning.yaml", "  - id: ", "  - idd: ", r"a-underretning\.yaml:\d+:\d+: .*idd")]:
            path = self.daemon.config / name
            original = path.read_text()
            self.assertIn(old, original)
            path.write_text(original.replace(old, new, 1))
            self.daemon.reload()
            self.assertRegex(self.daemon.log(), said)
            path.write_text(original)
        self.daemon.change(notices={"hours": "mo-fr 16:00-08:00"})
        self.daemon.reload()
        self.assertRegex(self.daemon.log(), "notices.hours: the hours 16:00-08:00 run backwards")
        # Delivery goes on with what it had.
        self.notification("S-1", ago(25))
        self.wait_mail(self.town.caseworker, "S-1", "overskredet")
        self.assertEqual(self.daemon.command("check").returncode, 2)

    def test_reload_changes_what_it_says_and_repeats_nothing(self):
        self.notification("S-1", ago(25))
        self.wait_told(3)
        self.daemon.reload()
        self.daemon.change(language="en")
        self.daemon.reload()
        self.notification("S-2", ago(25))
        mail = self.mail.wait(self.town.caseworker, lambda mail: "S-2" in mail.subject)
        self.assertIn("Case S-2", mail.subject)
        self.wait_told(6)
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(len(self.town.all_mails(self.town.caseworker)), 2)

    def test_the_watchdog_is_fed(self):
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start(environment={"WATCHDOG_USEC": "600000"})
        self.daemon.wait_state("WATCHDOG=1", count=5)

    def test_stopping_is_said(self):
        self.daemon.process.send(signal.SIGTERM)
        self.daemon.wait_state("STOPPING=1")
        self.assertEqual(self.daemon.process.wait(), 0)

    def test_only_one_at_a_time(self):
        other = self.stack.daemon(FRISTD, name="other")
        other.start(ready=False)
        wait_until(lambda: "another" in other.log() or "already" in other.log(), "the second one says why it waits")
        self.assertNotIn("READY=1", other.states)


if __name__ == "__main__":
    unittest.main()
