# SPDX-License-Identifier: MPL-2.0
"""Ends the real daemon at each call it makes to the outside between decision and outcome, starts it again, and counts:
nothing is lost, and a mail comes twice only where it was accepted and its outcome not yet written down, then with the same Message-ID."""

import collections
import os
import random
import shutil
import subprocess
import unittest

from town import Municipality
from support import FRISTD, StackCase

FAULT_CALLS = os.environ["FAULT_CALLS"]
# A notification of concern that was not assessed within its 24 hours: the caseworker and two leaders are told.
EVENT = ("underretning.modtaget", "U-1", "now() - interval '24 hours 1 minute'")
EXPECTED = {"K01 opened": 1, "K01 breached": 1, "K02 opened": 1}
# The kills begin this many calls before the first one that finds the decision written.
BEFORE_DECISION = 10


class Faults(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD, log={"level": "info"})
        self.daemon.write_settings()
        self.fired = self.daemon.path / "fired"
        shim = shutil.copy(FAULT_CALLS, self.daemon.path)  # where the daemon's user can read it
        # The shim goes first; the sanitizer's runtime does not mind.
        self.preload = {"LD_PRELOAD": shim, "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
        self.stream = self.stack.broker.listen("fristd/#")
        self.assertEqual(self.run_once().returncode, 0)  # the journal is made, the rules are taken in

    def run_once(self, **environment):
        return subprocess.run(
            self.daemon.account.command([self.daemon.binary, "run", "--once", "--config", self.daemon.path / "fristd.yaml"], 9),
            env=self.daemon.environment() | environment, capture_output=True, text=True, check=False, cwd="/", timeout=120)

    def run_with_fault(self, kind, number, **only):
        """Whether the fault was met at all: beyond the last call there is none."""
        self.fired.unlink(missing_ok=True)
        done = self.run_once(**self.preload, FAULT_KIND=kind, FAULT_AT=str(number), FAULT_FIRED=str(self.fired), **only)
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
        waiting = self.town.journal("SELECT state FROM unfinished_notice WHERE purpose <> 'follow_up'")
        self.assertEqual(waiting, [], f"fault {number}")
        # Done: or its state would be announced again at every connection, one call more in every round.
        self.town.event(case, "underretning.vurderet", EVENT[1])
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
    def killed_at(self, number):
        """One round: a new case, the daemon killed before this call, then started again. Returns whether the call was
        reached at all, whether the decision was in the journal by then, and how many mails came twice."""
        case = f"kill-{number}-{len(self.rounds)}"
        self.rounds.append(case)
        self.town.case(case, EVENT)
        # Only what it sends changes the world, so before each sending there is one state to be killed in.
        met, _ = self.run_with_fault("kill", number, FAULT_ONLY="sending")
        delivered = {mail.id for mail in self.town.mails(case)}
        sent = self.sent_by_journal(case)
        decided = bool(self.town.transitions(case))
        for key in sent:
            self.assertTrue(any(key in message for message in delivered), f"{case}: {key} said to be sent")
        recovered = self.run_once()
        self.assertEqual(recovered.returncode, 0, recovered.stderr)
        counts = collections.Counter(mail.id for mail in self.check(case, number))
        for message in [message for message, count in counts.items() if count > 1]:
            self.assertEqual(counts[message], 2, case)
            self.assertIn(message, delivered, f"{case}: twice, though it had not arrived before")
            self.assertFalse(any(key in message for key in sent), f"{case}: twice, though its outcome was written")
        return met, decided, sum(count > 1 for count in counts.values())

    def first_call_after_the_decision(self):
        """By halving: connecting and securing four connections are hundreds of calls before it."""
        low, high = 1, 1024
        while low < high:
            middle = (low + high) // 2
            _, decided, _ = self.killed_at(middle)
            low, high = (low, middle) if decided else (middle + 1, high)
        return low

    def test_kill_at_each_step_between_decision_and_outcome(self):
        self.rounds = []
        first = max(1, self.first_call_after_the_decision() - BEFORE_DECISION)
        number, met, duplicates = first, True, 0
        while met:
            met, _, twice = self.killed_at(number)
            duplicates += twice
            number += 1
        self.check_events()
        print(f"killed before each of {number - 1 - first} sendings from before the decision to the end ({first} to"
              f" {number - 2}): nothing lost, {duplicates} mails twice, each with the same Message-ID")
        self.assertGreater(number - first, 30)


class Failing(Faults):
    def test_calls_fail_once(self):
        """The daemon mends itself: the same run ends well, or the next one finishes what it left. A call in every
        STRIDE, from another one each time: FAULT_SEED repeats a run, FAULT_STRIDE=1 takes them all."""
        stride = int(os.environ.get("FAULT_STRIDE", "25"))
        seed = int(os.environ.get("FAULT_SEED", random.randrange(1000)))
        print(f"FAULT_SEED={seed}")
        number, runs, by_itself = 1 + seed % stride, 0, 0
        while True:
            case = f"error-{number}"
            self.town.case(case, EVENT)
            met, done = self.run_with_fault("error", number)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            tries = 0
            while done.returncode and tries < 20:  # a mail that was deferred has to wait for its next try
                done, tries = self.run_once(), tries + 1
            self.assertEqual(done.returncode, 0, done.stderr)
            self.check(case, number)
            if not met:
                break
            runs += 1
            by_itself += tries == 0
            number += stride
        self.check_events()
        print(f"{runs} calls, one in {stride}, failed once: nothing lost, {by_itself} runs mended it themselves")
        self.assertGreater(runs, 100 / stride)


if __name__ == "__main__":
    unittest.main(failfast=True)
