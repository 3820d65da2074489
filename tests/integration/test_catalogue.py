# SPDX-License-Identifier: MPL-2.0
"""The shipped catalogue against the list of the law's rules, and that the tables in the documentation are up to date."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import FRISTD, SOURCE

sys.path.insert(0, str(SOURCE / "contrib/catalogue"))
import tables  # noqa: E402  (it is found only now)

# What the examples of a rule must show; a series is met or missed.
DONE, NOT_DONE = {"met"}, {"breached", "late", "missed"}


class Catalogue(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rules = tables.read_rules(FRISTD)
        cls.law = tables.read_law()

    def test_every_row_of_the_law_is_a_rule(self):
        self.assertEqual(len([row for row in self.law if row[1] != "own"]), 92)
        missing = [row[0] for row in self.law if not tables.carriers(row[0], self.rules)]
        self.assertEqual(missing, [])

    def test_kind_and_confidence_are_those_of_the_law(self):
        for name, group, kind, confidence, _ in self.law:
            for found in tables.carriers(name, self.rules):
                with self.subTest(rule=found):
                    now = self.rules[found][-1]
                    self.assertEqual((now["kind"], now["confidence"]), (kind, confidence))
                    self.assertEqual(found.startswith("egen."), group == "own")

    def test_what_is_not_sure_is_off_and_check_says_so(self):
        off = {name for name, versions in self.rules.items() for version in versions if not version["on"]}
        self.assertEqual(off, {row[0] for row in self.law if row[3] == "C"})
        done = subprocess.run([FRISTD, "check", "--json", "--config", SOURCE / "config/fristd.yaml"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        warnings = json.loads(done.stdout)["parts"][1]["warnings"]
        self.assertEqual(len(warnings), len(off))
        for name in off:
            self.assertTrue(any(f"the rule {name} has confidence C" in warning for warning in warnings), name)

    def test_own_numbers_are_never_statutory(self):
        for name, versions in self.rules.items():
            for version in versions:
                with self.subTest(rule=name, version=version["from"]):
                    if name.startswith("egen.") or version["basis"].startswith("Kommunens egen"):
                        self.assertIn(version["kind"], ("own", "information"))
                    if version["kind"] == "statutory":
                        self.assertRegex(version["basis"].lower(), "lov|forordning")

    def test_codes_are_neutral_and_unique(self):
        codes = {}
        for name, versions in self.rules.items():
            self.assertEqual(len({version["code"] for version in versions}), 1, name)
            self.assertRegex(versions[0]["code"], r"^K\d\d\d?$")
            self.assertNotIn(versions[0]["code"], codes, name)
            codes[versions[0]["code"]] = name

    def test_each_rule_is_shown_kept_and_not_kept(self):
        for name, versions in self.rules.items():
            states = {state for version in versions for example in version["examples"] for state in example["states"]}
            now = versions[-1]
            with self.subTest(rule=name):
                if now["kind"] in ("expiry", "information"):
                    self.assertTrue(states & {"lapsed", "passed", "open"})
                    if now["stop"]:
                        self.assertTrue(states & DONE)
                else:
                    self.assertTrue(states & NOT_DONE)
                    self.assertTrue(states & DONE)

    def test_what_began_in_2023_is_counted_by_the_law_of_2023(self):
        old = [(name, version) for name, versions in self.rules.items() for version in versions[:-1]
               if version["until"] == "2023-12-31" and version["basis"].startswith("Serviceloven")]
        self.assertGreater(len(old), 15)
        for name, version in old:
            self.assertNotEqual(version["examples"], [], name)
        by_id = dict(old)
        self.assertEqual(by_id["plan.barnets_plan"]["due"], "4 months")
        self.assertEqual(by_id["opfoelgning.loebende"]["due"], "6 months")

    def test_names_that_tell_something_stay_in_the_house(self):
        telling = ("overgreb", "tvang", "misbrug", "sikret", "kriminalitet", "magtanvendelse", "anbring", "samtykke")
        public = {"beredskab.overgreb",  # a plan of the municipality, about nobody
                  "alder.15"}            # a birthday
        for name, versions in self.rules.items():
            now = versions[-1]
            if any(word in now["title"].lower() for word in telling) and name not in public:
                self.assertTrue(now["sensitive"], f"{name}: {now['title']}")

    def test_every_kind_of_event_is_explained(self):
        explained = [row[0] for row in tables.read_tsv(tables.HERE / "events.tsv")]
        self.assertEqual(len(explained), len(set(explained)))
        self.assertEqual(set(explained), set(tables.uses(self.rules)))

    def test_the_tables_are_up_to_date(self):
        done = subprocess.run([tables.HERE / "tables.py", "--binary", FRISTD, "--check"], capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_wrong_example_is_refused_with_its_place(self):
        with tempfile.TemporaryDirectory(prefix="fristd-catalogue-") as folder:
            config = Path(folder) / "config"
            shutil.copytree(SOURCE / "config", config)
            path = config / "rules/j-forvaltning.yaml"
            right, wrong = "[{due: 2026-04-13, state: breached}]", "[{due: 2026-04-10, state: breached}]"
            text = path.read_text()
            self.assertIn(right, text)
            path.write_text(text.replace(right, wrong, 1))
            line = next(number for number, line in enumerate(path.read_text().splitlines(), 1) if wrong in line)
            column = path.read_text().splitlines()[line - 1].index("{due") + 1
            done = subprocess.run([FRISTD, "check", "--config", config / "fristd.yaml"], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f'{path}:{line}:{column}: the example "over Easter" fails: this deadline came out as '
                          "{due: 2026-04-13, state: breached}", done.stdout)


class Listing(unittest.TestCase):
    def run_rules(self, *arguments):
        return subprocess.run([FRISTD, "rules", *arguments], capture_output=True, text=True, check=False)

    def test_for_people(self):
        done = self.run_rules("--rules", SOURCE / "config/rules")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("K20   statutory    B     2014-01-01..2023-12-31  bfu.afslutning\n", done.stdout)
        self.assertIn("K22   own          C off 2024-01-01..            afdaekning\n", done.stdout)

    def test_usage(self):
        self.assertEqual(self.run_rules("--help").returncode, 0)
        self.assertEqual(self.run_rules().returncode, 2)
        self.assertEqual(self.run_rules("--rules", "/nonexistent").returncode, 2)
        self.assertEqual(self.run_rules("--rules", SOURCE / "config/rules", "more").returncode, 2)


if __name__ == "__main__":
    unittest.main()
