# SPDX-License-Identifier: MPL-2.0
"""A made-up municipality: its people and the casework of its family section, as of a given moment.

The size and how badly deadlines are kept follow what is public about Danish municipalities: about 430 open cases
in one family section, 30 notifications of concern a week, 25 remanded cases a year, the 24 hours kept in 87 % of
the notifications, the four months in 50 % of the assessments, the first follow-up in 75 %. The same seed and the
same moment give the same municipality. Nobody in it has a name: people are functions, cases are numbers."""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Copenhagen")
DOMAIN = "kommunen.example"

CENTRE, SECTION = "boern-og-unge", "familieafdelingen"
TEAMS = {"fam-nord": 150, "fam-syd": 140, "handicap": 110, "modtagelse": 30}  # unit: open cases
CASES_EACH = 24  # open cases of one caseworker

OPEN_CASES = sum(TEAMS.values())
CLOSED_CASES = 130
NOTIFICATIONS_A_WEEK = 30
NOTIFICATION_WEEKS = 17
REMANDS_A_YEAR = 25
ACCESS_REQUESTS_A_WEEK = 1

UNCOVERED, STANDS_IN = "modtagelse-01", "modtagelse-02"  # goes away, and nobody stands in: what only the caseworker is told reaches nobody

KEPT_24_HOURS = 0.87
KEPT_ACKNOWLEDGEMENT = 0.85
KEPT_4_MONTHS = 0.50
KEPT_PLAN = 0.65
KEPT_FIRST_FOLLOW_UP = 0.75
KEPT_WEEKLY_NOTE = 0.80
KEPT_DECISION = 0.80
KEPT_LETTER = 0.70
KEPT_REMAND_STEPS = 0.85
KEPT_ACCESS = 0.80


@dataclass
class Person:
    id: str
    unit: str
    role: str
    away_from: date | None = None
    away_until: date | None = None
    substitute: str = ""

    @property
    def email(self):
        return f"{self.id}@{DOMAIN}"


@dataclass
class Case:
    id: str
    type: str
    unit: str
    caseworker: str
    opened: datetime


@dataclass
class Event:
    case: str
    subject: str
    kind: str
    at: datetime
    due_on: date | None = None


@dataclass
class Municipality:
    units: list = field(default_factory=list)  # (name, parent)
    people: list = field(default_factory=list)
    cases: list = field(default_factory=list)
    events: list = field(default_factory=list)


def make(now, seed=1):
    """The municipality at `now`; no event is later."""
    return _Maker(now.astimezone(ZONE).replace(second=0, microsecond=0), random.Random(seed)).make()


class _Maker:
    def __init__(self, now, rng):
        self.now, self.rng = now, rng
        self.town = Municipality()
        self.numbers = {}

    def make(self):
        self.staff()
        self.open_cases()
        for case in self.town.cases:
            self.course(case)
        self.notifications()
        self.remands()
        self.access_requests()
        self.closed_cases()
        self.town.events.sort(key=lambda event: event.at)
        return self.town

    # --- the people

    def staff(self):
        town = self.town
        town.units = [(CENTRE, ""), (SECTION, CENTRE)] + [(team, SECTION) for team in TEAMS]
        town.people = [Person("centerchef", CENTRE, "centre_head"),
                       Person("afdelingsleder", SECTION, "department_head")]
        for team, open_cases in TEAMS.items():
            town.people.append(Person(f"teamleder-{team}", team, "team_leader"))
            for number in range(max(2, round(open_cases / CASES_EACH))):
                town.people.append(Person(f"{team}-{number + 1:02}", team, "caseworker"))
        today = self.now.date()
        self.send_away("teamleder-fam-syd", "teamleder-fam-nord", today - timedelta(3), today + timedelta(11))
        self.send_away("handicap-02", "handicap-03", today - timedelta(20), None)
        self.send_away("fam-nord-04", "fam-nord-05", today, today + timedelta(4))
        self.send_away("fam-syd-01", "fam-syd-02", today + timedelta(9), today + timedelta(30))
        self.send_away(UNCOVERED, "", today + timedelta(12), today + timedelta(26))  # nobody has thought of a substitute

    def send_away(self, who, substitute, first, last):
        person = next(person for person in self.town.people if person.id == who)
        person.away_from, person.away_until, person.substitute = first, last, substitute

    def caseworkers(self, team):
        return [person.id for person in self.town.people if person.unit == team and person.role == "caseworker"]

    # --- the cases

    def open_cases(self):
        for team, count in TEAMS.items():
            workers = self.caseworkers(team)
            for number in range(count):
                age = min(1000, self.rng.expovariate(1 / 240))  # most are younger than a year
                self.add_case(team, workers[number % len(workers)], self.ago(days=age))

    def closed_cases(self):
        """Cases with their whole course behind them; nothing may come of them any more."""
        for _ in range(CLOSED_CASES):
            team = self.rng.choice(list(TEAMS))
            case = self.add_case(team, self.rng.choice(self.caseworkers(team)),
                                 self.ago(days=self.rng.uniform(200, 700)))
            closed = self.office(self.ago(days=self.rng.uniform(2, 150)))
            before = len(self.town.events)
            self.course(case)
            self.town.events[before:] = [event for event in self.town.events[before:] if event.at < closed]
            self.event(case, "", "sag.lukket", closed)

    def add_case(self, team, caseworker, opened):
        case = Case(f"S-{len(self.town.cases) + 1001}", "handicap" if team == "handicap" else "barn", team,
                    caseworker, opened)
        self.town.cases.append(case)
        return case

    def course(self, case):
        """From being aware of a child to support that is followed up; at each step some cases stay behind."""
        if self.rng.random() > 0.75:
            return
        aware = self.office(case.opened + timedelta(days=self.rng.uniform(0, 20)))
        assessment = self.number("B")
        self.event(case, assessment, "bfu.opmaerksom", aware)
        kept = self.rng.random() < KEPT_4_MONTHS
        done = self.office(aware + timedelta(days=self.rng.uniform(60, 118) if kept else self.rng.uniform(125, 280)))
        self.event(case, assessment, "bfu.afsluttet", done)
        self.on_the_way(case, assessment, aware, done)
        if done >= self.now or self.rng.random() > 0.7:
            return
        granted = self.office(done + timedelta(days=self.rng.uniform(2, 21)))
        measure = self.number("F")
        self.event(case, measure, "stoette.besluttet", granted)
        self.event(case, measure, "plan.noedvendig", granted)
        self.event(case, measure, "plan.udarbejdet", self.within(granted, 88, KEPT_PLAN, 200))
        started = self.office(granted + timedelta(days=self.rng.uniform(1, 30)))
        self.event(case, measure, "indsats.startet", started)
        self.follow_up(case, measure, self.within(started, 88, KEPT_FIRST_FOLLOW_UP, 220))

    def on_the_way(self, case, assessment, aware, done):
        """Mid-way checks, and what goes with an assessment that takes longer than four months."""
        for days in (57, 86):
            check = self.office(aware + timedelta(days=days - 5))
            if check < done:
                self.event(case, assessment, "bfu.midtvejs_status", check)
        provisional = self.office(aware + timedelta(days=self.rng.uniform(108, 117)))
        if provisional >= done or self.rng.random() > KEPT_LETTER:
            return
        self.event(case, assessment, "bfu.foreloebig_vurdering", provisional)
        week = provisional + timedelta(days=5)
        while week < min(done, self.now):
            if self.rng.random() < KEPT_WEEKLY_NOTE:
                self.event(case, assessment, "bfu.status", week)
            week += timedelta(days=7)

    def follow_up(self, case, measure, held):
        """Each follow-up sets the date of the next one."""
        self.event(case, measure, "opfoelgning.rytme_besluttet", held)
        while held < self.now:
            next_date = held + timedelta(days=self.rng.choice((90, 120, 180)))
            self.event(case, measure, "opfoelgning.afholdt", held, next_date.date())
            held = self.within(held, (next_date - held).days - 3, KEPT_FIRST_FOLLOW_UP, 260)

    # --- what comes in from outside

    def notifications(self):
        worried = [case for case in self.town.cases if case.type == "barn"]
        for _ in range(NOTIFICATIONS_A_WEEK * NOTIFICATION_WEEKS):
            at = self.ago(days=self.rng.uniform(0, 7 * NOTIFICATION_WEEKS))
            case = self.rng.choice([case for case in worried if case.opened <= at])
            subject = self.number("U")
            self.event(case, subject, "underretning.modtaget", at)
            kept = self.rng.random() < KEPT_24_HOURS
            hours = self.rng.uniform(0.5, 22) if kept else self.rng.uniform(25, 110)
            self.event(case, subject, "underretning.vurderet", at + timedelta(hours=hours))
            decided = self.within(at + timedelta(hours=hours), 5, KEPT_DECISION, 20)
            self.event(case, subject, "underretning.besluttet", decided)
            self.event(case, subject, "underretning.kvitteret", self.within(at, 6, KEPT_ACKNOWLEDGEMENT, 20))

    def remands(self):
        """A remanded case gets a note a week until it is decided anew; each year some are forgotten."""
        complained = [case for case in self.town.cases if case.type == "handicap" or self.rng.random() < 0.2]
        for case in self.rng.sample(complained, REMANDS_A_YEAR):
            received = self.office(self.ago(days=self.rng.uniform(3, 360)))
            decided = received + timedelta(days=self.rng.uniform(40, 200))
            subject = self.number("H")
            self.event(case, subject, "hjemvisning.modtaget", received)
            week = received + timedelta(days=self.rng.uniform(3, 6))
            while week < min(decided, self.now):
                if self.rng.random() < KEPT_WEEKLY_NOTE:
                    self.event(case, subject, "hjemvisning.opfoelgning", self.office(week))
                week += timedelta(days=7)
            decided = self.office(decided)
            self.event(case, subject, "hjemvisning.ny_afgoerelse_sendt", decided)
            self.around_a_remand(case, subject, received, decided)

    def around_a_remand(self, case, subject, received, decided):
        """Given to a caseworker, help restored, the letter before the eight weeks run out, the cause, the journal."""
        soon = received + timedelta(hours=1)
        self.event(case, subject, "hjemvisning.fordelt", max(soon, self.within(received, 1, KEPT_REMAND_STEPS, 9)))
        restored = self.rng.choice(("hjemvisning.hjaelp_genetableret", "hjemvisning.retsstilling_ikke_relevant"))
        self.event(case, subject, restored, max(soon, self.within(received, 2, KEPT_REMAND_STEPS, 20)))
        letter = self.office(received + timedelta(days=self.rng.uniform(40, 52)))
        if letter < decided and self.rng.random() < KEPT_LETTER:
            expected = decided + timedelta(days=self.rng.uniform(-10, 30))
            self.event(case, subject, "hjemvisning.frist_forlaenget", letter, max(expected, letter).date())
        cause = self.rng.choice(("fejl", "aendret_praksis", "nye_oplysninger"))
        self.event(case, subject, f"hjemvisning.aarsag_{cause}", decided)
        note = received + timedelta(days=2)
        while note < min(decided, self.now):
            self.event(case, "", "journal.notat", note)
            note += timedelta(days=self.rng.uniform(1, 6) if self.rng.random() < KEPT_WEEKLY_NOTE else 12)

    def access_requests(self):
        for _ in range(ACCESS_REQUESTS_A_WEEK * NOTIFICATION_WEEKS):
            at = self.office(self.ago(days=self.rng.uniform(0, 7 * NOTIFICATION_WEEKS)))
            case = self.rng.choice([case for case in self.town.cases if case.opened <= at])
            subject = self.number("A")
            self.event(case, subject, "aktindsigt.part_modtaget", at)
            self.event(case, subject, "aktindsigt.afgjort", self.within(at, 8, KEPT_ACCESS, 30))

    # --- helpers

    def event(self, case, subject, kind, at, due_on=None):
        if at < self.now:  # what is still to come has not been recorded
            self.town.events.append(Event(case.id, subject, kind, at, due_on))

    def within(self, start, days, kept, late_days):
        """In time with probability `kept`, else late."""
        length = self.rng.uniform(0.2, 1) * days if self.rng.random() < kept else self.rng.uniform(1.2 * days, late_days)
        return self.office(start + timedelta(days=length))

    def number(self, prefix):
        self.numbers[prefix] = self.numbers.get(prefix, 0) + 1
        return f"{prefix}-{self.numbers[prefix] + 100}"

    def ago(self, days):
        return (self.now - timedelta(days=days)).replace(second=0)

    def office(self, at):
        """The same or the next weekday, in office hours."""
        day = at.date()
        while day.weekday() >= 5:
            day += timedelta(days=1)
        moment = time(self.rng.randrange(8, 16), self.rng.randrange(60))
        return datetime.combine(day, moment, ZONE)
