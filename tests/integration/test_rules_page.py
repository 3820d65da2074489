# SPDX-License-Identifier: MPL-2.0
"""contrib/rules.md against the program: its YAML is one set of rules whose examples come out, its vectors are what
`evaluate` gives, its case gives its lines, and its tables name every key, word and code that the program takes. What the
program takes it says itself, in its refusal of something else."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from engine import case, evaluate, event, rule
from support import FRISTD, SOURCE

PAGE = (SOURCE / "contrib/rules.md").read_text(encoding="utf-8")
BLOCKS = {language: re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) for language in ("yaml", "json")}

HEAD = "rules: [{id: a, code: K, title: t, basis: b, kind: own, valid: {from: 2024-01-01}, confidence: A, start: [x], "
EXAMPLE = HEAD + "due: {after: 1 day}, examples: [{name: e, "

# A set with something unknown in it -> the section of the page that names all that is allowed there.
UNKNOWN = {
    "top keys": ("nonsense: 1", "## 2. Files, values, calendars"),
    "holiday": ("holidays: {h: [{nonsense: 1}]}", "## 2. Files, values, calendars"),
    "calendar": ("calendars: {c: {nonsense: 1}}", "## 2. Files, values, calendars"),
    "weekdays": ("calendars: {c: {weekdays: [nonsense]}}", "## 2. Files, values, calendars"),
    "rule": (HEAD + "nonsense: 1}]", "## 4. A rule"),
    "valid": (HEAD.replace("from:", "nonsense:") + "due: {after: 1 day}}]", "## 4. A rule"),
    "title": (HEAD.replace("title: t", "title: {nonsense: t}") + "due: {after: 1 day}}]", "## 4. A rule"),
    "kind": (HEAD.replace("kind: own", "kind: nonsense") + "due: {after: 1 day}}]", "## 4. A rule"),
    "confidence": (HEAD.replace("confidence: A", "confidence: nonsense") + "due: {after: 1 day}}]", "## 4. A rule"),
    "scope": (HEAD + "scope: nonsense, due: {after: 1 day}}]", "## 4. A rule"),
    "version_by": (HEAD + "version_by: nonsense, due: {after: 1 day}}]", "## 4. A rule"),
    "due": (HEAD + "due: {nonsense: 1}}]", "### Due blocks"),
    "roll": (HEAD + "due: {after: 1 day, roll: nonsense}}]", "### Due blocks"),
    "end_of": (HEAD + "due: {end_of: nonsense}}]", "### Due blocks"),
    "from": (HEAD + "due: {after: 1 day}, then: {after: 1 day, from: nonsense}}]", "### Due blocks"),
    "stage": ("escalations: {e: [{nonsense: 1}]}", "## 6. Escalations"),
    "example": (EXAMPLE + "nonsense: 1}]}]", "## 10. Examples"),
    "event": (EXAMPLE + "events: [{nonsense: 1}], expect: []}]}]", "## 10. Examples"),
    "expected": (EXAMPLE + "events: [], expect: [{nonsense: 1}]}]}]", "## 10. Examples"),
    "state": (EXAMPLE + "events: [], expect: [{state: nonsense}]}]}]", "### States"),
    "fault": (EXAMPLE + "events: [], expect: [], faults: [nonsense]}]}]", "### Faults in the data"),
}


def section(heading):
    """From a heading to the next of its rank or a higher one."""
    begin = PAGE.index(heading + "\n")
    rank = heading.split(" ")[0]
    end = re.search(rf"^#{{1,{len(rank)}}} ", PAGE[begin + len(heading):], re.MULTILINE)
    return PAGE[begin:begin + len(heading) + end.start()] if end else PAGE[begin:]


def named(text):
    """Every word between backquotes, blocks of code left out."""
    prose = re.sub(r"(?ms)^```.*?^```$", "", text)
    return {word for quoted in re.findall(r"`([^`]+)`", prose) for word in re.findall(r"\w+", quoted)}


def tables(text):
    """Rows as lists of cells."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
            if line.startswith("|") and not line.startswith("|---")]


class Page(unittest.TestCase):
    maxDiff = None

    def refusal(self, text):
        with tempfile.TemporaryDirectory(prefix="fristd-page-") as folder:
            Path(folder, "r.yaml").write_text(text, encoding="utf-8")
            done = subprocess.run([FRISTD, "rules", "--rules", folder], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2, done.stdout)
        return done.stderr

    def allowed(self, text):
        found = re.search(r"allowed: (.*)", self.refusal(text), re.IGNORECASE)
        self.assertIsNotNone(found, self.refusal(text))
        self.assertNotIn("…", found[1])
        return found[1].split(", ")

    def test_every_key_and_word_is_named(self):
        for what, (text, heading) in UNKNOWN.items():
            with self.subTest(what=what):
                self.assertEqual(set(self.allowed(text)) - named(section(heading)), set())

    def test_every_row_of_keys_is_a_key(self):
        """No table names a key that the program does not take."""
        for what, heading, first in (("top keys", "## 2. Files, values, calendars", "| `kinds`"), ("rule", "## 4. A rule", "| `id`"),
                                     ("stage", "## 6. Escalations", "| `at`")):
            rows = section(heading)
            rows = rows[rows.index(first):].split("\n\n")[0]
            self.assertEqual(sorted(key for row in tables(rows) for key in re.findall(r"`(\w+)`", row[0])),
                             sorted(self.allowed(UNKNOWN[what][0])))
        states = [row[0].strip("`") for row in tables(section("### States")) if row[0].startswith("`")]
        self.assertEqual(states, self.allowed(UNKNOWN["state"][0]))
        faults = [row[0].strip("`") for row in tables(section("### Faults in the data")) if row[0].startswith("`")]
        self.assertEqual(faults, self.allowed(UNKNOWN["fault"][0]) + ["unknown_case", "bad_row", "unknown_kind"])

    def test_units_and_parts_of_an_rrule(self):
        units = re.search(r"and (hours, .* or years)", self.refusal(HEAD + "due: {after: 1 nonsense}}]"))[1]
        self.assertEqual(set(re.split(", | or ", units)), set(re.findall(r"`([a-z ]+)`", re.search(
            r"Units are (.*?), also in", section("## 3. Durations and dates"), re.DOTALL)[1])))
        parts = re.search(r"allowed are (FREQ.*?), as in", self.refusal(HEAD + "due: {every: nonsense}}]"))[1]
        self.assertEqual(set(parts.split(", ")) - named(section("### Due blocks")), set())

    def test_the_code_agrees_on_faults(self):
        """The three codes that no example can name are the rest of the program's."""
        source = (SOURCE / "daemon/core/casefile.c").read_text()
        codes = set(re.findall(r'"(\w+)"', source[source.index("fault_name"):]))
        self.assertEqual(codes - named(section("### Faults in the data")), set())

    def write_rules(self, folder):
        for number, block in enumerate(BLOCKS["yaml"]):
            Path(folder, f"page-{number}.yaml").write_text(block, encoding="utf-8")

    def test_its_rules_are_a_set_and_its_examples_come_out(self):
        with tempfile.TemporaryDirectory(prefix="fristd-page-") as folder:
            config = Path(folder, "config")
            shutil.copytree(SOURCE / "config", config, ignore=shutil.ignore_patterns("rules"))
            (config / "rules").mkdir()
            self.write_rules(config / "rules")
            done = subprocess.run([FRISTD, "check", "--json", "--config", config / "fristd.yaml"], capture_output=True, text=True,
                                  check=False)
            rules = next(part for part in json.loads(done.stdout)["parts"] if part["part"] == "rules")
            self.assertEqual((rules["good"], rules["errors"], rules["warnings"]), (True, [], []))
            examples = int(re.search(r"(\d+) examples", rules["summary"])[1])
            self.assertEqual(examples, sum(block.count("- name:") for block in BLOCKS["yaml"]))
            self.assertGreater(examples, 12)

    def test_its_case_gives_its_lines(self):
        given, expected = BLOCKS["json"]
        decoder, lines = json.JSONDecoder(), []
        while expected.strip():
            found, end = decoder.raw_decode(expected.lstrip())
            lines.append(found)
            expected = expected.lstrip()[end:]
        options = re.search(r"With the rules of this page and `(.*?)`", PAGE)[1].split()
        with tempfile.TemporaryDirectory(prefix="fristd-page-") as folder:
            self.write_rules(folder)
            done = subprocess.run([FRISTD, "evaluate", "--rules", folder, *options], input=json.dumps(json.loads(given)) + "\n",
                                  capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual([json.loads(line) for line in done.stdout.splitlines()], lines)
        table = {row[0] for row in tables(section("## 7. `fristd evaluate`"))}
        for key in lines[0]:
            self.assertIn(f"`{key}`", " ".join(table))

    def test_vectors(self):
        rows = tables(section("## 8. Vectors"))[1:]
        self.assertGreater(len(rows), 30)
        for start, due, calendar, expected, _ in rows:
            with self.subTest(start=start, due=due, calendar=calendar):
                fields = {"calendar": calendar} if calendar else {}
                if "at_start" in due:
                    fields["kind"] = "precondition"
                wanted = expected.split(", ")
                # The next of a series is there from the second after the one before.
                now = re.sub(r"(\d\d:\d\d)", r"\1:01", wanted[-2], count=1) if len(wanted) > 1 else start
                deadlines, faults = evaluate(rule("r", due.strip("`"), **fields), case(event("start", start)), now)
                self.assertEqual(faults, [])
                self.assertEqual(len(deadlines), len(wanted))
                for deadline, written in zip(deadlines, wanted):
                    self.assert_due(deadline["due_at"], written)

    def assert_due(self, due_at, written):
        if len(written) == 10:
            written += " 23:59:59"
        written = re.sub(r"( \d\d:\d\d)(?=$|[+])", r"\1:00", written).replace(" ", "T")
        self.assertTrue(due_at.startswith(written), f"{due_at} is not {written}")

    def test_headings_are_linked(self):
        for text, target in re.findall(r"\[(\d+ [^\]]*)\]\(#([^)]*)\)", PAGE):
            heading = next(line for line in PAGE.splitlines() if line.startswith(f"## {text.split(' ')[0]}. "))
            anchor = re.sub(r"[^\w\- ]", "", heading[3:].lower()).replace(" ", "-")
            self.assertEqual(anchor, target)


if __name__ == "__main__":
    unittest.main()
