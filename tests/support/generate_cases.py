#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Made-up rule sets and cases that try every part of contrib/rules.md, for comparing two evaluations: a seed gives the same
rules and cases every time.

usage: generate_cases.py SEED DIRECTORY    writes rules/rules.yaml (as JSON), cases.jsonl and now.txt there"""

import datetime
import json
import random
import sys
from pathlib import Path

import reference

HOLIDAYS = {"dk": [
    {"name": "Nytårsdag", "on": "01-01"}, {"name": "Skærtorsdag", "easter": "-3"},
    {"name": "Langfredag", "easter": "-2"}, {"name": "Påskedag", "easter": "0"},
    {"name": "2. påskedag", "easter": "1"},
    {"name": "Store bededag", "easter": "26", "until": "2023-12-31"},
    {"name": "Kristi himmelfartsdag", "easter": "39"},
    {"name": "Pinsedag", "easter": "49"}, {"name": "2. pinsedag", "easter": "50"}, {"name": "Juledag", "on": "12-25"},
    {"name": "2. juledag", "on": "12-26"}]}
CALENDARS = {
    "arbejdsdage": {"weekdays": ["mo", "tu", "we", "th", "fr"], "holidays": ["dk"]},
    "hverdage": {"weekdays": ["mo", "tu", "we", "th", "fr", "sa"], "holidays": ["dk"]},
    "kommunen": {"weekdays": ["mo", "tu", "we", "th", "fr"], "holidays": ["dk"],
                 "closed": ["06-05", "12-24", "12-31", "2026-05-15"]}}
ROLES = ["caseworker", "team_leader", "department_head"]
KINDS = [f"kind.{letter}" for letter in "abcdefgh"] + ["barn.foedt"]
RECURRENCES = [
    "FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0;BYSECOND=0", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,TU",
    "FREQ=DAILY;INTERVAL=9", "FREQ=HOURLY;INTERVAL=169", "FREQ=MONTHLY", "FREQ=MONTHLY;BYMONTHDAY=31,15",
    "FREQ=MONTHLY;BYDAY=-1SU;BYHOUR=2;BYMINUTE=30;BYSECOND=0",
    "FREQ=MONTHLY;BYDAY=-1SU;BYHOUR=2,3;BYMINUTE=0;BYSECOND=0",
    "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=12;BYMINUTE=0;BYSECOND=0", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
    "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=1", "FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, share):
        return self.random.random() < share

    def one(self, things):
        return self.random.choice(things)

    def some(self, things, most):
        return self.random.sample(things, self.random.randint(1, most))

    # rules

    def term(self):
        return self.one([f"{self.random.randint(1, 20)} days", f"{self.random.randint(1, 6)} weeks",
                         f"{self.random.randint(1, 6)} months", "1 year", "1 working day",
                         f"{self.random.randint(1, 12)} working days"])

    def duration(self, hours=True):
        if hours and self.chance(0.2):
            return f"{self.one([1, 24, 48, 100])} hours"
        if self.chance(0.15):
            return f"{self.random.randint(2, 8)} months {self.one('+-')} {self.term()}"
        return self.term()

    def form(self, ids, series=True):
        """A due block without roll and at."""
        form = self.one(["after"] * 5 + ["event", "on", "next", "end_of", "every", "same_as", "at_start"])
        if form == "every" and series:
            return {"every": self.one(RECURRENCES)}
        if form == "at_start" and series:
            return {"at_start": "true"}
        if form == "event":
            return {"event": "true"}
        if form == "on":
            return {"on": self.date(60).isoformat()}
        if form == "next":
            return {"next": self.one(["02-29", self.date(400).strftime("%m-%d"), self.date(60).strftime("%m-%d")])}
        if form == "end_of":
            return {"end_of": self.one(["week", "month", "quarter", "year"])}
        if form == "same_as" and ids:
            return {"same_as": self.one(ids)}
        return {"after": self.duration()}

    def due(self, ids, series=True):
        if self.chance(0.12):
            forms = [self.form(ids, False) for _ in range(self.random.randint(1, 2))]
            block = {"earliest": forms + [{"on_day_of": self.one(KINDS)}]}
        else:
            block = self.form(ids, series)
        plain = bool(block.keys() & {"event", "on", "next", "end_of"})
        plain = plain or ("after" in block and "hours" not in block["after"])
        plain = plain or ("earliest" in block and not self.has_instants(block))
        if plain and self.chance(0.25):
            block["roll"] = self.one(["forward", "backward"])
        if plain and "earliest" not in block and self.chance(0.15):
            block["at"] = self.one(["12:00", "02:30", "08:00", "00:00"])
        words = block.get("after", "").split()
        if len(words) == 2 and words[1].rstrip("s") in ("day", "week") and self.chance(0.2):
            block["inclusive"] = "true"
        return block

    @staticmethod
    def has_instants(block):
        """Whether one of several forms gives an instant: what pauses and rolls do to those is not said."""
        return any("same_as" in form or "hours" in form.get("after", "") for form in block.get("earliest", []))

    def rule(self, rule_id, ids):
        start = self.some(KINDS, 2)
        if ids and self.chance(0.2):
            start = ["breach:" + self.one(ids)] + ([self.one(KINDS)] if self.chance(0.3) else [])
        due = self.due(ids)
        rule = {"id": rule_id, "code": rule_id.upper(), "title": "Prøve " + rule_id, "basis": "§ 1",
                "kind": self.one(["statutory", "statutory", "own", "target", "expiry", "information"]),
                "valid": {"from": "2015-01-01"}, "confidence": self.one("AAB"), "start": start, "due": due,
                "calendar": self.one(list(CALENDARS)), "escalation": self.one(["a", "b", "c", "d", "e"])}
        if "at_start" in due:
            rule["kind"] = self.one(["precondition", "own"])
        if "every" in due:
            rule["kind"] = self.one(["statutory", "own", "target"])
        self.add_lists(rule, due, ids)
        if self.chance(0.15):
            rule["scope"] = "case"
        if self.chance(0.1):
            rule["case_types"] = ["barn"]
        if self.chance(0.05):
            rule["confidence"] = "C"
            if self.chance(0.5):
                rule["confirmed"] = "true"
        return rule

    def add_lists(self, rule, due, ids):
        free = [kind for kind in KINDS if kind not in rule["start"] or self.chance(0.15)]
        for field, share, most in (("stop", 0.9, 2), ("cancel", 0.4, 1), ("only_if", 0.15, 2)):
            if self.chance(share):
                rule[field] = self.some(free, most)
        if not due.keys() & {"every", "at_start"}:
            if not self.has_instants(due) and self.chance(0.35):
                rule["pause"], rule["resume"] = [[kind] for kind in self.random.sample(free, 2)]
            if self.chance(0.3):
                rule["extend"] = self.some(free, 1)
            if self.chance(0.25):
                rule["reset"] = self.some(free, 1)
        if "every" in due:
            return
        if self.chance(0.2):
            rule["look_back"] = self.one(["true", self.duration()])
        elif "at_start" not in due and self.chance(0.3):
            rule["then"] = self.due(ids, False)
            if self.has_instants(rule["then"]):
                rule["then"] = {"after": "30 days"}
            if "after" in rule["then"] and "reset" not in rule and self.chance(0.3):
                rule["then"]["from"] = "anchor"

    def versions(self, rule):
        """Sometimes the same duty a second time, in force later."""
        if self.chance(0.75):
            return [rule]
        border = self.date(200)
        later = json.loads(json.dumps(rule))
        rule["valid"]["until"] = (border - reference.DAY).isoformat()
        later["valid"] = {"from": (border + self.one([0, 0, 30]) * reference.DAY).isoformat()}
        later["due"] = {"after": self.duration(hours=False)}
        if self.chance(0.4) and not rule["due"].keys() & {"event", "same_as", "earliest"}:
            rule["version_by"] = later["version_by"] = "due"
        elif self.chance(0.5):
            later["stop"] = self.some([kind for kind in KINDS if kind not in rule["start"]], 2)
        return [rule, later]

    def escalations(self):
        stages = {
            "a": [("30 days before",), ("5 working days before",), ("breach",), ("7 days after", "7 days")],
            "b": [("1 working day before",), ("breach",), ("breach", None, "2")],
            "c": [("3 hours before",), ("breach", "24 hours"), ("36 hours after",)],
            "d": [("2 months before", "2 weeks"), ("2 working days after", "3 working days")],
            "e": [("10 days before", "50 hours"), ("breach", "1 month")]}
        return {name: [self.stage(*stage) for stage in stages[name]] for name in stages}

    def stage(self, at, every=None, missed=None):
        fields = {"at": at, "every": every, "missed": missed}
        return {key: value for key, value in fields.items() if value} | {"to": self.some(ROLES, 2)}

    def rules(self):
        self.center = self.one([datetime.date(2026, 3, 27), datetime.date(2026, 10, 23), datetime.date(2026, 12, 18),
                                datetime.date(2023, 5, 3), datetime.date(2027, 2, 26), datetime.date(2028, 2, 28),
                                datetime.date(2020, 1, 1) + self.random.randint(0, 2500) * reference.DAY])
        rules, ids = [], []
        for number in range(self.random.randint(3, 8)):
            rule = self.rule(f"r{number}", ids)
            if rule.get("version_by") != "due":
                ids.append(rule["id"])
            rules += self.versions(rule)
        for rule in rules:
            others = [other for other in rules if other["id"] == rule["id"]]
            if any("scope" in other for other in others):
                rule["scope"] = "case"
        return {"holidays": HOLIDAYS, "calendars": CALENDARS, "office_calendar": "arbejdsdage",
                "births": ["barn.foedt"], "notice_time": "08:00", "escalations": self.escalations(), "rules": rules}

    # cases

    def date(self, spread):
        return self.center + self.random.randint(-spread // 4, spread) * reference.DAY

    def event(self, at, zone, ids, kind=None, subject=None):
        number = self.random.randint(1, 30)
        event_id = self.one([str(number), f"e{number}", f"0{number}", "9" * self.random.randint(18, 22)])
        while event_id in ids and self.chance(0.95):
            event_id += str(self.random.randint(0, 9))
        ids.add(event_id)
        if subject is None:
            subject = self.one(["", "A", "A", "B"])
        event = {"event_id": event_id, "subject": subject, "kind": kind or self.one(KINDS),
                 "occurred_at": self.written(at, zone)}
        if self.chance(0.6):
            event["due_on"] = (zone.date(at) + self.random.randint(-10, 90) * reference.DAY).isoformat()
        return event

    def written(self, at, zone):
        """One of the ways to write an instant."""
        local = zone.write(at)
        utc = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat()
        ways = [local, local, utc, utc.replace("+00:00", "Z"), local.replace("T", " "),
                local[:19] + ".999999" + local[19:]]
        if zone.read(local[:19]) == at:
            ways.append(local[:19])
        return self.one(ways)

    def case(self, number, rules, zone):
        at = zone.instant(self.center - self.random.randint(0, 20) * reference.DAY, self.random.randint(0, 86399))
        case = {"case_id": f"S-{number}", "case_type": self.one(["barn", "barn", "voksen"]), "unit": "fam",
                "caseworker": "p1", "events": []}
        ids = set()
        for _ in range(self.random.randint(2, 14)):
            case["events"].append(self.event(at, zone, ids))
            at += self.one([0, 0, 1, 3600, self.random.randint(0, 86400), self.random.randint(0, 12) * 86400,
                            self.random.randint(0, 60 * 86400)])
        far = at + 400 * 86400
        lines = [line for line in reference.evaluate(rules, [case], far, zone=zone) if line.get("due_at")]
        for line in self.random.sample(lines, min(len(lines), 3)):
            case["events"] += self.near_due(rules, line, zone, ids)
        self.random.shuffle(case["events"])
        return case

    def near_due(self, rules, line, zone, ids):
        """Events in the very second of a due, in the one after it, or a pause around it."""
        due = zone.read(line["due_at"])
        version = rules.lines[line["rule"]][0]
        if version.kinds["pause"] and self.chance(0.7):
            begin = due - self.one([0, 1, 3600, 86400, self.random.randint(0, 4 * 86400)])
            end = begin + self.one([0, 1, 86400, self.random.randint(0, 10 * 86400)])
            ends = version.kinds["resume"] * 2 + [kind for field in ("resume", "stop", "extend", "reset")
                                                  for kind in version.kinds[field]]
            return [self.event(begin, zone, ids, version.kinds["pause"][0], line["subject"]),
                    self.event(end, zone, ids, self.one(ends), line["subject"])]
        at = due + self.one([-1, 0, 0, 1, 1, 2])
        kinds = [kind for field in ("stop", "extend", "reset", "cancel") for kind in version.kinds[field]] or KINDS
        kind = self.one(kinds) if self.chance(0.5) else None
        return [self.event(at, zone, ids, kind, line["subject"] if self.chance(0.5) else None)]

    def nows(self, rules, cases, zone):
        """Instants at which something happens, and one anywhere."""
        end = max(zone.read(event["occurred_at"]) for case in cases for event in case["events"])
        begin = min(zone.read(event["occurred_at"]) for case in cases for event in case["events"])
        lines = [line for line in reference.evaluate(rules, cases, end, zone=zone) if "due_at" in line]
        moments = [zone.read(at) for line in lines for at in [line["due_at"]] + line["stages"][-2:] if at]
        anywhere = self.random.randint(begin, end + 40 * 86400)
        return [anywhere] + [self.one(moments) + self.one([0, 0, 1]) for _ in range(2) if moments]


def generate(seed, case_count):
    """(rules as JSON data, cases, instants to evaluate at)"""
    generator, zone = Generator(seed), reference.Zone()
    spec = generator.rules()
    rules = reference.Rules(spec)
    cases = [generator.case(number, rules, zone) for number in range(case_count)]
    return spec, cases, generator.nows(rules, cases, zone)


def main():
    directory = Path(sys.argv[2])
    spec, cases, nows = generate(int(sys.argv[1]), 20)
    (directory / "rules").mkdir(parents=True, exist_ok=True)
    (directory / "rules" / "rules.yaml").write_text(json.dumps(spec, indent=1, ensure_ascii=False))
    (directory / "cases.jsonl").write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases))
    (directory / "now.txt").write_text("".join(reference.Zone().write(now) + "\n" for now in nows))


if __name__ == "__main__":
    main()
