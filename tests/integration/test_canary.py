# SPDX-License-Identifier: MPL-2.0
"""contrib/canary as shipped: each day one miss, one mail, one event. And what heals when a timer is lost from the journal."""

import datetime
import re
import shutil
import unittest

from support import FRISTD, SOURCE, StackCase
from town import Municipality

# The view and the line that the README adds to it.
ADDED = re.findall(r"-- (fristd\.\w+)\n *(UNION ALL .+)", (SOURCE / "contrib/canary/README.md").read_text())
FIRST = datetime.date(2026, 3, 27)  # a Friday; the clock changes on Sunday


class Canary(StackCase):
    def setUp(self):
        super().setUp()
        self.stack.rules = SOURCE / "config/rules"
        self.stack.start()
        self.town = Municipality(self.stack)
        self.box = self.stack.mail.add("kanarie")
        self.stream = self.stack.broker.listen("fristd/#")
        self.daemon = self.stack.daemon(FRISTD, log={"level": "warning"})
        self.daemon.write_settings()

    def extend_views(self):
        """With the lines of the README, as an operator would."""
        self.assertEqual(len(ADDED), 4)
        for view, addition in ADDED:
            addition = addition.replace("kanarie@example.dk", self.box)
            definition = self.stack.postgres.value(f"SELECT pg_get_viewdef('{view}'::regclass)").rstrip(";")
            self.stack.postgres.sql(f"CREATE OR REPLACE VIEW {view} AS {definition} {addition}")

    def run_at(self, when):
        done = self.daemon.command("run", "--once", "--at", f"{when}", timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_sings_each_day(self):
        shutil.copy(SOURCE / "contrib/canary/kanarie.yaml", self.daemon.config / "rules")
        self.extend_views()
        checked = self.daemon.command("check")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.run_at(f"{FIRST}T03:40:00")  # what the canary missed before it came here is history
        known = len(self.town.all_mails(self.box))
        for day in range(5):
            self.run_at(f"{FIRST + datetime.timedelta(days=day)}T07:01:00")
        mails = self.town.all_mails(self.box)[known:]
        self.assertEqual([re.search(r"frist (\d+)\. marts", mail.subject)[1] for mail in mails], ["27", "28", "29", "30", "31"])
        self.assertEqual(len({mail.id for mail in mails}), 5)
        self.stream.wait(lambda event: event.topic.endswith("/event/deadline.missed")
                         and event.json["data"]["due"].startswith("2026-03-31"), "the last miss")
        missed = [event.json["data"]["due"] for event in self.stream.events
                  if event.topic.endswith("/event/deadline.missed") and event.json["data"]["code"] == "K999"]
        self.assertEqual(missed[-5:], [f"2026-03-{27 + n}T07:00:00+0{1 if n < 2 else 2}:00" for n in range(5)])

    def test_a_timer_that_was_lost_is_found_in_the_night(self):
        self.run_at("2026-03-02T12:00:00")
        self.town.case("S-1", ("underretning.modtaget", "U-1", "'2026-03-03 10:00 Europe/Copenhagen'"))
        self.run_at("2026-03-03T10:05:00")
        self.town.journal("UPDATE watched_case SET wake_at = NULL; UPDATE deadline SET next_stage_at = NULL")
        self.run_at("2026-03-04T03:40:00")  # the nightly reading, 6 hours before the limit
        self.assertEqual(self.town.journal("SELECT wake_at IS NOT NULL, next_stage_at IS NOT NULL FROM watched_case"
                                           " JOIN deadline USING (case_id) WHERE case_id = 'S-1' AND state = 'open'")[0], ["t", "t"])
        self.run_at("2026-03-04T10:00:05")
        self.assertIn("K01 breached", self.town.transitions("S-1"))


if __name__ == "__main__":
    unittest.main()
