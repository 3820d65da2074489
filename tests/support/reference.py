#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""The rule language (contrib/rules.md) a second time, written from its description in prose alone: plain, slow, and with other
means than the daemon (Python's calendar and zones, holidays and recurrences found day by day).

usage: reference.py RULES.json --now INSTANT [--from DATE] < cases.jsonl

RULES.json is a set of rules in the shape of the YAML files. Writes the lines of `fristd evaluate --stages
--no-explain`. What a loader refuses is not checked here."""

import argparse
import datetime
import json
import sys
from zoneinfo import ZoneInfo

DAY = datetime.timedelta(days=1)
END_OF_DAY = 86399
UNITS = {unit: unit + "s" for unit in ("hour", "working day", "day", "week", "month", "year")}
WEEKDAYS = ["mo", "tu", "we", "th", "fr", "sa", "su"]


# --- section 1: instants are whole seconds since 1970; civil time is that of one zone ---

class Zone:
    def __init__(self, name="Europe/Copenhagen"):
        self.info = ZoneInfo(name)

    def local(self, instant):
        return datetime.datetime.fromtimestamp(instant, self.info)

    def date(self, instant):
        return self.local(instant).date()

    def instant(self, date, second):
        """Skipped times become the first instant after the gap, times that come twice the first of the two."""
        naive = datetime.datetime.combine(date, datetime.time()) + datetime.timedelta(seconds=second)
        at = int(naive.replace(tzinfo=self.info).timestamp())
        if self.local(at).replace(tzinfo=None) == naive:
            return at
        before, after = at - 86400, at  # in a gap Python counts on with the old offset and lands behind it
        while after - before > 1:
            middle = (before + after) // 2
            if self.local(middle).utcoffset() == self.local(at).utcoffset():
                after = middle
            else:
                before = middle
        return after

    def read(self, text):
        if len(text) == 10:
            return self.instant(datetime.date.fromisoformat(text), 0)
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).replace(microsecond=0)
        if moment.tzinfo:
            return int(moment.timestamp())
        return self.instant(moment.date(), moment.hour * 3600 + moment.minute * 60 + moment.second)

    def write(self, instant):
        return None if instant is None else self.local(instant).isoformat()


# --- section 2: calendars ---

def easter(year):
    a, b, c = year % 19, year // 100, year % 100
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - b // 4 - g + 15) % 30
    l = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * l) // 451
    month, day = divmod(h + l - 7 * m + 114, 31)
    return datetime.date(year, month, day + 1)


class Calendar:
    def __init__(self, spec, holidays):
        self.weekdays = {WEEKDAYS.index(day) for day in spec["weekdays"]}
        self.holidays = [holiday for name in spec.get("holidays", []) for holiday in holidays[name]]
        self.closed = spec.get("closed", [])
        self.known = {}

    def is_holiday(self, date):
        for holiday in self.holidays:
            if "from" in holiday and date.isoformat() < holiday["from"]:
                continue
            if "until" in holiday and date.isoformat() > holiday["until"]:
                continue
            if holiday.get("on") == date.strftime("%m-%d"):
                return True
            if "easter" in holiday and date - int(holiday["easter"]) * DAY == easter(date.year):
                return True
        return False

    def is_working(self, date):
        if date not in self.known:
            self.known[date] = (date.weekday() in self.weekdays and not self.is_holiday(date)
                                and date.isoformat() not in self.closed and date.strftime("%m-%d") not in self.closed)
        return self.known[date]

    def add(self, date, count):
        step = DAY if count > 0 else -DAY
        while count != 0:
            date += step
            if self.is_working(date):
                count -= 1 if count > 0 else -1
        return date

    def roll(self, date, way):
        while way in ("forward", "backward") and not self.is_working(date):
            date += DAY if way == "forward" else -DAY
        return date

    def count(self, after, until):
        """Working days after a date up to and including another."""
        return sum(self.is_working(after + n * DAY) for n in range(1, (until - after).days + 1))


# --- section 3: durations ---

def add_months(date, months):
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    day = date.day
    while True:
        try:
            return datetime.date(year, month + 1, day)
        except ValueError:
            day -= 1


class Duration:
    def __init__(self, text):
        self.terms = []
        words, sign = text.split(), 1
        while words:
            amount = int(words.pop(0))
            unit = words.pop(0)
            if unit == "working":
                unit += " " + words.pop(0)
            self.terms.append((sign * amount, UNITS.get(unit, unit)))
            if words:
                sign = {"+": 1, "-": -1}[words.pop(0)]

    @property
    def in_hours(self):
        return self.terms[0][1] == "hours"

    @property
    def ends_in_working_days(self):
        return self.terms[-1][1] == "working days"

    def seconds(self):
        return self.terms[0][0] * 3600

    def add(self, date, calendar, times=1):
        for amount, unit in self.terms:
            amount *= times
            if unit == "working days":
                date = calendar.add(date, amount)
            elif unit == "months":
                date = add_months(date, amount)
            elif unit == "years":
                date = add_months(date, 12 * amount)
            else:
                date += amount * (7 if unit == "weeks" else 1) * DAY
        return date


def seconds_of(clock):
    return int(clock[:2]) * 3600 + int(clock[3:]) * 60


# --- recurrence rules (RFC 5545), civil time by civil time ---

HORIZON = 2060  # the year after which no made-up rule fires for the first time


class Recurrence:
    def __init__(self, text):
        parts = dict(part.split("=") for part in text.split(";"))
        self.freq = parts["FREQ"]
        self.interval = int(parts.get("INTERVAL", 1))
        self.wkst = WEEKDAYS.index(parts.get("WKST", "MO").lower())
        names = ("BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS")
        self.by = {name: [int(n) for n in parts[name].split(",")] if name in parts else None for name in names}
        self.by_day = None
        if "BYDAY" in parts:
            days = parts["BYDAY"].lower().split(",")
            self.by_day = [(int(day[:-2] or 0), WEEKDAYS.index(day[-2:])) for day in days]

    def week(self, date):
        """(year, number, how many weeks that year has) of the date's week."""
        fourth = date - (date.weekday() - self.wkst) % 7 * DAY + 3 * DAY
        last = datetime.date(fourth.year, 12, 28)
        last_fourth = last - (last.weekday() - self.wkst) % 7 * DAY + 3 * DAY
        return (fourth.timetuple().tm_yday - 1) // 7 + 1, (last_fourth.timetuple().tm_yday - 1) // 7 + 1

    def period(self, date, hour):
        """The number of the year, month, week, day or hour."""
        if self.freq == "YEARLY":
            return date.year
        if self.freq == "MONTHLY":
            return date.year * 12 + date.month
        if self.freq == "WEEKLY":
            return (date.toordinal() - 1 - self.wkst) // 7
        return date.toordinal() if self.freq == "DAILY" else date.toordinal() * 24 + hour

    def day_suits(self, date, start):
        year_days = (datetime.date(date.year + 1, 1, 1) - datetime.date(date.year, 1, 1)).days
        month_days = (add_months(date.replace(day=1), 1) - date.replace(day=1)).days
        year_day = date.timetuple().tm_yday
        by, by_day, by_month_day, by_month = self.by, self.by_day, self.by["BYMONTHDAY"], self.by["BYMONTH"]
        if not by_day and not by_month_day and not by["BYYEARDAY"]:  # what the rule leaves open the start tells
            if self.freq == "WEEKLY" or by["BYWEEKNO"]:
                by_day = [(0, start.weekday())]
            elif self.freq in ("MONTHLY", "YEARLY"):
                by_month_day = [start.day]
                by_month = by_month or ([start.month] if self.freq == "YEARLY" else None)
        if by_month and date.month not in by_month:
            return False
        if by["BYWEEKNO"]:
            number, weeks = self.week(date)
            if number not in by["BYWEEKNO"] and number - weeks - 1 not in by["BYWEEKNO"]:
                return False
        if by["BYYEARDAY"] and year_day not in by["BYYEARDAY"] and year_day - year_days - 1 not in by["BYYEARDAY"]:
            return False
        if by_month_day and date.day not in by_month_day and date.day - month_days - 1 not in by_month_day:
            return False
        if by_day:
            in_month = self.freq == "MONTHLY" or by["BYMONTH"]
            day, days = (date.day, month_days) if in_month else (year_day, year_days)
            numbers = (0, (day - 1) // 7 + 1, -((days - day) // 7) - 1)
            if not any((number, date.weekday()) in by_day for number in numbers):
                return False
        return True

    def times(self, start):
        """Pairs of (civil date, second) in order, from the start on, for ever."""
        first = start.date()
        date = first.replace(month=1, day=1) - 7 * DAY  # the first period is needed whole, for BYSETPOS
        hours = self.by["BYHOUR"] or (range(24) if self.freq == "HOURLY" else [start.hour])
        minutes = self.by["BYMINUTE"] or [start.minute]
        seconds = self.by["BYSECOND"] or [start.second]
        clock = sorted({h * 3600 + m * 60 + s for h in hours for m in minutes for s in seconds})
        first_period = self.period(first, start.hour)
        period, found = None, []
        while date.year <= HORIZON:
            for second in clock if self.freq == "HOURLY" else [0]:
                now = self.period(date, second // 3600)
                if now != period:
                    yield from self.pick(found, start)
                    period, found = now, []
                if now >= first_period and (now - first_period) % self.interval == 0 and self.day_suits(date, first):
                    found += [(date, at) for at in ([second] if self.freq == "HOURLY" else clock)]
            date += DAY
        yield from self.pick(found, start)

    def pick(self, found, start):
        places = self.by["BYSETPOS"]
        if places:
            found = [item for n, item in enumerate(found) if n + 1 in places or n - len(found) in places]
        begin = (start.date(), start.hour * 3600 + start.minute * 60 + start.second)
        return [item for item in found if item >= begin]


def times_of(text, start, known={}):
    """The times of a rule from a start on; what was worked out once is remembered."""
    found, rest = known.setdefault((text, start), ([], Recurrence(text).times(start)))
    place = 0
    while place < len(found) or (item := next(rest, None)):
        if place == len(found):
            found.append(item)
        yield found[place]
        place += 1


# --- section 4: rules ---

KIND_FIELDS = ("start", "stop", "cancel", "pause", "resume", "extend", "reset", "only_if")


class Version:
    def __init__(self, spec, rules):
        self.id, self.kind = spec["id"], spec["kind"]
        self.valid_from = spec["valid"]["from"]
        self.valid_until = spec["valid"].get("until", "9999-12-31")
        self.kinds = {field: spec.get(field, []) for field in KIND_FIELDS}
        self.inert = spec["confidence"] == "C" and spec.get("confirmed") != "true"
        self.case_types = spec.get("case_types", [])
        self.due, self.then = spec["due"], spec.get("then")
        look_back = spec.get("look_back")
        self.look_back = look_back not in (None, "false")
        self.look_back_within = Duration(look_back) if self.look_back and look_back != "true" else None
        self.scope_case = spec.get("scope") == "case"
        self.version_by_due = spec.get("version_by") == "due"
        self.calendar = rules.calendars.get(spec.get("calendar"))
        self.stages = rules.escalations.get(spec.get("escalation"), [])

    @property
    def is_series(self):
        return "every" in self.due

    def in_force(self, date):
        return self.valid_from <= date.isoformat() <= self.valid_until


class Rules:
    def __init__(self, spec):
        holidays, calendars = spec.get("holidays", {}), spec.get("calendars", {})
        self.calendars = {name: Calendar(calendar, holidays) for name, calendar in calendars.items()}
        self.office = self.calendars.get(spec.get("office_calendar"))
        self.births = spec.get("births", [])
        self.notice_time = seconds_of(spec.get("notice_time", "08:00"))
        self.escalations = spec.get("escalations", {})
        self.lines = {}
        for rule in spec["rules"]:
            self.lines.setdefault(rule["id"], []).append(Version(rule, self))
        for versions in self.lines.values():
            versions.sort(key=lambda version: version.valid_from)
        self.order = []
        for rule_id in sorted(self.lines):
            self.visit(rule_id)

    def visit(self, rule_id):
        if rule_id in self.order:
            return
        for version in self.lines[rule_id]:
            for name in self.references(version):
                self.visit(name)
        self.order.append(rule_id)

    @staticmethod
    def references(version):
        yield from (kind[len("breach:"):] for kind in version.kinds["start"] if kind.startswith("breach:"))
        for block in (version.due, version.then or {}):
            for form in [block] + block.get("earliest", []):
                if "same_as" in form:
                    yield form["same_as"]


# --- section 5: evaluation ---

class Event:
    def __init__(self, kind, subject, at, event_id=None, due_on=None, position=None):
        self.kind, self.subject, self.at, self.id, self.due_on = kind, subject, at, event_id, due_on
        self.position = position  # (second, 0 for a breach and 1 for real ones, place among these)


class Occurrence:
    def __init__(self, number, version, block, event, anchor):
        self.number, self.version, self.block, self.anchor = number, version, block, anchor
        self.start = event
        self.due = None
        self.date = None        # the due date before rolling, where there is one
        self.second = END_OF_DAY
        self.extended = False
        self.paused_at = None
        self.state = None       # once closed
        self.closed_at = None
        self.seen = set()       # kinds of on_day_of that have happened
        self.waiting = None     # the first such day in a pause
        self.row = 0            # how many missed ones came directly before it
        self.breach_event = False

    @property
    def breach_at(self):
        """When its due is breached, if it is open then."""
        return None if self.due is None else max(self.due, self.anchor) + 1


class Run:
    """One rule on one subject of one case."""

    def __init__(self, case, rule_id, subject):
        self.case, self.rules, self.zone, self.now = case, case.rules, case.zone, case.now
        self.rule_id, self.subject = rule_id, subject
        self.versions = [v for v in case.rules.lines[rule_id]
                         if not v.inert and (not v.case_types or case.case_type in v.case_types)]
        self.occurrences = []
        self.open = None
        self.series = None      # the due instants still to come, while a series runs
        self.history = []       # (position, open occurrence's due) after each event
        self.breaches = []

    def fault(self, code, event=None):
        self.case.fault(code, self.rule_id, self.subject, event.id if event else None)

    # which events are this run's

    def is_ours(self, event, empty_too):
        if self.versions and self.versions[0].scope_case:
            return True
        return event.subject == self.subject or (empty_too and event.subject == "")

    def starts(self, event):
        """The versions that this event may start."""
        if not self.is_ours(event, False):
            return []
        date = self.zone.date(event.at)
        return [v for v in self.versions if event.kind in v.kinds["start"] and (v.version_by_due or v.in_force(date))]

    def has(self, event, field, version, empty_too=True):
        return event.kind in version.kinds[field] and self.is_ours(event, empty_too)

    def run(self, events):
        self.events = events
        self.look_for_double_starts()
        self.look_for_stops_before_the_start()
        for event in events:
            self.advance(event.at)
            self.handle(event)
            self.remember(event.position)
        self.advance(self.now)

    def look_for_double_starts(self):
        last = None
        for event in self.events:
            if self.starts(event):
                if last is not None and last.at == event.at and event.id is not None:  # a breach is nobody's data
                    self.fault("double_start", event)
                last = event

    def look_for_stops_before_the_start(self):
        """A start outside every range opens nothing, but is the first start all the same."""
        kinds = {kind for version in self.versions for kind in version.kinds["start"]}
        opening = next((event for event in self.events if self.starts(event)), None)
        if opening is None:
            return
        version = self.choose_version(opening)
        for event in self.events:
            if self.is_ours(event, False) and event.kind in kinds:
                return
            if self.has(event, "stop", version, empty_too=False) and not version.look_back:
                self.fault("stop_before_start", event)

    # what happens by itself

    def advance(self, instant):
        """What happens by itself up to an instant; in the instant's own second it comes before every event."""
        while True:
            occurrence = self.open
            if occurrence is not None and occurrence.paused_at is None and occurrence.due is not None:
                if occurrence.breach_at <= instant and not occurrence.breach_event:
                    self.breach(occurrence)
                    continue
            if self.series is None or self.last.due + 1 > instant or not self.next_in_series():
                return

    @property
    def last(self):
        return self.occurrences[-1]

    def breach(self, occurrence):
        occurrence.breach_event = True
        if not self.is_silent(occurrence, occurrence.due):
            self.breaches.append(Event("breach:" + self.rule_id, self.subject, occurrence.breach_at))
        if self.series is not None:
            self.close(occurrence, "missed", occurrence.due)
        self.close_by_itself(occurrence)
        if self.open is None:
            self.remember((occurrence.breach_at, 0, -1))

    def close_by_itself(self, occurrence):
        if occurrence.version.kind == "expiry":
            self.close(occurrence, "lapsed", occurrence.breach_at)
        elif occurrence.version.kind == "information":
            self.close(occurrence, "passed", occurrence.breach_at)

    def is_silent(self, occurrence, until):
        kinds = occurrence.version.kinds["only_if"]
        return bool(kinds) and not any(event.kind in kinds and event.at <= until for event in self.case.events)

    def close(self, occurrence, state, at):
        occurrence.state, occurrence.closed_at = state, at
        self.open = None

    def remember(self, position):
        self.history.append((position, self.open, self.open and self.open.due))

    def open_due_after(self, position):
        """(whether one is open, its due) when this rule had handled the event."""
        result = (False, None)
        for at, occurrence, due in self.history:
            if at <= position:
                result = (occurrence is not None, due)
        return result

    # the events

    def handle(self, event):
        occurrence = self.open
        if occurrence is not None:
            self.note_on_day_of(occurrence, event)
            self.advance(event.at)
        if self.current_version is not None and self.has(event, "cancel", self.current_version):
            self.cancel(event)
        if self.open is not None and self.has(event, "stop", self.open.version):
            self.stop(event)
        if self.open is not None and self.has(event, "pause", self.open.version):
            self.pause(event)
        if self.open is not None and self.has(event, "resume", self.open.version) and self.open.paused_at is not None:
            self.resume(self.open, event.at)
        if self.open is not None and self.has(event, "extend", self.open.version, empty_too=False):
            self.extend(event)
            self.advance(event.at)  # a date before the event has passed already
        if self.open is not None and self.has(event, "reset", self.open.version, empty_too=False):
            self.reset(event)
        if self.open is None and self.series is None and self.starts(event):
            self.start(event)

    @property
    def current_version(self):
        if self.open is not None:
            return self.open.version
        return self.last.version if self.series is not None else None

    def cancel(self, event):
        if self.open is not None:
            self.close(self.open, "cancelled", event.at)
        self.series = None

    def stop(self, event):
        occurrence = self.open
        if occurrence.paused_at is not None:
            self.resume(occurrence, event.at)
            if self.open is None:
                return
        self.close(occurrence, "met" if occurrence.due is None or event.at <= occurrence.due else "late", event.at)
        if occurrence.version.then and self.series is None:
            self.start_again(occurrence, event)

    def pause(self, event):
        occurrence = self.open
        if occurrence.paused_at is None and (occurrence.due is None or event.at <= occurrence.due):
            occurrence.paused_at = event.at

    def resume(self, occurrence, at):
        paused_at, occurrence.paused_at = occurrence.paused_at, None
        block, version = occurrence.block, occurrence.version
        duration = Duration(block["after"]) if "after" in block else None
        if occurrence.due is not None and not occurrence.extended:
            if duration and duration.in_hours:
                occurrence.due += at - paused_at
                return
            if "on" in block or "same_as" in block:
                # a due that passed in the pause did not pass "open and not paused": no breach event
                occurrence.breach_event = occurrence.breach_at <= at
                if occurrence.breach_event:
                    self.close_by_itself(occurrence)
                return
        pause_date, resume_date = self.zone.date(paused_at), self.zone.date(at)
        if occurrence.due is not None:
            if duration and duration.ends_in_working_days and not occurrence.extended:
                days = version.calendar.count(pause_date, resume_date)
                occurrence.date = version.calendar.add(occurrence.date, days)
            else:
                occurrence.date += resume_date - pause_date
            self.set_due(occurrence)
        if occurrence.waiting:
            self.join_day(occurrence, occurrence.waiting)
        end = self.zone.instant(resume_date, END_OF_DAY)
        if occurrence.due is not None and occurrence.due < end:
            occurrence.date, occurrence.second = resume_date, END_OF_DAY
            self.set_due(occurrence)
            occurrence.due = max(occurrence.due, end)  # whatever a roll backward makes of it

    def set_due(self, occurrence):
        date = occurrence.date
        if not occurrence.extended and occurrence.block.get("roll", "none") != "none":
            date = occurrence.version.calendar.roll(date, occurrence.block["roll"])
        occurrence.due = self.zone.instant(date, occurrence.second)

    def due_on(self, event):
        if event.due_on is None:
            self.fault("due_on_missing", event)
            return None
        date = datetime.date.fromisoformat(event.due_on)
        if date < self.zone.date(event.at):
            self.fault("due_on_early", event)
        return date

    def extend(self, event):
        occurrence = self.open
        date = self.due_on(event)
        if date is None:
            return
        if occurrence.due is None or occurrence.paused_at is not None or event.at <= occurrence.due:
            occurrence.paused_at = None
            occurrence.extended, occurrence.date, occurrence.second = True, date, END_OF_DAY
            self.set_due(occurrence)

    def reset(self, event):
        occurrence = self.open
        if occurrence.due is None or occurrence.paused_at is not None or event.at <= occurrence.due:
            occurrence.paused_at = None
            occurrence.anchor, occurrence.seen, occurrence.waiting, occurrence.extended = event.at, set(), None, False
            self.compute(occurrence, event, event.at, False)

    # opening

    def add(self, version, block, event, anchor):
        occurrence = Occurrence(len(self.occurrences) + 1, version, block, event, anchor)
        occurrence.row = self.last.row + 1 if self.occurrences and self.last.state == "missed" else 0
        self.occurrences.append(occurrence)
        self.open = occurrence
        return occurrence

    def choose_version(self, event):
        candidates = self.starts(event)
        if not candidates:
            return None
        if not candidates[0].version_by_due:
            return candidates[0]
        for version in candidates:
            trial = Occurrence(0, version, version.due, event, event.at)
            if version.is_series:
                trial.due = next(self.instants_after(version, event), None)
            elif "at_start" in version.due:
                trial.due = event.at
            else:
                self.compute(trial, event, event.at, True)
            if trial.due is not None and version.in_force(self.zone.date(trial.due)):
                return version
        return candidates[-1]

    def start(self, event):
        version = self.choose_version(event)
        if version.is_series:
            self.start_series(version, event)
            return
        occurrence = self.add(version, version.due, event, event.at)
        if "at_start" in version.due:
            occurrence.due = event.at
        else:
            self.compute(occurrence, event, event.at, False)
        earlier = self.earlier_stop(version, event) if version.look_back else None
        if earlier is not None:
            late = occurrence.due is not None and earlier.at > occurrence.due
            self.close(occurrence, "late" if late else "met", earlier.at)
        elif "at_start" in version.due:
            self.breach_at_start(occurrence)

    def breach_at_start(self, occurrence):
        if not self.is_silent(occurrence, occurrence.due) and occurrence.breach_at <= self.now:
            self.breaches.append(Event("breach:" + self.rule_id, self.subject, occurrence.breach_at))
        self.close(occurrence, "missed", occurrence.due)

    def earlier_stop(self, version, start):
        found = None
        for event in self.events:
            if event is start:
                if self.has(event, "cancel", version):
                    found = None
                break
            if self.has(event, "cancel", version):
                found = None
            if self.has(event, "stop", version) and not self.is_too_early(version, event, start):
                found = event
        return found

    def is_too_early(self, version, event, start):
        within = version.look_back_within
        if within is None:
            return False
        if within.in_hours:
            return event.at < start.at - within.seconds()
        return self.zone.date(event.at) < within.add(self.zone.date(start.at), version.calendar, -1)

    def start_again(self, closed, event):
        version = closed.version
        block = version.then
        if "same_as" in block and not self.shared_due(block["same_as"], event)[0]:
            return
        occurrence = self.add(version, block, event, event.at)
        self.compute(occurrence, event, closed.anchor if block.get("from") == "anchor" else event.at, False)

    def start_series(self, version, event):
        self.series = self.instants_after(version, event)
        first = next(self.series, None)
        if first is None:
            self.series = None
            return
        occurrence = self.add(version, version.due, event, event.at)
        occurrence.due = first
        if self.has(event, "stop", version):  # "from the start event on"
            self.close(occurrence, "met", event.at)

    def instants_after(self, version, event):
        after = event.at
        for date, second in times_of(version.due["every"], self.zone.local(after).replace(tzinfo=None)):
            instant = self.zone.instant(date, second)
            if instant > after:
                after = instant
                yield instant

    def next_in_series(self):
        before = self.last
        due = next(self.series, None)
        if due is None:
            self.series = None
            return False
        self.add(before.version, before.block, before.start, before.due).due = due
        self.remember((before.due + 1, 0, -1))
        return True

    # the due

    def shared_due(self, rule_id, event):
        other = self.case.runs.get((rule_id, self.subject))
        return other.open_due_after(event.position) if other else (False, None)

    def compute(self, occurrence, event, base, trial):
        """Sets the due from the block's form; `trial` reports no faults."""
        block = occurrence.block
        occurrence.due = occurrence.date = None
        occurrence.second = seconds_of(block["at"]) if "at" in block else END_OF_DAY
        forms = block.get("earliest", [block])
        dates, instants = [], []
        for form in forms:
            if "after" in form and Duration(form["after"]).in_hours:
                instants.append(base + Duration(form["after"]).seconds())
            elif "same_as" in form:
                found, due = self.shared_due(form["same_as"], event)
                if not found and not trial:
                    self.fault("no_deadline_to_share", event)
                if due is not None:
                    instants.append(due)
            else:
                date = self.date_of(form, occurrence.version, event, self.zone.date(base), trial)
                if date is not None:
                    dates.append(date)
        if dates:
            occurrence.date = min(dates)
            self.set_due(occurrence)
        if instants and (occurrence.due is None or min(instants) < occurrence.due):
            occurrence.due = min(instants)
            occurrence.date = self.zone.date(occurrence.due)

    def date_of(self, form, version, event, base, trial):
        if "after" in form:
            date = Duration(form["after"]).add(base, version.calendar)
            return date - DAY if form.get("inclusive") == "true" else date
        if "event" in form:
            if trial:
                return datetime.date.fromisoformat(event.due_on) if event.due_on else None
            return self.due_on(event)
        if "on" in form:
            return datetime.date.fromisoformat(form["on"])
        if "next" in form:
            date = base + DAY
            while date.strftime("%m-%d") != form["next"]:
                date += DAY
            return date
        if "end_of" in form:
            date = base
            while not self.is_last(form["end_of"], date):
                date += DAY
            return date
        return None  # on_day_of: nothing until it happens

    @staticmethod
    def is_last(period, date):
        if period == "week":
            return date.weekday() == 6
        next_day = date + DAY
        months = {"month": range(1, 13), "quarter": (1, 4, 7, 10), "year": (1,)}[period]
        return next_day.day == 1 and next_day.month in months

    def note_on_day_of(self, occurrence, event):
        """The first such event brings the due to the end of its day; one in a pause only when that ends."""
        for form in occurrence.block.get("earliest", []):
            kind = form.get("on_day_of")
            if kind != event.kind or not self.is_ours(event, True):
                continue
            if kind in occurrence.seen or event.at <= occurrence.anchor:
                continue
            occurrence.seen.add(kind)
            if occurrence.paused_at is not None:
                occurrence.waiting = occurrence.waiting or self.zone.date(event.at)
            elif occurrence.due is None or event.at <= occurrence.due:
                self.join_day(occurrence, self.zone.date(event.at))

    def join_day(self, occurrence, date):
        if not occurrence.extended and (occurrence.due is None or date < occurrence.date):
            occurrence.date = date
            self.set_due(occurrence)

    # section 6

    def stages(self, occurrence, until):
        """The instants of all stages up to an instant (of two stages in one second both), and the first after it."""
        instants = []
        following = None
        for stage in occurrence.version.stages:
            for instant in self.instants_of_stage(occurrence, stage):
                if instant > until:
                    following = instant if following is None else min(following, instant)
                    break
                instants.append(instant)
        return sorted(instants), following

    def instants_of_stage(self, occurrence, stage):
        """In order; endless where it repeats."""
        due_date = self.zone.date(occurrence.due)
        words = stage["at"].split()
        ends_with_breach = (occurrence.version.is_series or "at_start" in occurrence.block
                            or occurrence.version.kind in ("expiry", "information"))
        if words[-1] == "breach":
            can_be_missed = occurrence.version.is_series or "at_start" in occurrence.block
            if "missed" in stage and not (can_be_missed and occurrence.row + 1 >= int(stage["missed"])):
                return
            first = occurrence.breach_at
        else:
            if words[-1] == "after" and ends_with_breach:
                return
            duration = Duration(" ".join(words[:-1]))
            sign = -1 if words[-1] == "before" else 1
            if duration.in_hours:
                first = occurrence.due + sign * duration.seconds()
            else:
                first = self.zone.instant(duration.add(due_date, self.rules.office, sign), self.rules.notice_time)
        repeat = 0
        while True:
            instant = first if repeat == 0 else self.repeat(first, Duration(stage["every"]), repeat)
            if words[-1] == "before" and instant > occurrence.due:
                return
            if instant > occurrence.anchor:
                yield instant
            if "every" not in stage or (words[-1] == "breach" and ends_with_breach):
                return
            repeat += 1

    def repeat(self, first, every, times):
        if every.in_hours:
            return first + times * every.seconds()
        return self.zone.instant(every.add(self.zone.date(first), self.rules.office, times), self.rules.notice_time)

    # section 7

    def lines(self):
        for occurrence in self.occurrences:
            until = self.now if occurrence.due is None else min(self.now, occurrence.due)
            if not self.is_silent(occurrence, until):
                yield self.line(occurrence)

    def breached_at(self, occurrence, state):
        if occurrence.due is None or state not in ("breached", "late", "missed", "cancelled"):
            return None
        if occurrence.breach_at > self.now or occurrence.paused_at is not None:
            return None  # not yet; or cancelled in a pause, in which nothing fires
        if state != "missed" and occurrence.closed_at is not None and occurrence.closed_at < occurrence.breach_at:
            return None
        return occurrence.breach_at

    def line(self, occurrence):
        now, due = self.now, occurrence.due
        state = occurrence.state
        if state is None:
            breached = due is not None and occurrence.breach_at <= now
            state = "paused" if occurrence.paused_at is not None else "breached" if breached else "open"
        stages, next_stage = [], None
        if due is not None:
            until = now
            if occurrence.state == "missed":
                until = min(until, occurrence.breach_at)
            elif occurrence.closed_at is not None:
                until = min(until, occurrence.closed_at)
            if occurrence.paused_at is not None:  # also one that a cancel cut off
                until = min(until, occurrence.paused_at)
            stages, next_stage = self.stages(occurrence, until)
        if occurrence.state is not None or occurrence.paused_at is not None:
            next_stage = None
        write = self.zone.write
        return {"case_id": self.case.id, "subject": self.subject, "rule": self.rule_id,
                "valid_from": occurrence.version.valid_from, "occurrence": occurrence.number, "state": state,
                "anchor_at": write(occurrence.anchor), "due_at": write(due),
                "breached_at": write(self.breached_at(occurrence, state)),
                "closed_at": write(occurrence.closed_at), "next_stage": write(next_stage),
                "stages": [write(stage) for stage in stages + ([next_stage] if next_stage else [])]}


def order_of_id(event_id):
    if event_id.isascii() and event_id.isdigit():
        return (0, int(event_id), b"")
    return (1, 0, event_id.encode())


class Case:
    def __init__(self, rules, zone, now, spec):
        self.rules, self.zone, self.now = rules, zone, now
        self.id, self.case_type = spec["case_id"], spec.get("case_type")
        self.faults = []
        self.runs = {}
        self.events = self.read_events(spec["events"])
        for rule_id in rules.order:
            self.run_rule(rule_id)

    def fault(self, code, rule=None, subject=None, event_id=None):
        fault = {"case_id": self.id, "fault": code, "rule": rule, "subject": subject, "event_id": event_id}
        if fault not in self.faults:
            self.faults.append(fault)

    def read_events(self, specs):
        existing = {}
        for place, spec in enumerate(specs):
            at = self.zone.read(spec["occurred_at"])
            if at > self.now:
                if spec["kind"] in self.rules.births:
                    self.fault("birth_in_future", None, spec.get("subject") or "", spec["event_id"])
                continue
            if spec["event_id"] in existing:
                self.fault("duplicate_event", None, None, spec["event_id"])
            event = Event(spec["kind"], spec.get("subject") or "", at, spec["event_id"], spec.get("due_on"))
            existing[spec["event_id"]] = (at, order_of_id(event.id), place, event)
        events = [item[-1] for item in sorted(existing.values(), key=lambda item: item[:3])]
        for place, event in enumerate(events):
            event.position = (event.at, 1, place)
        return events

    def run_rule(self, rule_id):
        versions = self.rules.lines[rule_id]
        wanted = {kind[len("breach:"):] for v in versions for kind in v.kinds["start"] if kind.startswith("breach:")}
        breaches = [breach for (other, _), run in self.runs.items() if other in wanted for breach in run.breaches
                    if breach.at <= self.now]
        breaches.sort(key=lambda breach: breach.at)
        for place, breach in enumerate(breaches):
            breach.position = (breach.at, 0, place)
        events = sorted(self.events + breaches, key=lambda event: event.position)
        start_kinds = {kind for v in versions for kind in v.kinds["start"]}
        subjects = {"" if versions[0].scope_case else event.subject for event in events if event.kind in start_kinds}
        for subject in sorted(subjects):
            run = Run(self, rule_id, subject)
            if run.versions:
                self.runs[rule_id, subject] = run
                run.run(events)

    def lines(self):
        for key in sorted(self.runs, key=lambda key: (key[0].encode(), key[1].encode())):
            yield from self.runs[key].lines()
        yield from self.faults


def evaluate(rules, cases, now, from_date=None, zone=None):
    """The result lines as dictionaries, case by case: first the deadlines, then the faults."""
    zone = zone or Zone()
    for spec in cases:
        for line in Case(rules, zone, now, spec).lines():
            closed = line.get("closed_at")
            if from_date and closed and closed[:10] < from_date:
                continue
            yield line


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules")
    parser.add_argument("--now", required=True)
    parser.add_argument("--from", dest="from_date")
    arguments = parser.parse_args()
    with open(arguments.rules, encoding="utf-8") as file:
        rules = Rules(json.load(file))
    zone = Zone()
    cases = [json.loads(line) for line in sys.stdin if line.strip()]
    for line in evaluate(rules, cases, zone.read(arguments.now), arguments.from_date, zone):
        print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
