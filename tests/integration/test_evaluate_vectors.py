# SPDX-License-Identifier: MPL-2.0
"""The reference vectors of the rule language (section 8) and of the law (3.4), through `fristd evaluate`."""

import unittest

from engine import case, evaluate, event, rule

# start, due, further fields of the rule, expected due
VECTORS = [
    # the rule language, section 8
    ("2026-05-22T15:30", "{after: 24 hours}", {}, "2026-05-23T15:30:00+02:00"),
    ("2026-10-24T20:00:00+02:00", "{after: 24 hours}", {}, "2026-10-25T19:00:00+01:00"),
    ("2026-03-30T10:00", "{after: 6 working days}", {"calendar": "hverdage"}, "2026-04-09T23:59:59+02:00"),
    ("2026-03-30T10:00", "{after: 6 working days}", {"calendar": "arbejdsdage"}, "2026-04-10T23:59:59+02:00"),
    ("2026-06-12T10:00", "{after: 6 working days}", {"calendar": "hverdage"}, "2026-06-19T23:59:59+02:00"),
    ("2026-06-12T10:00", "{after: 6 working days}", {"calendar": "arbejdsdage"}, "2026-06-22T23:59:59+02:00"),
    ("2026-03-30T10:00", "{after: 7 working days}", {"calendar": "arbejdsdage"}, "2026-04-13T23:59:59+02:00"),
    ("2026-12-18T10:00", "{after: 7 working days}", {"calendar": "arbejdsdage"}, "2026-12-30T23:59:59+01:00"),
    ("2026-12-18T10:00", "{after: 7 working days}", {"calendar": "klagefrist"}, "2027-01-04T23:59:59+01:00"),
    ("2026-03-02T10:00", "{after: 7 days, inclusive: true}", {}, "2026-03-08T23:59:59+01:00"),
    ("2026-03-02T10:00", "{after: 1 month}", {}, "2026-04-02T23:59:59+02:00"),
    ("2025-10-31T10:00", "{after: 4 months}", {}, "2026-02-28T23:59:59+01:00"),
    ("2027-10-31T10:00", "{after: 4 months}", {}, "2028-02-29T23:59:59+01:00"),
    ("2025-11-30T10:00", "{after: 3 months}", {}, "2026-02-28T23:59:59+01:00"),
    ("2026-11-26T10:00", "{after: 4 weeks, roll: forward}", {"calendar": "klagefrist"},
     "2026-12-28T23:59:59+01:00"),
    ("2026-05-08T10:00", "{after: 4 weeks, roll: forward}", {"calendar": "klagefrist"},
     "2026-06-08T23:59:59+02:00"),
    ("2026-11-26T10:00", "{after: 4 weeks}", {}, "2026-12-24T23:59:59+01:00"),
    ("2026-01-15T10:00", "{after: 14 weeks}", {}, "2026-04-23T23:59:59+02:00"),
    ("2025-04-17T10:00", "{after: 1 year}", {}, "2026-04-17T23:59:59+02:00"),
    ("2008-08-31T10:00", "{after: 18 years - 6 months}", {}, "2026-02-28T23:59:59+01:00"),
    # section 2 and 3
    ("2023-05-04T10:00", "{after: 1 working day}", {"calendar": "arbejdsdage"}, "2023-05-08T23:59:59+02:00"),
    ("2024-04-25T10:00", "{after: 1 working day}", {"calendar": "arbejdsdage"}, "2024-04-26T23:59:59+02:00"),
    ("2008-02-29T10:00", "{after: 17 years}", {}, "2025-02-28T23:59:59+01:00"),
    ("2026-03-02T10:00", "{after: 1 week, inclusive: true}", {}, "2026-03-08T23:59:59+01:00"),
    ("2026-04-30T10:00", "{after: 1 month - 3 working days}", {"calendar": "arbejdsdage"},
     "2026-05-27T23:59:59+02:00"),
    ("2026-04-30T10:00", "{after: 1 month, roll: backward}", {"calendar": "arbejdsdage"},
     "2026-05-29T23:59:59+02:00"),
    ("2026-03-28T10:00", "{after: 1 day, at: \"02:30\"}", {}, "2026-03-29T03:00:00+02:00"),
    ("2026-10-24T10:00", "{after: 1 day, at: \"02:30\"}", {}, "2026-10-25T02:30:00+02:00"),
    ("2026-10-24T10:00", "{after: 1 day, at: \"08:15\"}", {}, "2026-10-25T08:15:00+01:00"),
    # the other forms, section 4
    ("2026-03-02T10:00", "{on: 2026-12-01}", {}, "2026-12-01T23:59:59+01:00"),
    ("2026-03-02T10:00", "{next: 03-02}", {}, "2027-03-02T23:59:59+01:00"),
    ("2026-03-02T10:00", "{next: 03-03}", {}, "2026-03-03T23:59:59+01:00"),
    ("2026-03-02T10:00", "{next: 02-29}", {}, "2028-02-29T23:59:59+01:00"),
    ("2026-03-02T10:00", "{end_of: week}", {}, "2026-03-08T23:59:59+01:00"),
    ("2026-03-08T10:00", "{end_of: week}", {}, "2026-03-08T23:59:59+01:00"),
    ("2026-02-02T10:00", "{end_of: month}", {}, "2026-02-28T23:59:59+01:00"),
    ("2026-05-02T10:00", "{end_of: quarter}", {}, "2026-06-30T23:59:59+02:00"),
    ("2026-12-31T10:00", "{end_of: quarter}", {}, "2026-12-31T23:59:59+01:00"),
    ("2026-05-02T10:00", "{end_of: year, roll: forward, at: \"12:00\"}", {"calendar": "klagefrist"},
     "2027-01-04T12:00:00+01:00"),
]


class Vectors(unittest.TestCase):
    def test_due(self):
        for start, due, fields, expected in VECTORS:
            with self.subTest(start=start, due=due, **fields):
                deadlines, faults = evaluate(rule("r", due, **fields), case(event("start", start)), start)
                self.assertEqual([one["due_at"] for one in deadlines], [expected])
                self.assertEqual(faults, [])

    def test_weekly_over_the_change_of_clocks(self):
        weekly = rule("r", "{every: FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0;BYSECOND=0}")
        deadlines, _ = evaluate(weekly, case(event("start", "2026-03-19T10:00")), "2026-03-30T10:00")
        self.assertEqual([one["due_at"] for one in deadlines],
                         ["2026-03-23T09:00:00+01:00", "2026-03-30T09:00:00+02:00", "2026-04-06T09:00:00+02:00"])


if __name__ == "__main__":
    unittest.main()
