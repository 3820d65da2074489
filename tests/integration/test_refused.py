# SPDX-License-Identifier: MPL-2.0
"""An address that the mail server refuses for good: marked without naming it, reported after the third time, once, until it is
another one or takes mail again."""

import json
import unittest

from town import Municipality
from support import FRISTD, StackCase

# Due long ago: each case is told to the head of department and the head of the centre, and again each week.
RULE = """
rules:
  - {id: proeve.uger, code: P7, title: Prøve, basis: Egen § 7, kind: own, valid: {from: 2024-01-01}, confidence: A,
     start: [proeve.ansoegt], stop: [proeve.afgjort], due: {after: 28 days}, escalation: uger}
"""


class Refused(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.start()
        self.town = Municipality(self.stack)
        self.daemon = self.stack.daemon(FRISTD)
        self.stack.account.write(self.daemon.config / "rules/proeve.yaml", RULE)
        self.daemon.write_settings()
        self.minute, self.logs = 0, ""
        self.look()

    def look(self, *new_cases):
        """What the operators hear of addresses in a look at the case database, with these cases new in it."""
        for case_id in new_cases:
            self.town.case(case_id, ("proeve.ansoegt", "A-1", "'2026-01-05 10:00 +01'"))
        before = len(self.town.all_mails("drift"))
        self.minute += 1
        done = self.daemon.command("run", "--once", "--at", f"2026-05-04T12:{self.minute:02}:00", timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.logs += done.stderr
        return [mail.words for mail in self.town.all_mails("drift")[before:] if "er afvist tre gange" in mail.words]

    def status(self):
        return json.loads(self.daemon.command("status", "--json").stdout)["refused_addresses"]

    def set_address(self, address):
        self.stack.postgres.sql("UPDATE fagsystem.medarbejder SET email = :'address' WHERE medarbejder = 'cc1'", address=address)

    def test_three_times_and_once_reported(self):
        self.stack.mail.refuse("centerchef")
        self.assertEqual(self.look("S-1", "S-2"), [])
        self.assertEqual(self.status(), {"cc1": 2})
        self.assertEqual(self.look(), [])
        [told] = self.look("S-3") + self.look("S-4")  # at the look after it, which may be one of the same start
        self.assertRegex(told, r"En persons mailadresse er afvist tre gange \(cc1, 550 5\.1\.1\)")
        self.assertEqual(self.look("S-5"), [])  # once
        self.assertEqual(self.status(), {"cc1": 5})

        # Another address, which is refused, too: counted from the beginning.
        self.set_address(self.stack.mail.add("nychef"))
        self.stack.mail.refuse("nychef")
        self.assertEqual(self.look("S-6"), [])
        self.assertEqual(self.status(), {"cc1": 1})
        # One that takes mail: forgotten at the next look.
        self.set_address(self.stack.mail.add("nyestechef"))
        self.look("S-7")
        self.assertEqual(self.status(), {})
        hashes = self.town.journal("SELECT string_agg(last_reply, ' ') FROM notice WHERE state = 'abandoned'")
        for where in (self.logs, str(hashes)):
            for name in ("centerchef@", "nychef@", "nyestechef@"):
                self.assertNotIn(name, where)

    def test_taken_again(self):
        self.stack.mail.refuse("centerchef")
        self.look("S-1")
        self.assertEqual(self.status(), {"cc1": 1})
        self.stack.mail.add("centerchef")
        self.look("S-2")
        self.assertEqual(self.status(), {})


if __name__ == "__main__":
    unittest.main()
