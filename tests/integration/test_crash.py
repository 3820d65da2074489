# SPDX-License-Identifier: MPL-2.0
"""Ends the real daemon at every call it makes to the outside, starts it again, and counts: nothing is lost, and a mail
comes twice only where it was accepted and its outcome not yet written down, then with the same Message-ID."""

import collections
import os
import subprocess
import unittest

from town import Municipality
from support import FRISTD, StackCase

FAULT_CALLS = os.environ["FAULT_CALLS"]
# A notification of concern that was not assessed within its 24 hours: the caseworker and two leaders are told.
EVENT = ("underretning.modtaget", "U-1", "now() - interval '24 hours 1 minute'")
EXPECTED = {"K01 opened": 1, "K01 breached": 1, "K02 opened": 1}
# The shim goes first; the sanitizer's runtime does not mind.
PRELOAD = {"LD_PRELOAD": FAULT_CALLS, "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}


class Faults(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD, log={"level": "info"})
        self.daemon.write_settings()
        self.fired = self.daemon.path / "fired"
        self.stream = self.stack.broker.listen("fristd/#")
        self.assertEqual(self.run_once().returncode, 0)  # the journal is made, the rules are taken in

    def run_once(self, **environment):
        return subprocess.run(
            self.daemon.account.command([self.daemon.binary, "run", "--once", "--config", self.daemon.path / "fristd.yaml"], 9),
            env=self.daemon.environment() | environment, capture_output=True, text=True, check=False, cwd="/", timeout=120)

    def run_with_fault(self, kind, number, times=1):
        """Whether the fault was met at all: beyond the last call there is none."""
        self.fired.unlink(missing_ok=True)
        done = self.run_once(**PRELOAD, FAULT_KIND=kind, FAULT_AT=str(number), FAULT_TIMES=str(times), FAULT_FIRED=str(self.fired))
        self.assertNotIn("Sanitizer", done.stderr)
        return self.fired.exists(), done

    def sent_by_journal(self, case):
        rows = self.town.journal("SELECT message_key FROM notice WHERE case_id = :'id' AND state = 'sent'", id=case)
        return {row[0] for row in rows}

    def check(self, case, number):
        """Everybody was told; every transition is in the journal once and went out at least once, in order."""
        mails = self.town.mails(case)
        told = {mail.to for mail in mails}
        self.assertEqual(told, {self.town.caseworker, self.town.team_leader, self.town.department_head}, f"fault {number}")
        for person in told:
            self.assertEqual(len({mail.id for mail in mails if mail.to == person}), 1, f"fault {number}")
        self.assertEqual(collections.Counter(self.town.transitions(case)), EXPECTED, f"fault {number}")
        waiting = self.town.journal("SELECT state FROM notice WHERE next_attempt_at IS NOT NULL")
        self.assertEqual(waiting, [], f"fault {number}")
        return mails

    def check_events(self):
        """All transitions of the journal have reached the broker; first arrivals are in order."""
        last = int(self.town.journal("SELECT max(number) FROM transition")[0][0])
        self.stream.wait(lambda event: "/event/" in event.topic and int(event.json["sequence"]) == last)
        seen = []
        for event in self.stream.events:
            if "/event/" in event.topic and int(event.json["sequence"]) not in seen:
                seen.append(int(event.json["sequence"]))
        self.assertEqual(seen, list(range(1, last + 1)))


class Killed(Faults):
    def rounds(self, kind):
        number, duplicates = 0, 0
        while True:
            number += 1
            case = f"{kind}-{number}"
            self.town.case(case, EVENT)
            met, _ = self.run_with_fault(kind, number)
            delivered = collections.Counter(mail.id for mail in self.town.mails(case))
            sent = self.sent_by_journal(case)
            for key in sent:
                self.assertTrue(any(key in message for message in delivered), f"{case}: {key} said to be sent")
            recovered = self.run_once()
            self.assertEqual(recovered.returncode, 0, recovered.stderr)
            for message, count in collections.Counter(mail.id for mail in self.check(case, number)).items():
                if count > 1:
                    duplicates += 1
                    self.assertEqual(count, 2)
                    self.assertIn(message, delivered, f"{case}: twice, though it had not arrived before")
                    self.assertFalse(any(key in message for key in sent), f"{case}: twice, though its outcome was written")
            if not met:
                self.check_events()
                return number - 1, duplicates

    def test_kill_before_each_call(self):
        calls, duplicates = self.rounds("kill")
        print(f"killed before each of {calls} calls: nothing lost, {duplicates} mails twice with the same Message-ID")
        self.assertGreater(calls, 50)

    def test_kill_after_each_call(self):
        calls, duplicates = self.rounds("kill-after")
        print(f"killed after each of {calls} calls: nothing lost, {duplicates} mails twice with the same Message-ID")
        self.assertGreater(calls, 50)


class Failing(Faults):
    def test_each_call_fails_once(self):
        """The daemon mends itself: the same run ends well, or the next one finishes what it left."""
        number, by_itself = 0, 0
        while True:
            number += 1
            case = f"error-{number}"
            self.town.case(case, EVENT)
            met, done = self.run_with_fault("error", number)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            by_itself += done.returncode == 0
            if done.returncode:
                self.assertEqual(self.run_once().returncode, 0)
            self.check(case, number)
            if not met:
                break
        self.check_events()
        print(f"each of {number - 1} calls failed once: nothing lost, {by_itself - 1} runs mended it themselves")


if __name__ == "__main__":
    unittest.main()
