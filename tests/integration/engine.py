# SPDX-License-Identifier: MPL-2.0
"""Runs `fristd evaluate` on a few rules and events written in a few words."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
FRISTD = Path(os.environ.get("FRISTD", SOURCE / "build/asan/daemon/fristd"))

CALENDARS = """
holidays:
  dk:
    - {name: Nytårsdag, on: 01-01}
    - {name: Skærtorsdag, easter: -3}
    - {name: Langfredag, easter: -2}
    - {name: Påskedag, easter: 0}
    - {name: 2. påskedag, easter: 1}
    - {name: Store bededag, easter: 26, until: 2023-12-31}
    - {name: Kristi himmelfartsdag, easter: 39}
    - {name: Pinsedag, easter: 49}
    - {name: 2. pinsedag, easter: 50}
    - {name: Juledag, on: 12-25}
    - {name: 2. juledag, on: 12-26}
calendars:
  arbejdsdage: {weekdays: [mo, tu, we, th, fr], holidays: [dk]}
  hverdage: {weekdays: [mo, tu, we, th, fr, sa], holidays: [dk]}
  klagefrist: {weekdays: [mo, tu, we, th, fr], holidays: [dk], closed: [06-05, 12-24, 12-31]}
office_calendar: arbejdsdage
births: [barn.foedt]
notice_time: 08:00
"""

DEFAULTS = {
    "code": "K1", "title": "t", "basis": "§ 1", "kind": "statutory", "valid": "{from: 2000-01-01}",
    "confidence": "A", "start": "[start]", "stop": "[stop]", "cancel": "[cancel]",
}


def rule(id, due, **fields):
    """A rule in YAML; what is not said is as in DEFAULTS."""
    fields = {**DEFAULTS, **fields, "due": due}
    return "- {id: %s, %s}\n" % (id, ", ".join(f"{key}: {value}" for key, value in fields.items()))


def event(kind, at, subject="U", due_on=None, id=None):
    found = {"kind": kind, "occurred_at": at, "subject": subject}
    if due_on:
        found["due_on"] = due_on
    if id:
        found["event_id"] = id
    return found


def case(*events, case_type="barn", case_id="S-1"):
    """Events without an id get the numbers from 1."""
    numbered = [{"event_id": str(number), **found} for number, found in enumerate(events, 1)]
    return {"case_id": case_id, "case_type": case_type, "unit": "fam-nord", "caseworker": "p12",
            "events": numbered}


def run(rules, lines, now, *options, escalations=""):
    """The finished process and the objects it wrote; lines: bytes."""
    with tempfile.TemporaryDirectory(prefix="fristd-rules-") as folder:
        top = CALENDARS + (f"escalations:\n{escalations}\n" if escalations else "")
        Path(folder, "rules.yaml").write_text(top + "rules:\n" + rules, encoding="utf-8")
        process = subprocess.run([FRISTD, "evaluate", "--rules", folder, "--now", now, *options],
                                 input=lines, capture_output=True, timeout=120)
    if process.returncode not in (0, 1):
        raise AssertionError(f"exit {process.returncode}: {process.stderr.decode()}")
    return process, [json.loads(line) for line in process.stdout.decode("utf-8").split("\n") if line]


def evaluate(rules, found, now, *options, escalations=""):
    """Deadlines and faults of one case."""
    line = json.dumps(found).encode()
    _, written = run(rules, line, now, *options, escalations=escalations)
    return [one for one in written if "fault" not in one], [one for one in written if "fault" in one]
