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
        self.assertRegex(done.stdout, r"configuration: good: site eksempel, .*\nconfiguration: good: mail that is not urgent goes Mon–Fri 08:00–16:00, not on holidays\n"
                                      r"(?:rules: warning: .* has confidence C .*\n)+"
                                      r"rules: good: \d+ rules in \d+ versions, \d+ examples, \d+ escalations, "
                                      r"\d+ calendars\n"
                                      r"templates: good: da, en\n"
                                      r"reports: good: 3\n")

    def test_json(self):
        before = json.loads(self.check("--json", "--config", str(self.file)).stdout)["parts"][1]["warnings"]
        self.replace("rules/b-undersoegelse.yaml", "confidence: A", "confidence: C")
        done = self.check("--json", "--config", str(self.file))
        self.assertEqual(done.returncode, 0)
        result = json.loads(done.stdout)
        self.assertTrue(result["good"])
        self.assertEqual([part["part"] for part in result["parts"]], ["configuration", "rules", "templates", "reports"])
        added = set(result["parts"][1]["warnings"]) - set(before)
        self.assertEqual(len(added), 1)
        self.assertIn("the rule screening has confidence C", added.pop())

    def test_reports_are_refused_with_place_and_remedy(self):
        original = (self.folder / "reports.yaml").read_text()
        for old, new, said in [
                ("    title: {da: Hjemviste", "    titel: {da: Hjemviste", r':22:5: unknown key in a report "titel"; did you mean "title"'),
                ("when: FREQ=WEEKLY;BYDAY=MO;BYHOUR=7\n", "when: FREQ=WEKLY\n", r":23:11: when: .*WEEKLY"),
                ("when: FREQ=WEEKLY;BYDAY=MO;BYHOUR=7\n", "when: FREQ=MINUTELY\n", r":23:11: when: a report comes at most once an hour"),
                ("rules: remands", "rules: remand", r':\d+:12: unknown rules of a report "remand"; did you mean "remands"'),
                ("rules: all", "rules: {groups: [underretnin]}", r':\d+:22: unknown group of rules "underretnin"; did you mean "underretning"'),
                ("rules: all", "rules: {codes: [K999]}", r':\d+:21: unknown code of a rule "K999"'),
                ("rules: all", "rules: {kinds: [statutori]}", r':\d+:21: unknown kind of rule "statutori"; did you mean "statutory"'),
                ("rules: all", "rules: {groups: [bfu], kinds: [information]}", r":\d+:12: rules: no rule fits all that is asked for"),
                ("name: arbejdsliste", "name: hjemvisninger", r":\d+:11: the name hjemvisninger is taken by the report at line 21"),
                ("name: arbejdsliste", "name: Min liste", r":\d+:11: name may hold a-z"),
                ("within: 7 days", "within: 7 uger", r":\d+:13: within must be a number and"),
                ("empty: skip", "empty: skp", r':\d+:12: unknown value of empty "skp"; did you mean "skip"'),
                ("template: worklist", "template: workliste", r":\d+:15: template: .*workliste.subject.* cannot be opened"),
                ("recipients: [caseworker]", "recipients: []", r":\d+:17: recipients must be a list of at least one")]:
            self.assertIn(old, original)
            (self.folder / "reports.yaml").write_text(original.replace(old, new, 1))
            done = self.check("--config", str(self.file))
            self.assertEqual(done.returncode, 2, new)
            self.assertRegex(done.stdout, "reports: wrong:\n.*reports.yaml" + said)

    def test_files_are_refused_with_place_and_remedy(self):
        for name, old, new, said in [
                ("templates/da/notice.txt", "{{heading}}", "{{headin}}", r'2:1: unknown field "headin"; did you mean "heading"'),
                ("templates/da/notice.subject", "{{code}}", "{{title}}", r'1:\d+: unknown field "title"; known fields are code'),
                ("templates/en/notice.txt", "{{/matter}}\n", "", r'\d+:1: the section "matter" is never closed: {{/matter}} is missing'),
                ("templates/en/notice.html", "{{/sensitive}}", "{{/matter}}", r"\d+:\d+: {{/matter}} stands where {{/sensitive}} must"
                                                                             r" close the section of \d+:\d+"),
                ("rules/escalations.yaml", "to: [caseworker]", "to: []", r"\d+:\d+: to must name at least one role, such as"),
                ("rules/escalations.yaml", ", to: [caseworker]", "", r'\d+:\d+: a stage must have "to"'),
                ("fristd.yaml", "  # hours: mo-fr 08:00-16:00", "  hours: mo-fr 16:00-08:00",
                 r"\d+:10: notices.hours: the hours 16:00-08:00 run backwards; what goes past midnight is two spans"),
                ("fristd.yaml", "  # hours: mo-fr 08:00-16:00", "  units: {nord: fr-mo 08:00-16:00}",
                 r"\d+:17: notices.units: the weekdays fr-mo run backwards; .* so write two ranges"),
                ("fristd.yaml", "  from: frister@example.dk", '  from: "frister@example.dk\\r\\nBcc: x@example.dk"',
                 r"\d+:9: mail.from holds a line end or another control character"),
                ("fristd.yaml", "  # from_name: Frist", '  from_name: "Frist\\r\\nBcc: x@example.dk" # ',
                 r"\d+:14: mail.from_name holds a line end or another control character")]:
            with self.subTest(file=name, new=new):
                original = (self.folder / name).read_text()
                self.replace(name, old, new)
                done = self.check("--config", str(self.file))
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertRegex(done.stdout, rf"wrong:\n.*{name}:{said}")
                (self.folder / name).write_text(original)

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
        self.assertEqual([part["good"] for part in result["parts"]], [True, False, True, True])

    def test_every_part_that_can_be_looked_at_is(self):
        self.replace("rules/c-planer.yaml", "start: [indsats.startet]", "satrt: [indsats.startet]")
        (self.folder / "templates/en/notice.txt").unlink()
        done = self.check("--config", str(self.file))
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stdout, r'c-planer.yaml:\d+:5: unknown key in a rule "satrt"; did you mean "start"\?')
        self.assertIn("\n        satrt\n        ^\n", done.stdout)
        self.assertRegex(done.stdout, r"templates: wrong:\n.*en/notice.txt")
        result = json.loads(self.check("--json", "--config", str(self.file)).stdout)
        self.assertEqual([part["good"] for part in result["parts"]], [True, False, False, True])

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
