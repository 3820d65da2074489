# SPDX-License-Identifier: MPL-2.0
"""A made-up municipality and what happens in it during 2026, from a seed: casework that is done in time, late or never, people
who are away, who leave, who acknowledge and silence, whose address is refused. It is data alone; test_year.py plays it, year_reckoning.py calculates
from it."""

import datetime
import random
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Copenhagen")
BEGIN = datetime.datetime(2025, 12, 31, 12, tzinfo=ZONE)  # the first run: what is older is backlog
END = datetime.datetime(2027, 1, 1, tzinfo=ZONE)

UNITS = [("center", ""), ("familie", "center"), ("nord", "familie"), ("syd", "familie"), ("modtagelse", "familie"),
         ("handicap", "center"), ("voksne", "handicap")]
TEAMS = ("nord", "syd", "modtagelse", "voksne")
HOURS = "mo-fr 08:00-16:00"
UNIT_HOURS = {"handicap": "mo-th 09:00-15:00, fr 09:00-13:00", "modtagelse": "mo-su 06:00-22:00, holidays too"}

# The leaders' reports as shipped (name, minute after seven on a Monday, roles): they come on every so many Mondays, counted from
# 1 January 2024.
REPORTS = [("hjemvisninger", 0, ("team_leader", "department_head", "centre_head")), ("ugeoverblik", 15, ("team_leader", "department_head"))]
AMONG_PEOPLE = ("away", "back", "handed_over", "left")  # acts after which every case is looked at
# Beside what the shipped rules say: a series, rules that are about the case as a whole, one by another that is muted itself, one
# with the same due, so that both are told in the same look.
MUTED_BY = {"bfu.foreloebig": ["bfu.afslutning"], "egen.bfu.efter_foreloebig": ["bfu.afslutning"],
            "plan.barnets_plan": ["case:bfu.afslutning"], "opfoelgning.foerste": ["case:plan.barnets_plan"],
            "hjemvisning.ugentlig": ["hjemvisning.ny_afgoerelse"], "egen.journal.stilstand.akut": ["hjemvisning.ny_afgoerelse"]}


@dataclass
class Person:
    id: str
    unit: str
    role: str


@dataclass
class Case:
    id: str
    type: str
    unit: str
    caseworker: str
    events: list = field(default_factory=list)  # (at, kind, subject, due_on), in the order of time


@dataclass
class Act:
    """Something other than an event: `what` with its words. Times are those at which the daemon next looks."""
    at: datetime.datetime
    what: str
    words: dict


@dataclass
class Town:
    people: list
    cases: list
    acts: list
    weeks: int  # between two of a report


class Maker:
    """`minutes`: events fall at any minute of the working day; else a few moments share them, so that fewer starts of the daemon
    are needed. `days`: 1 is every day, 7 only one day a week."""

    def __init__(self, cases, seed, minutes, days):
        self.rng = random.Random(seed)
        self.minutes, self.days = minutes, days
        self.subjects = 0
        self.people = [Person("cc1", "center", "centre_head"), Person("al1", "familie", "department_head"),
                       Person("al2", "handicap", "department_head")]
        workers = max(2, cases // 24)
        for team in TEAMS:
            self.people.append(Person(f"tl-{team}", team, "team_leader"))
            self.people += [Person(f"{team}-{number}", team, "caseworker") for number in range(1, workers + 1)]
        self.cases = [self.case(number, TEAMS[number % len(TEAMS)], workers) for number in range(cases)]
        self.weeks = 1 if minutes else 8
        self.acts = (self.absences() + self.leaving() + self.knowing() + self.refusals() + self.reports()
                     + [Act(BEGIN, "begin", {})])

    def town(self):
        for case in self.cases:
            case.events.sort()
            closed = [at for at, kind, *_ in case.events if kind == "sag.lukket"]
            if closed:
                case.events = [event for event in case.events if event[0] <= closed[0]]
        return Town(self.people, self.cases, sorted(self.acts, key=lambda act: act.at), self.weeks)

    # --- cases

    def case(self, number, team, workers):
        case = Case(f"S-{number:03}", "handicap" if team == "voksne" else "barn", team, f"{team}-{1 + number // 4 % workers}")
        courses = [self.notification, self.assessment, self.application, self.remand, self.support, self.access, self.remand,
                   self.assessment, self.return_home, self.notification]
        for course in [courses[number % len(courses)], self.rng.choice(courses)]:
            course(case, self.day(self.rng.randrange(-60, 330)))
        if not self.minutes:
            self.add(case, "sag.lukket", "", self.later(max(at for at, *_ in case.events), 20, 40))
        elif self.happens(0.15):
            self.add(case, "sag.lukket", "", self.day(self.rng.randrange(60, 364)))
        return case

    def add(self, case, kind, subject, at, due_on=None):
        if at < END:
            case.events.append((at, kind, subject, due_on))

    def subject(self):
        self.subjects += 1
        return f"E-{self.subjects}"

    def day(self, number):
        """A moment in office hours on the first of the days that are used at or after the number-th day of the year."""
        number += -number % self.days
        date = datetime.date(2026, 1, 1) + datetime.timedelta(days=number)
        while date.weekday() >= 5:
            date += datetime.timedelta(days=1)
        if self.minutes:
            time = datetime.time(self.rng.randrange(8, 16), self.rng.randrange(60), self.rng.randrange(60))
        else:
            time = datetime.time(self.rng.choice((9, 13)), 17, 20)
        return datetime.datetime.combine(date, time, ZONE)

    def later(self, at, low, high):
        return max(self.day((at.date() - datetime.date(2026, 1, 1)).days + self.rng.randint(low, high)),
                   at + datetime.timedelta(minutes=7))

    def happens(self, probability):
        return self.rng.random() < probability

    def ends(self, probability):
        """Whether a duty is done at all: what never is brings a mail a week, and so do more starts."""
        return not self.minutes or self.happens(probability)

    def notification(self, case, at):
        for _ in range(self.rng.randint(1, 3)):
            subject = self.subject()
            self.add(case, "underretning.modtaget", subject, at)
            hours = self.rng.choice((3, 5, 21)) if self.happens(0.8) else self.rng.choice((26, 45, 70))
            self.add(case, "underretning.vurderet", subject, at + datetime.timedelta(hours=hours))
            if self.ends(0.9):
                self.add(case, "underretning.besluttet", subject, self.later(at, 3, 12))
            if self.ends(0.9):
                self.add(case, "underretning.kvitteret", subject, self.later(at, 2, 14))
            at = self.later(at, 20, 120)

    def assessment(self, case, at):
        subject = self.subject()
        self.add(case, "bfu.opmaerksom", subject, at)
        if self.ends(0.7):
            self.add(case, "bfu.midtvejs_status", subject, self.later(at, 40, 70))
        if self.happens(0.5):
            note = self.later(at, 90, 118)
            self.add(case, "bfu.foreloebig_vurdering", subject, note)
            for _ in range(self.rng.randint(0, 3)):
                note = self.later(note, 5, 9)
                self.add(case, "bfu.status", subject, note)
        if self.ends(0.85):
            self.add(case, "bfu.afsluttet", subject, self.later(at, 80, 175))

    def application(self, case, at):
        """Some get a letter with a new date before the limit, some after it, some never."""
        subject = self.subject()
        self.add(case, "ansoegning.modtaget", subject, at)
        if self.happens(0.6):
            letter = self.later(at, 40, 62)
            self.add(case, "ansoegning.fristbrev_sendt", subject, letter, (letter + datetime.timedelta(days=28)).date())
        self.add(case, self.rng.choice(["ansoegning.afgjort"] * 4 + ["ansoegning.tilbagekaldt"]), subject, self.later(at, 30, 110))

    def remand(self, case, at):
        subject, week = self.subject(), at
        self.add(case, "hjemvisning.modtaget", subject, at)
        if self.ends(0.7):
            self.add(case, "hjemvisning.fordelt", subject, self.later(at, 1, 4))
        if self.ends(0.8):
            self.add(case, "hjemvisning.hjaelp_genetableret", subject, self.later(at, 1, 9))
        decided = self.later(at, 30, 120)
        while (week := self.later(week, 5, 9)) < decided:
            if self.happens(0.7):
                self.add(case, "hjemvisning.opfoelgning", subject, week)
            if self.happens(0.4):
                self.add(case, "journal.notat", "", week)
        if self.happens(0.4):
            letter = self.later(at, 35, 54)
            self.add(case, "hjemvisning.frist_forlaenget", subject, letter, (letter + datetime.timedelta(days=35)).date())
        self.add(case, "hjemvisning.ny_afgoerelse_sendt", subject, decided)
        if self.happens(0.7):
            self.add(case, "hjemvisning.aarsag_fejl", subject, self.later(decided, 0, 4))

    def support(self, case, at):
        subject = self.subject()
        self.add(case, "stoette.besluttet", subject, at)
        self.add(case, "plan.noedvendig", subject, at)
        self.add(case, "indsats.startet", subject, self.later(at, 1, 20))
        if self.ends(0.7):
            self.add(case, "plan.udarbejdet", subject, self.later(at, 40, 120))
        held = at
        for _ in range(3):
            held = self.later(held, 70, 110)
            self.add(case, "opfoelgning.afholdt", subject, held, (held + datetime.timedelta(days=90)).date())
            if self.happens(0.6):
                self.add(case, "opfoelgning.rytme_besluttet", subject, held)

    def access(self, case, at):
        subject = self.subject()
        self.add(case, "aktindsigt.part_modtaget", subject, at)
        if self.happens(0.3):
            self.add(case, "aktindsigt.udsat", subject, self.later(at, 3, 7), (at + datetime.timedelta(days=21)).date())
        if self.ends(0.85):
            self.add(case, "aktindsigt.afgjort", subject, self.later(at, 2, 30))

    def return_home(self, case, at):
        """The clock stands while the appeal is with another authority."""
        subject = self.subject()
        self.add(case, "hjemgivelse.anmodet", subject, at)
        if self.happens(0.6):
            away = self.later(at, 5, 26)
            self.add(case, "anbringelse.hos_ankeinstans", subject, away)
            self.add(case, "anbringelse.fra_ankeinstans", subject, self.later(away, 6, 40))
        if self.ends(0.8):
            self.add(case, "hjemgivelse.besluttet", subject, self.later(at, 15, 80))

    # --- people

    @staticmethod
    def midnight(month, day):
        return datetime.datetime(2026, month, day, tzinfo=ZONE)

    def absences(self):
        """(who, first, last + 1, substitute): with a substitute who is away himself, and one without any."""
        rows = [("tl-syd", (7, 6), (7, 27), "tl-nord"), ("nord-1", (2, 9), (2, 16), "nord-2"), ("syd-1", (7, 13), (8, 3), "syd-2"),
                ("syd-2", (7, 20), (8, 10), "tl-syd"), ("voksne-1", (10, 12), (10, 19), ""), ("al1", (3, 23), (4, 7), "al2"),
                ("tl-modtagelse", (5, 4), (8, 17), "")]
        acts = []
        for who, first, until, substitute in rows:
            acts.append(Act(self.midnight(*first), "away", {"who": who, "substitute": substitute}))
            acts.append(Act(self.midnight(*until), "back", {"who": who}))
        return acts

    def reports(self):
        first = datetime.date(2024, 1, 1)
        mondays = [first + datetime.timedelta(weeks=week) for week in range(0, 200, self.weeks)]
        return [Act(datetime.datetime.combine(monday, datetime.time(7, minute), ZONE), "report", {"name": name, "roles": roles})
                for monday in mondays if BEGIN.date() < monday < END.date() for name, minute, roles in REPORTS]

    def refusals(self):
        """(who, first, last + 1): for so long his address is refused."""
        rows = [("syd-1", (1, 26), (4, 27)), ("tl-voksne", (2, 2), (6, 1)), ("al1", (5, 4), (7, 6)), ("nord-2", (10, 5), (11, 30)),
                ("cc1", (11, 2), (12, 7))]
        return [Act(self.midnight(*date), what, {"who": who}) for who, *dates in rows for date, what in zip(dates, ("refused", "taken"))]

    def leaving(self):
        """His cases go to a colleague; a month later he is no longer among the people."""
        return [Act(self.midnight(8, 31) + datetime.timedelta(hours=12), "handed_over", {"who": "nord-1", "to": "nord-2"}),
                Act(self.midnight(9, 30) + datetime.timedelta(hours=12), "left", {"who": "nord-1"})]

    def knowing(self):
        """A case that is not finished is acknowledged for three weeks; for two weeks a team is silenced."""
        forgotten = next(case for case in self.cases if case.unit == "nord")
        forgotten.events.clear()
        self.add(forgotten, "bfu.opmaerksom", "E-0", self.day(4))
        self.add(forgotten, "stoette.besluttet", "E-00", self.day(12))
        if not self.minutes:
            self.add(forgotten, "sag.lukket", "", self.day(200))
        given = self.midnight(6, 2) + datetime.timedelta(hours=10, minutes=30)
        planned = self.midnight(9, 1) + datetime.timedelta(hours=11)
        return [Act(given, "acknowledge", {"case": forgotten.id, "until": self.midnight(6, 24) + datetime.timedelta(hours=8),
                                           "by": "tl-nord"}),
                Act(planned, "silence", {"unit": "syd", "from": self.midnight(9, 14) + datetime.timedelta(hours=8),
                                         "until": self.midnight(9, 28) + datetime.timedelta(hours=8), "by": "tl-syd"})]
