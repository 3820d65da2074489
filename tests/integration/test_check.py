# SPDX-License-Identifier: MPL-2.0
"""fristd check without servers: what it says about a folder of configuration, and its exit status."""

import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import FRISTD, SOURCE


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fristd-check-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "config"
        shutil.copytree(SOURCE / "config", self.folder)
        self.file = self.folder / "fristd.yaml"

    def check(self, *arguments):
        return subprocess.run([FRISTD, "check", *arguments], capture_output=True, text=True, check=False)

    def replace(self, name, old, new):
        path = self.folder / name
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1))

    def test_the_sample_is_good(self):
        done = self.check("--config", str(self.file))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"configuration: good: site eksempel, .*\n"
                                      r"(?:rules: warning: .* has confidence C .*\n)+"
                                      r"rules: good: \d+ rules in \d+ versions, \d+ examples, \d+ escalations, "
                                      r"\d+ calendars\n"
                                      r"templates: good: da, en\n")

    def test_json(self):
        before = json.loads(self.check("--json", "--config", str(self.file)).stdout)["parts"][1]["warnings"]
        self.replace("rules/b-undersoegelse.yaml", "confidence: A", "confidence: C")
        done = self.check("--json", "--config", str(self.file))
        self.assertEqual(done.returncode, 0)
        result = json.loads(done.stdout)
        self.assertTrue(result["good"])
        self.assertEqual([part["part"] for part in result["parts"]], ["configuration", "rules", "templates"])
        added = set(result["parts"][1]["warnings"]) - set(before)
        self.assertEqual(len(added), 1)
        self.assertIn("the rule screening has confidence C", added.pop())

    def test_examples_are_run(self):
        path = self.folder / "rules/b-undersoegelse.yaml"
        self.replace("rules/b-undersoegelse.yaml", "expect: [{due: 2026-05-05, state: cancelled}]",
                     "expect: [{due: 2026-06-05}]")
        lines = path.read_text().splitlines()
        line = next(number for number, text in enumerate(lines, 1) if "[{due: 2026-06-05}]" in text)
        column = lines[line - 1].index("{due:") + 1
        done = self.check("--config", str(self.file))
        self.assertEqual(done.returncode, 2)
        self.assertIn(f'{path}:{line}:{column}: the example "no assessment after all" fails: this deadline '
                      'came out as {due: 2026-05-05, state: cancelled}\n', done.stdout)
        result = json.loads(self.check("--json", "--config", str(self.file)).stdout)
        self.assertFalse(result["good"])
        self.assertEqual([part["good"] for part in result["parts"]], [True, False, True])

    def test_every_part_that_can_be_looked_at_is(self):
        self.replace("rules/c-planer.yaml", "start: [indsats.startet]", "satrt: [indsats.startet]")
        (self.folder / "templates/en/notice.txt").unlink()
        done = self.check("--config", str(self.file))
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stdout, r'c-planer.yaml:\d+:5: unknown key in a rule "satrt"; did you mean "start"\?')
        self.assertIn("\n        satrt\n        ^\n", done.stdout)
        self.assertRegex(done.stdout, r"templates: wrong:\n.*en/notice.txt")
        result = json.loads(self.check("--json", "--config", str(self.file)).stdout)
        self.assertEqual([part["good"] for part in result["parts"]], [True, False, False])

    def test_a_wrong_configuration_ends_it_and_shows_no_secret(self):
        self.replace("fristd.yaml", "  database: sager", "  pasword: hunter2")
        done = self.check("--config", str(self.file))
        self.assertEqual(done.returncode, 2)
        self.assertIn('unknown key in casedb "pasword"', done.stdout)
        self.assertNotIn("hunter2", done.stdout + done.stderr)
        self.assertNotIn("rules: ", done.stdout)

    def test_usage(self):
        self.assertEqual(self.check("--help").returncode, 0)
        self.assertEqual(self.check("--nonsense").returncode, 2)
        self.assertEqual(self.check("nonsense").returncode, 2)


if __name__ == "__main__":
    unittest.main()
