# SPDX-License-Identifier: MPL-2.0
"""`fristd evaluate` against a second evaluator, written from the prose of contrib/rules.md alone (tests/support/reference.py),
on made-up rules and cases. Every line must be the same.

FIRST_SEED and SEEDS choose other and more rule sets, CASES how many cases each; a difference prints what is needed
to repeat it."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/support"))

import generate_cases  # noqa: E402  (it is found only now)
import reference  # noqa: E402

FRISTD = os.environ.get("FRISTD", str(SOURCE / "build/asan/daemon/fristd"))
FIRST_SEED = int(os.environ.get("FIRST_SEED", 1))
SEEDS = int(os.environ.get("SEEDS", 60))
CASES = int(os.environ.get("CASES", 12))


def in_order(lines):
    """Deadlines as they come, then the faults, whose order within a case is not promised."""
    faults = sorted((json.dumps({key: value for key, value in line.items() if value}, sort_keys=True)
                     for line in lines if "fault" in line))
    return [line for line in lines if "fault" not in line], faults


def only_in(these, those):
    return [str(line) for part in (0, 1) for line in these[part] if line not in those[part]]


class Reference(unittest.TestCase):
    maxDiff = None

    def evaluate(self, directory, cases, now, from_date):
        command = [FRISTD, "evaluate", "--rules", str(directory), "--now", now, "--no-explain", "--stages"]
        if from_date:
            command += ["--from", from_date]
        data = "".join(json.dumps(case) + "\n" for case in cases)
        done = subprocess.run(command, input=data, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        order = [case["case_id"] for case in cases]
        places = [(order.index(line["case_id"]), "fault" in line) for line in lines]
        self.assertEqual(places, sorted(places), "cases as they came, the faults of each behind its deadlines")
        return lines

    def compare(self, seed):
        spec, cases, nows = generate_cases.generate(seed, CASES)
        rules, zone = reference.Rules(spec), reference.Zone()
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "rules.yaml").write_text(json.dumps(spec, indent=1), encoding="utf-8")
            for number, now in enumerate(nows):
                from_date = str(zone.date(now - 100 * 86400)) if number == 0 and seed % 2 else None
                ours = self.evaluate(directory, cases, zone.write(now), from_date)
                for case in cases:
                    expected = in_order(list(reference.evaluate(rules, [case], now, from_date, zone)))
                    got = in_order([line for line in ours if line["case_id"] == case["case_id"]])
                    self.compare_case(seed, spec, case, zone.write(now), expected, got)

    def compare_case(self, seed, spec, case, now, expected, got):
        if expected == got:
            return
        wrong = [line for lines in zip(expected, got) for line in lines[0] + lines[1]
                 if (line in lines[0]) != (line in lines[1])]
        ids = {(json.loads(line) if isinstance(line, str) else line).get("rule") for line in wrong}
        self.fail("\n".join(
            [f"seed {seed}, case {case['case_id']}, now {now}"]
            + [json.dumps(rule, ensure_ascii=False) for rule in spec["rules"] if rule["id"] in ids]
            + [json.dumps(event) for event in sorted(case["events"], key=lambda event: event["occurred_at"])]
            + ["-- the reference alone:"] + only_in(expected, got) + ["-- fristd alone:"] + only_in(got, expected)))

    def test_same_lines(self):
        for seed in range(FIRST_SEED, FIRST_SEED + SEEDS):
            with self.subTest(seed=seed):
                self.compare(seed)


if __name__ == "__main__":
    unittest.main()
