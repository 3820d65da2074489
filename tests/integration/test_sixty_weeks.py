# SPDX-License-Identifier: MPL-2.0
"""Sixty weeks of a remanded case that nobody follows up, in virtual time, with a restart every day."""

import collections
import datetime
import unittest

from town import Municipality
from support import FRISTD, StackCase

RECEIVED = datetime.date(2025, 1, 9)  # a Thursday, so sixty Mondays follow until the last day
WEEKS = 60


class SixtyWeeks(StackCase):
    def test_each_week_exactly_once(self):
        self.stack.start()
        town = Municipality(self.stack)
        daemon = self.stack.daemon(FRISTD, log={"level": "warning"})
        daemon.write_settings()
        # Every start is a new process that knows only what the journal says.
        self.run_at(daemon, RECEIVED - datetime.timedelta(days=1))
        town.case("S-60", ("hjemvisning.modtaget", "H-1", f"'{RECEIVED} 10:00'"))
        for day in range(WEEKS * 7):
            self.run_at(daemon, RECEIVED + datetime.timedelta(days=day))

        follow_ups = town.journal("SELECT occurrence, state FROM deadline WHERE rule = 'hjemvisning.ugentlig' ORDER BY 1")
        self.assertEqual([row for row in follow_ups if row[1] == "missed"], [[str(n), "missed"] for n in range(1, WEEKS + 1)])
        kinds = collections.Counter(kind for kind in town.transitions("S-60") if kind.startswith("K71"))
        self.assertEqual(kinds["K71 missed"], WEEKS)
        mails = [mail for mail in town.mails("S-60") if "[K71]" in mail.subject]
        self.assertEqual(len({mail.id for mail in mails}), len(mails))
        told = collections.Counter((mail.to, mail.subject) for mail in mails)
        # The caseworker is reminded before each Monday and told with the team leader of each week missed, the head of
        # department from the second in a row.
        self.assertEqual(collections.Counter(to for to, _ in told.elements()),
                         {town.caseworker: 2 * WEEKS, town.team_leader: WEEKS, town.department_head: WEEKS - 1})
        print(f"{WEEKS * 7} starts: {kinds['K71 missed']} follow-ups missed, {len(mails)} mails, none twice")

    def run_at(self, daemon, date):
        done = daemon.command("run", "--once", "--at", f"{date}T12:00:00", timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
