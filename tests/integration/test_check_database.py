# SPDX-License-Identifier: MPL-2.0
"""`fristd check --database`: kinds that no rule knows, and rules that wait for kinds which never come."""

import json
import unittest

from town import Municipality
from support import FRISTD, StackCase


class Vocabulary(StackCase):
    def test_kinds_and_rules_that_do_not_meet(self):
        self.stack.start()
        town = Municipality(self.stack)
        daemon = self.stack.daemon(FRISTD, log={"level": "warning"})
        daemon.write_settings()
        town.case("S-1", ("bfu.opmaerksom", "B-1", "now() - interval '1 day'"), ("bfu.afslutet", "B-1", "now()"),
                  ("underretning.modtaget", "U-1", "now()"), ("underretning.vurderet", "U-1", "now()"))
        town.case("S-2", ("bfu.afslutet", "B-1", "now()"), ("helt.fremmed", "B-1", "now()"))
        done = daemon.command("check", "--database", "--json", timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        parts = {part["part"]: part for part in json.loads(done.stdout)["parts"]}
        warnings = parts["database"]["warnings"]
        self.assertIn("no rule knows the kind bfu.afslutet (2 events); is it bfu.afsluttet?", warnings)
        self.assertIn("no rule knows the kind helt.fremmed (1 event)", warnings)
        self.assertIn("the rule bfu.afslutning starts and is never done: no event of its stop kinds is there", warnings)
        self.assertIn("the rule hjemvisning.ny_afgoerelse never starts: no event of its kinds is there", warnings)
        self.assertFalse([warning for warning in warnings if "underretning.vurdering" in warning], warnings)


if __name__ == "__main__":
    unittest.main()
