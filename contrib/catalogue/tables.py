#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Makes catalogue.md and events.md from the rules as `fristd rules` lists them, the list of the law's rules that they
are counted against (tests/support/law_catalogue.tsv) and what each kind of event means (events.tsv); from the last also
the vocabulary config/rules/kinds.yaml.

usage: contrib/catalogue/tables.py --binary build/release/daemon/fristd [--check]"""

import argparse
import fnmatch
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
LAW = SOURCE / "tests/support/law_catalogue.tsv"
ROLES = ("start", "stop", "cancel", "pause", "resume", "extend", "reset", "only_if", "day_of")
LETTERS = {"S": "statutory", "S+O": "statutory", "Q": "target", "P": "precondition", "E": "expiry", "O": "own",
           "I": "information"}
GROUPS = {"A": "Notifications of concern", "B": "Screening, clarification, assessment",
          "C": "Plans, follow-up, supervision", "D": "Committee, coercion, placements",
          "E": "Applications, complaints, remands", "F": "Disabled children", "G": "Approaching 18: placed youths",
          "H": "Use of force", "I": "Youth crime board", "J": "General administrative law", "K": "Age triggers",
          "own": "The municipality's own rules"}


def read_tsv(path):
    return [line.split("\t") for line in path.read_text().splitlines() if line and not line.startswith("#")]


def read_rules(binary, directory=SOURCE / "config/rules"):
    """All versions of all rules: a list for each id, the oldest first."""
    done = subprocess.run([binary, "rules", "--rules", directory, "--json"], capture_output=True, text=True, check=True)
    rules = {}
    for version in json.loads(done.stdout):
        rules.setdefault(version["id"], []).append(version)
    return rules


def read_law():
    """id (with * for a family of ids), group, kind, confidence, title."""
    return [(name, group, LETTERS[letter], confidence, title) for name, group, letter, confidence, title in read_tsv(LAW)]


def carriers(name, rules):
    """The ids that carry a row of the law's list."""
    return [known for known in sorted(rules) if fnmatch.fnmatchcase(known, name)]


def cell(text):
    return (text or "").replace("|", "\\|")


def due_of(version):
    words = version["due"]
    if version["calendar"]:
        words += f" ({version['calendar']})"
    if version["then"]:
        words += f"; then {version['then']}"
    return words


def rule_row(name, versions):
    now = versions[-1]
    history = [f"{old['from']} to {old['until']}: {old['basis']}" +
               (f", {old['due']}" if old["due"] != now["due"] else "") for old in versions[:-1]]
    examples = sum(len(version["examples"]) for version in versions)
    until = f" to {now['until']}" if now["until"] else ""
    cells = [now["code"], f"`{name}`" + (" ◆" if now["sensitive"] else ""), cell(now["title"]), now["kind"],
             cell(due_of(now)), cell(now["basis"]), now["confidence"] + ("" if now["on"] else ", **off**"),
             f"{now['from']}{until}", cell("<br>".join(history)), str(examples)]
    return "| " + " | ".join(cells) + " |"


HEAD = """| code | rule | title | kind | due | basis | conf. | valid from | earlier versions | examples |
|---|---|---|---|---|---|---|---|---|---|"""


def catalogue(rules):
    law = read_law()
    listed, missing, sections = set(), [], []
    for group, heading in GROUPS.items():
        rows = [row for row in law if row[1] == group]
        names = []
        for row in rows:
            found = carriers(row[0], rules)
            missing += [] if found else [row[0]]
            names += [name for name in found if name not in names]
        listed.update(names)
        label = heading if group == "own" else f"{group}. {heading}"
        present = sum(bool(carriers(row[0], rules)) for row in rows)
        sections.append(f"## {label}\n\n{present} of {len(rows)} rows of the law's list.\n\n{HEAD}\n" +
                        "\n".join(rule_row(name, rules[name]) for name in names))
    beyond = [name for name in sorted(rules, key=lambda name: rules[name][-1]["code"]) if name not in listed]
    sections.append("## Beside the list\n\nWhat the list's rows need more than one rule for.\n\n" + HEAD + "\n" +
                    "\n".join(rule_row(name, rules[name]) for name in beyond))
    count = {kind: sum(versions[-1]["kind"] == kind for versions in rules.values()) for kind in dict.fromkeys(LETTERS.values())}
    off = [name for name in rules if not rules[name][-1]["on"]]
    top = f"""# The catalogue

Made by `contrib/catalogue/tables.py`; do not edit.

{len(rules)} rules in {sum(map(len, rules.values()))} versions, {sum(len(version["examples"]) for versions in rules.values() for version in versions)} examples. Of the law's list {len(law) - len(missing)} of {len(law)} rows are there{": missing " + ", ".join(missing) if missing else ""}.

| kind | rules | shown as |
|---|---|---|
| statutory | {count["statutory"]} | a limit of the law; passed, it is a breach |
| precondition | {count["precondition"]} | what the law wants to be there before another act |
| expiry | {count["expiry"]} | ends by itself on the date |
| target | {count["target"]} | a duty of the law without a number; the number is the municipality's own, and a missed one is no breach of a limit |
| own | {count["own"]} | the municipality's own rule |
| information | {count["information"]} | somebody else's clock, or a possibility |

Confidence: A read in the law or an official page, B on a secondary page or carried over from the predecessor, C an assumption. A rule
with C is shipped switched off and does nothing until it also says `confirmed: true`: {", ".join(f"`{name}`" for name in off)}.

Codes are neutral: K01–K19 group A, K20–K29 B, K30–K49 C, K50–K69 D, K70–K89 E, K90–K99 J, K100–K119 F, K120–K129 G,
K130–K139 H, K140–K149 I, K150–K159 K, K200–K249 own rules. ◆ marks a rule whose name tells something about a child: only its
code leaves the house.

Versions until the end of 2023 are those of serviceloven, where the list has them, so that what began then is counted by the law of
then. Their first day, 2014-01-01, is how far back history is counted, not the first day of the act.

"""
    return top + "\n\n".join(sections) + "\n"


def uses(rules):
    """kind: {role: [rule, …]}"""
    found = {}
    for name, versions in rules.items():
        for role in ROLES:
            for kind in sorted({kind for version in versions for kind in version[role]}):
                found.setdefault(kind, {}).setdefault(role, []).append(name)
    return found


def events(rules):
    used = uses(rules)
    lines = []
    for kind, subject, meaning, derive in read_tsv(HERE / "events.tsv"):
        by = "<br>".join(f"{role}: " + ", ".join(f"`{name}`" for name in names) for role, names in used.get(kind, {}).items())
        lines.append(f"| `{kind}` | {cell(subject)} | {cell(meaning)} | {cell(derive)} | {by} |")
    return f"""# The events

Made by `contrib/catalogue/tables.py`; do not edit. {len(lines)} kinds. What each means, the subject it stands on, and which rules it
starts, stops, cancels and so on.

For an integrator: `config/sql/contract.sql` wants one row an event, with `occurred_at` the time it happened, not when it was typed, and a
subject that is the same for everything that belongs together (this notification, this remand); an empty subject is the case as a
whole. A blank in the fourth column means that the case system has a registration of its own for it, whose time is taken. Where it
has none, leave the kind out and take out or change the rules that need it; `fristd check --database` reports kinds that no rule
knows. An event may stand beside another one at the same time where the table says so, with an id of its own.

| kind | subject | it means | how to derive it | rules |
|---|---|---|---|---|
""" + "\n".join(lines) + "\n"


def vocabulary():
    """config/rules/kinds.yaml"""
    lines = ["# SPDX-License-Identifier: MPL-2.0", "# Which kinds of events there are, made by contrib/catalogue/tables.py from events.tsv. A rule that names another kind is",
             "# refused, so that a misspelt one cannot wait for an event that never comes. The municipality writes kinds of its own",
             "# into a file of its own, under the same key. What each means and how to derive it: contrib/catalogue/events.md.", "", "kinds:"]
    topic = None
    for kind, *_ in read_tsv(HERE / "events.tsv"):
        if kind.split(".")[0] != topic:
            topic = kind.split(".")[0]
            lines += [""] if lines[-1] != "kinds:" else []
        lines.append(f"  - {kind}")
    return "\n".join(lines) + "\n"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", required=True, help="the fristd that lists the rules")
    options.add_argument("--check", action="store_true", help="change nothing; exit 1 when a table is out of date")
    options = options.parse_args()
    kinds = SOURCE / "config/rules/kinds.yaml"
    if not options.check:
        kinds.write_text(vocabulary())  # before the rules, which are refused with a kind that is not in it
    rules = read_rules(options.binary)
    stale = []
    for path, text in ((kinds, vocabulary()), (HERE / "catalogue.md", catalogue(rules)), (HERE / "events.md", events(rules))):
        if options.check:
            stale += [] if path.exists() and path.read_text() == text else [path.name]
        else:
            path.write_text(text)
    if stale:
        print(f"out of date: {', '.join(stale)}; run contrib/catalogue/tables.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
