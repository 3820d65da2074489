# SPDX-License-Identifier: MPL-2.0
"""Which mails a year brings, calculated a second time: dates by tests/support/reference.py, everything else (whose turn it is,
whom it reaches, which notices share a mail and when it goes) from contrib/rules.md section 6, contrib/design.md section 8 and
the words of config/fristd.yaml, plainly and case by case."""

import collections
import datetime
import sys
from dataclasses import dataclass, field

from support import SOURCE

sys.path.insert(0, str(SOURCE / "tests/support"))

import reference  # noqa: E402
import year_town  # noqa: E402

MINUTE = 60
SPEAKING = ("open", "breached", "missed", "lapsed", "passed")
DONE = ("met", "late", "cancelled")
FLOOD_WAIT = 5 * MINUTE  # urgent ones beyond the bound share a mail that often


@dataclass
class Notice:
    person: str
    role: str
    key: tuple        # the deadline: case, rule, subject, occurrence
    what: str         # "stage", "follow_up", "silence" or "report"
    detail: object    # when the stage was; what has become of it; "started" or "ended"
    urgent: bool
    decided_at: int
    goes_at: int
    due: int = None
    held: str = None  # "hours", "bound"
    alone: bool = False
    stage: int = None  # its number in the escalation
    instead: bool = False  # of somebody whose mail was refused
    lost: bool = False  # out of date before it went, or refused

    def item(self):
        return (self.what, *self.key, self.detail)


@dataclass
class Mail:
    at: int
    person: str
    items: tuple
    kind: str  # "urgent", "notices", "silence", "report"


@dataclass
class Known:
    """One deadline as it was when its case was looked at last."""
    due: int
    state: str
    staged_until: int = None
    told: dict = field(default_factory=dict)  # person → role of his last notice that was sent
    roles: set = field(default_factory=set)   # roles that were told of this due
    last_step: dict = field(default_factory=dict)  # person → when his latest notice was decided
    notices: list = field(default_factory=list)    # of its stages
    breach_at: int = None                          # while it stands breached
    muted: bool = False                            # a step is, and none was told since
    version: object = None


@dataclass
class Acknowledgement:
    until: int
    given: int


class Hours:
    def __init__(self, text, calendar, zone):
        self.holidays_too = text.endswith("holidays too")
        self.spans = []
        for span in text.removesuffix(", holidays too").split(", "):
            days, times = span.split(" ")
            first, _, last = days.partition("-")
            first, last = (reference.WEEKDAYS.index(day) for day in (first, last or first))
            begin, end = (reference.seconds_of(time) for time in times.split("-"))
            self.spans.append((range(first, last + 1), begin, end))
        self.calendar, self.zone = calendar, zone

    def opening(self, at, later_day=False):
        """The first moment at or after `at`, or on a later day, at which somebody is there."""
        date = self.zone.date(at) + later_day * reference.DAY
        while True:
            if self.holidays_too or self.is_no_holiday(date):
                for days, begin, end in sorted(self.spans, key=lambda span: span[1]):
                    first, last = self.zone.instant(date, begin), self.zone.instant(date, end)
                    if date.weekday() in days and at < last:
                        return max(at, first)
            date += reference.DAY

    def is_no_holiday(self, date):
        return not self.calendar.is_holiday(date) and date.strftime("%m-%d") not in self.calendar.closed


class Reckoning:
    def __init__(self, spec, town, group_wait, mails_per_day, urgent_per_hour):
        self.rules, self.zone, self.town = reference.Rules(spec), reference.Zone(), town
        self.group_wait, self.mails_per_day, self.urgent_per_hour = group_wait, mails_per_day, urgent_per_hour
        self.hours = {unit: Hours(text, self.rules.office, self.zone) for unit, text in year_town.UNIT_HOURS.items()}
        self.office = Hours(year_town.HOURS, self.rules.office, self.zone)
        self.parent = dict(year_town.UNITS)
        self.urgent = {rule["id"]: is_urgent(rule) for rule in spec["rules"]}
        self.muted_by = {rule["id"]: rule.get("muted_by", []) for rule in spec["rules"]}
        self.people = {person.id: person for person in town.people}
        self.refused = set()                        # persons whose address is
        self.away = {}  # person → substitute
        self.worker = {case.id: case.caseworker for case in town.cases}
        self.unit = {case.id: case.unit for case in town.cases}
        self.events = {case.id: [(self.second(at), kind, subject, due_on) for at, kind, subject, due_on in case.events]
                       for case in town.cases}
        self.types = {case.id: case.type for case in town.cases}
        self.known = collections.defaultdict(dict)  # case → (rule, subject, occurrence) → Known
        self.acknowledged = {}                      # (case, rule, subject, occurrence) → Acknowledgement
        self.silences = []                          # (unit, from, until, by)
        self.loose = []
        self.mails = []
        self.formed = []                            # (at, person) of every mail, told or not
        self.urgent_of_late = collections.defaultdict(list)
        self.unreached = 0
        self.muted_steps = collections.Counter()    # (deadline, when the step was, when it was muted)
        self.told_afterwards = 0
        self.refusals = []                          # (at, person) of every mail that was refused
        self.operators = collections.Counter()      # what the operators hear
        self.refused_in_a_row = collections.Counter()
        self.refused_notices = []                   # whose next level has to be told
        self.moments = []

    @staticmethod
    def second(at):
        return int(at.timestamp())

    # --- the year

    def run(self):
        acts = collections.defaultdict(list)
        for act in self.town.acts:
            acts[self.second(act.at)].append(act)
        begin, end = self.second(year_town.BEGIN), self.second(year_town.END)
        wake = {case: begin for case in self.events}  # when each case is to be looked at
        looks = set()                                 # when all are
        now = begin
        while now is not None and now < end:
            self.moments.append(now)
            touched = set()
            for act in acts[now]:
                touched |= self.act(act, now)
            fresh = []
            for unit, first, until, by in self.silences:
                for moment, word in ((first, "started"), (until, "ended")):
                    if moment == now:
                        fresh += self.silence_report(by, word, now)
            for case in sorted(self.events):
                if now in looks or case in touched or (wake[case] is not None and wake[case] <= now):
                    fresh += self.look(case, now, first=now == begin)
                    wake[case] = self.next_look(case, now)
            self.decide(fresh, now)
            self.form(now)
            while self.refused_notices:
                failed, self.refused_notices = self.refused_notices, []
                self.decide([notice for one, together in failed for notice in self.next_level(one, together, now)], now)
                self.form(now)
            if self.refusals and self.refusals[-1][0] == now and any(known.muted for of_case in self.known.values()
                                                                     for known in of_case.values()):
                looks.add(now + 1)
            coming = [at for at in wake.values() if at is not None] + [notice.goes_at for notice in self.loose]
            coming += [at for at in looks if at > now]
            coming += [at for at in acts if at > now] + [at for row in self.silences for at in row[1:3] if at > now]
            now = min((at for at in coming if at > now), default=None)
        return self.mails

    def act(self, act, now):
        words = act.words
        if act.what == "report":
            self.report(words["name"], words["roles"], now)
        if act.what == "away":
            self.away[words["who"]] = words["substitute"]
        elif act.what == "back":
            del self.away[words["who"]]
        elif act.what == "handed_over":
            self.worker = {case: words["to"] if who == words["who"] else who for case, who in self.worker.items()}
        elif act.what in ("refused", "taken"):
            self.refused ^= {words["who"]}
        elif act.what == "left":
            del self.people[words["who"]]
            # What became of a deadline is nothing to him any more; a step that waits for him would go to the next level.
            assert not [notice for notice in self.loose if notice.person == words["who"] and notice.what == "stage"]
            self.loose = [notice for notice in self.loose if notice.person != words["who"]]
        elif act.what == "acknowledge":
            for key, known in self.known[words["case"]].items():
                if known.state in ("open", "breached", "paused"):
                    self.acknowledged[words["case"], *key] = Acknowledgement(self.second(words["until"]), now)
            return {words["case"]}
        elif act.what == "silence":
            self.silences.append((words["unit"], self.second(words["from"]), self.second(words["until"]), words["by"]))
        return set(self.events) if act.what in year_town.AMONG_PEOPLE else set()

    # --- one case

    def evaluate(self, case, now):
        events = [{"event_id": str(number), "occurred_at": self.zone.write(at), "kind": kind, "subject": subject,
                   "due_on": str(due_on) if due_on else None}
                  for number, (at, kind, subject, due_on) in enumerate(self.events[case]) if at <= now]
        return reference.Case(self.rules, self.zone, now, {"case_id": case, "case_type": self.types[case], "events": events})

    def occurrences(self, evaluated, now):
        # Whether a step is muted depends on what the larger problem tells in the same look.
        for (rule, subject), run in sorted(evaluated.runs.items(), key=lambda item: (self.depth(item[0][0]), item[0])):
            for occurrence in run.occurrences:
                if not run.is_silent(occurrence, now if occurrence.due is None else min(now, occurrence.due)):
                    yield (rule, subject, occurrence.number), run, occurrence

    def depth(self, rule):
        return 1 + max((self.depth(larger.removeprefix("case:")) for larger in self.muted_by[rule]), default=0)

    @staticmethod
    def state_of(occurrence, now):
        if occurrence.state is not None:
            return occurrence.state
        if occurrence.paused_at is not None:
            return "paused"
        return "breached" if occurrence.due is not None and occurrence.breach_at <= now else "open"

    def steps(self, run, occurrence, after, until):
        """(instant, number of the stage) in this order, later than `after` and up to `until`."""
        if occurrence.due is None:
            return []
        if occurrence.state == "missed":
            until = min(until, occurrence.breach_at)
        elif occurrence.closed_at is not None:
            until = min(until, occurrence.closed_at)
        found = []
        for number, stage in enumerate(occurrence.version.stages):
            for instant in run.instants_of_stage(occurrence, stage):
                if instant > until:
                    break
                if after is None or instant > after:
                    found.append((instant, number))
        return sorted(found)

    def next_look(self, case, now):
        """When something may happen in the case by itself, or by its next event."""
        coming = [at for at, *_ in self.events[case] if at > now][:1]
        coming += [given.until for key, given in self.acknowledged.items() if key[0] == case and given.until > now]
        if any(unit == self.unit[case] and first <= now < until for unit, first, until, _ in self.silences):
            coming += [until for unit, first, until, _ in self.silences if unit == self.unit[case] and until > now]
        for (rule, subject), run in self.looked_at.runs.items():
            if run.series is not None:
                coming.append(run.last.due + 1)
            for occurrence in run.occurrences:
                if occurrence.due is None or occurrence.paused_at is not None:
                    continue
                if occurrence.state in (None, "missed"):
                    coming.append(occurrence.breach_at)
                if occurrence.state is None:
                    for stage in occurrence.version.stages:
                        coming += [next((at for at in run.instants_of_stage(occurrence, stage) if at > now), now)]
        return min((at for at in coming if at > now), default=None)

    def look(self, case, now, first):
        """What is to be told of this case now."""
        evaluated = self.looked_at = self.evaluate(case, now)
        silenced = any(unit == self.unit[case] and begin <= now < until for unit, begin, until, _ in self.silences)
        fresh = []
        for key, run, occurrence in self.occurrences(evaluated, now):
            state = self.state_of(occurrence, now)
            known = self.known[case].get(key)
            new = known is None
            if new:
                known = self.known[case][key] = Known(occurrence.due, state)
            before, moved = known.state, known.due != occurrence.due
            was_closed = before not in ("open", "breached", "paused")
            if moved:
                known.due, known.staged_until, known.roles, known.muted = occurrence.due, None, set(), False
                if not was_closed and not silenced:
                    fresh += self.follow_ups(case, key, known, "moved", now)
            known.state, known.version = state, occurrence.version
            known.breach_at = occurrence.breach_at if state == "breached" else None
            known.muted = known.muted and state in ("open", "breached", "paused")
            if state in DONE and before != state and not silenced:
                fresh += self.follow_ups(case, key, known, state, now)
            given, back = self.acknowledged.get((case, *key)), None
            if given and (given.until <= now or state not in ("open", "breached", "paused")):
                del self.acknowledged[case, *key]
                if state in ("open", "breached") and not silenced:
                    back = self.come_back(run, occurrence, given, now)
                    if back:
                        fresh += self.tell_or_mute(case, key, known, occurrence, back, given.until, set(), now)
                given = None
            if state not in SPEAKING:
                continue
            holding = known.roles if given and not moved else set()
            steps = [(at, number) for at, number in self.steps(run, occurrence, known.staged_until, now)
                     if not set(occurrence.version.stages[number]["to"]) <= holding]
            again = known.muted and not steps and not back and state in ("open", "breached")
            if again:
                steps = [(at, number) for at, number in self.steps(run, occurrence, None, now)
                         if not set(occurrence.version.stages[number]["to"]) <= holding]
            if not steps or (silenced and not (first and new)):
                continue
            if first:
                known.staged_until = now
                continue
            at = steps[-1][0]
            fresh += self.tell_or_mute(case, key, known, occurrence, [number for instant, number in steps if instant == at],
                                       now if again else at, holding, now, again)
        return fresh

    def tell_or_mute(self, case, key, known, occurrence, numbers, at, holding, now, again=False):
        known.staged_until = now
        reached = self.reach(case, [occurrence.version.stages[number] for number in numbers], holding)
        if reached and self.is_muted(case, key, reached):
            known.muted = known.state in ("open", "breached")
            if not again:
                self.muted_steps[case, *key, at, now] += 1
            return []
        known.muted = False
        self.told_afterwards += again
        return self.tell(case, key, known, occurrence, numbers, at, holding, now)

    def is_muted(self, case, key, reached):
        """By a larger problem that stands breached, of whose breach all have been told whom the step would reach."""
        for larger in self.muted_by[key[0]]:
            for (rule, subject, _), known in self.known[case].items():
                if (rule != larger.removeprefix("case:") or known.state != "breached"
                        or not (larger.startswith("case:") or subject == key[1] or "" in (subject, key[1]))):
                    continue
                if reached.keys() <= {notice.person for notice in known.notices
                                      if not notice.lost and notice.due == known.due and notice.detail >= known.breach_at}:
                    return True
        return False

    def come_back(self, run, occurrence, given, now):
        steps = self.steps(run, occurrence, None, now)
        if not steps or steps[-1][0] >= given.until:
            return None
        return [number for instant, number in steps if instant == steps[-1][0]]

    def tell(self, case, key, known, occurrence, numbers, at, holding, now):
        stages = occurrence.version.stages
        reached = self.reach(case, [stages[number] for number in numbers], holding)
        if not reached:
            self.unreached += 1
            later = (self.reach(case, [stage], holding) for stage in stages[numbers[-1] + 1:])
            reached = next((found for found in later if found), {})
        urgent = self.urgent[key[0]]
        fresh = []
        for person, role in reached.items():
            known.last_step[person] = now
            fresh.append(Notice(person, role, (case, *key), "stage", at, urgent, now, now, known.due, alone=urgent, stage=numbers[0]))
        known.notices += fresh
        return fresh

    def next_level(self, failed, together, now):
        """Who hears at once of a step whose mail was refused: the first later step that reaches somebody else."""
        case, known = failed.key[0], self.known[failed.key[0]][failed.key[1:]]
        later = (self.reach(case, [stage], set(), failed.person) for stage in known.version.stages[failed.stage + 1:])
        fresh = [Notice(person, role, failed.key, "stage", failed.detail, True, now, now, known.due, alone=not together,
                        stage=failed.stage, instead=True)
                 for person, role in next((found for found in later if found), {}).items()]
        known.notices += fresh
        return fresh

    def reach(self, case, stages, holding, but=None):
        """person → role, each once, in the order in which the steps name them."""
        reached = {}
        for stage in stages:
            for role in stage["to"]:
                if role in holding:
                    continue
                for holder in self.holders(case, role):
                    if holder != but:
                        reached.setdefault(holder, role)
        return reached

    def holders(self, case, role):
        if role == "caseworker":
            return self.present([self.worker[case]])
        unit = self.unit[case]
        while unit:
            found = self.present([person.id for person in self.people.values() if person.unit == unit and person.role == role])
            if found:
                return found
            unit = self.parent[unit]
        return []

    def present(self, persons):
        found = []
        for person in sorted(persons):
            seen = set()
            while person in self.away and person not in seen:
                seen.add(person)
                person = self.away[person]
            if person in self.people and person not in self.away and person not in found:
                found.append(person)
        return found

    def follow_ups(self, case, key, known, word, now):
        urgent = self.urgent[key[0]]
        morning = self.office.opening(now, later_day=True) + self.group_wait
        return [Notice(person, role, (case, *key), "follow_up", word, urgent, now, now if urgent else morning, known.due)
                for person, role in known.told.items() if person in self.people]

    def silence_report(self, by, word, now):
        """To the leaders of the unit above that of the team leader who silences."""
        unit = self.parent[self.people[by].unit]
        above = self.present([person.id for person in self.people.values() if person.unit == unit])
        return [Notice(person, "", ("", "", "", 0), "silence", word, False, now, self.hours_of(person).opening(now)) for person in above]

    def report(self, name, roles, now):
        """One to each leader, whatever is in it; where nobody stands in for him, to the level above."""
        for holder in sorted(self.people.values(), key=lambda person: person.id):
            if holder.role not in roles:
                continue
            found = self.present([holder.id])
            self.operators["report_not_sent"] += not found
            for person in found or self.leaders_above(holder.unit, None):
                is_refused = self.send_report(name, person, now)
                if found and is_refused:
                    for above in self.leaders_above(holder.unit, person):
                        self.send_report(name, above, now)

    def leaders_above(self, unit, but):
        """The leaders of the nearest unit above who can be reached."""
        found = []
        while not found and (unit := self.parent[unit]):
            leaders = [person.id for person in self.people.values() if person.unit == unit and person.role != "caseworker"]
            found = [person for person in self.present(leaders) if person != but]
        return found

    def send_report(self, name, person, now):
        """Returns whether it was refused."""
        notice = Notice(person, "", ("", "", "", 0), "report", name, False, now, now)
        self.send(now, person, [notice], "report")
        return notice.lost

    # --- the mails

    def hours_of(self, person):
        unit = self.people[person].unit
        while unit:
            if unit in self.hours:
                return self.hours[unit]
            unit = self.parent[unit]
        return self.office

    def decide(self, fresh, now):
        alone = collections.Counter(notice.person for notice in fresh if notice.alone)
        flooded = {person for person, count in alone.items() if self.urgent_per_hour
                   and count + sum(at > now - 3600 for at in self.urgent_of_late[person]) > self.urgent_per_hour}
        for notice in fresh:
            if notice.urgent:
                self.urgent_of_late[notice.person].append(now)
            if notice.alone and notice.person not in flooded:
                self.send(now, notice.person, [notice], "urgent")
                continue
            if notice.alone:
                notice.goes_at, notice.held = now + FLOOD_WAIT, "bound"
            elif notice.what == "stage" and not notice.urgent:
                opening = self.hours_of(notice.person).opening(now)
                notice.goes_at, notice.held = opening + self.group_wait, "hours" if opening > now else None
            self.loose.append(notice)

    def form(self, now):
        for notice in [notice for notice in self.loose if notice.what == "silence" and notice.goes_at <= now]:
            self.loose.remove(notice)
            self.send(now, notice.person, [notice], "silence")
        for person in sorted({notice.person for notice in self.loose if notice.what != "silence" and notice.goes_at <= now}):
            self.hold(person, now)
            own = [notice for notice in self.loose if notice.person == person and notice.what != "silence"]
            if any(notice.goes_at <= now for notice in own):
                together = [notice for notice in own if notice.goes_at <= now + self.group_wait or notice.what == "follow_up"]
                self.loose = [notice for notice in self.loose if notice not in together]
                self.send(now, person, together, "urgent" if any(notice.urgent for notice in together) else "notices")

    def hold(self, person, now):
        """What is not urgent waits for office hours, and for the next working morning after so many mails on one day."""
        midnight = self.zone.instant(self.zone.date(now), 0)
        busy = sum(who == person and at >= midnight for at, who in self.formed) >= self.mails_per_day > 0
        opening = self.hours_of(person).opening(now - self.group_wait)
        for notice in self.loose:
            if notice.person != person or notice.urgent or notice.what == "silence" or notice.goes_at > now:
                continue
            if opening > now - self.group_wait:
                notice.goes_at = opening + self.group_wait
            elif busy:
                notice.goes_at = self.hours_of(person).opening(now, later_day=True) + self.group_wait

    def send(self, now, person, notices, kind):
        for notice in notices:
            notice.lost = self.is_out_of_date(notice, notices)
        notices = [notice for notice in notices if not notice.lost]
        if not notices:
            return
        if person in self.refused:
            self.refusals.append((now, person))
            self.refused_in_a_row[person] += 1
            self.operators["address_refused"] += self.refused_in_a_row[person] == 3
            self.operators["report_not_sent" if kind == "report" else "notice_given_up"] += 1
            for notice in notices:
                notice.lost = True
                if notice.what == "stage":
                    self.refused_notices.append((notice, len(notices) > 1))
            return
        self.refused_in_a_row[person] = 0
        self.formed.append((now, person))
        self.mails.append(Mail(now, person, tuple(sorted(notice.item() for notice in notices)), kind))
        for notice in notices:
            if notice.what == "stage":
                known = self.known[notice.key[0]][notice.key[1:]]
                known.told[person] = notice.role
                known.roles.add(notice.role)

    def is_out_of_date(self, notice, together):
        """Done, moved or told anew since it was decided; of what became of a deadline only the last word counts. What is told
        instead of somebody stands, and is enough for whom the step names as well."""
        if notice.what in ("silence", "report") or notice.instead:
            return False
        known = self.known[notice.key[0]][notice.key[1:]]
        if notice.what == "stage":
            instead = any(other.instead and (other.person, other.detail) == (notice.person, notice.detail) for other in known.notices)
            return known.state in DONE or known.due != notice.due or known.last_step[notice.person] > notice.decided_at or instead
        later = [other for other in together if other.what == "follow_up" and other.key == notice.key]
        return later[-1] is not notice


def is_urgent(rule):
    blocks = [rule["due"], rule.get("then", {})]
    in_hours = any("after" in block and reference.Duration(block["after"]).in_hours for block in blocks)
    return rule["urgent"] == "true" if "urgent" in rule else in_hours
