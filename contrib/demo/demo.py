# SPDX-License-Identifier: MPL-2.0
"""The demo: a throw-away stack, a made-up municipality in it, the daemon on top, and what comes out of it."""

import argparse
import json
import os
import re
import select
import shlex
import signal
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "contrib"))

import municipality
from casesystem import CaseSystem
from screen import bold, clock, faint, heading, say, show_events, show_mails
from stack import NotReady, Stack
from stack.postgres import JOURNAL, OWNER

RUNNING = SOURCE / "build/demo.json"  # where `play` finds the demo
OPERATORS = ("drift", "datakvalitet")


class Demo:
    def __init__(self, binary):
        self.binary = binary
        self.stack = Stack()
        self.shown = set()
        self.mails = self.events = 0

    # --- setting up

    def start(self):
        heading("Starting servers on loopback")
        postgres, broker, mail = self.stack.postgres, self.stack.broker, self.stack.mail
        for server, what in ((postgres, "PostgreSQL"), (broker, "mosquitto, an MQTT broker with TLS"),
                             (mail, "Exim, a mail server with STARTTLS and a password")):
            before = time.monotonic()
            server.start()
            say(f"  {what}: port {server.port} {faint(f'({time.monotonic() - before:.1f} s)')}")
        self.fill()
        self.stream = broker.listen()
        heading("Starting fristd")
        self.daemon = self.stack.daemon(self.binary, reports="config/reports.yaml", log={"level": "info"},
                                        notices={"group_wait": "5 seconds", "hours": "always"})
        self.set_weekly_hour(datetime.now(municipality.ZONE) + timedelta(minutes=3))
        self.daemon.start()
        say("  ready: mails to one person within 5 seconds go together, at any hour (as delivered: 30 seconds, office hours)")
        RUNNING.write_text(json.dumps({"pid": os.getpid(), "cases": self.cases.psql,
                                       "journal": self.cases.journal_psql}))

    def fill(self):
        heading("Filling the case database with a made-up municipality")
        town = municipality.make(datetime.now(timezone.utc))
        self.stack.postgres.install_case_system()
        self.cases = CaseSystem(self.stack.postgres.psql(OWNER), self.stack.postgres.psql(JOURNAL, JOURNAL))
        self.cases.load(town)
        self.stack.mail.add(*OPERATORS, *(person.id for person in town.people))
        say(f"  {municipality.OPEN_CASES} open cases in {len(municipality.TEAMS)} teams, "
            f"{len(town.cases) - municipality.OPEN_CASES} closed ones, {len(town.events)} events, "
            f"{len(town.people)} people")

    def set_weekly_hour(self, at):
        """The municipality chooses when the weekly follow-up on remanded cases is due; here it is in a moment."""
        path = self.daemon.config / "rules/e-klager.yaml"
        rule = f"BYDAY={'MO TU WE TH FR SA SU'.split()[at.weekday()]};BYHOUR={at.hour};BYMINUTE={at.minute}"
        before, own, after = re.fullmatch(r"(.*\n)(  - id: hjemvisning\.ugentlig\n.*?\n)(\n?  - id: .*)", path.read_text(),
                                          re.DOTALL).groups()
        own = own.replace("BYDAY=MO;BYHOUR=9;BYMINUTE=0", rule).partition("    examples:\n")[0]  # they are of the old hour
        assert rule in own
        self.daemon.account.write(path, before + own + after)

    def explain(self):
        heading("What you see")
        cases, journal = (shlex.join(command) for command in (self.cases.psql, self.cases.journal_psql))
        fristd = lambda command: bold(f"f {command} $c")
        say(f"""\
  ✉ mails as their reader sees them, ⚑ events as a subscriber gets them, and what the broker retains.
  The first run on an old database gives each leader one backlog report, not a thousand alarms.

  Weekly follow-up on remanded cases is due each week at this hour, three minutes from now.

  In another terminal
    {bold('contrib/demo/play')}       records events in a case: see the alarm come or go here

    export CREDENTIALS_DIRECTORY={self.daemon.environment()['CREDENTIALS_DIRECTORY']}
    alias f={self.daemon.binary}; c='--config {self.daemon.path}/fristd.yaml'
    {fristd('status')}                  what is open and waiting
    {fristd('check --reach')}           which steps will reach nobody in the next eight weeks
    {fristd('report hjemvisninger')}    the weekly report on remanded cases, as it would be now

    the case database: {cases}
    the journal:       {journal}
    the log:           {self.stack.logs}/fristd.log
  {bold('Ctrl-C')} here stops everything and removes it.""")

    # --- watching

    def show_new(self):
        """Shows what has arrived since the last time; how much that was."""
        mails = [mail for mail in self.stack.mail.mails() if mail.path not in self.shown]
        self.shown.update(mail.path for mail in mails)
        events = self.stream.take()
        show_events(events)
        show_mails(mails)
        self.mails += len(mails)
        self.events += len(events)
        return len(mails) + len(events)

    def watch(self, until=lambda: False, timeout=None):
        """Shows what arrives until the condition holds; False when it did not in time."""
        end = None if timeout is None else time.monotonic() + timeout
        while not until():
            if not self.daemon.process.is_running():
                raise NotReady(f"fristd has ended with {self.daemon.process.status()}:\n" + self.daemon.log()[-3000:])
            if end and time.monotonic() > end:
                return False
            select.select([self.daemon.process.pidfd], [], [], 0.2)
            self.show_new()
        self.show_new()
        return True

    # --- one scenario by itself

    def play_once(self):
        """Each step is a real event in the database, and must be answered by real mails and messages."""
        self.expect("each leader has a backlog report", self.backlog_is_told, 60)
        self.play_reach()
        self.play_weekly_report()
        self.play_gathered()
        self.play_notification()

    def play_reach(self):
        """A step that will reach nobody is found weeks before, and goes away when somebody is made to stand in."""
        heading(f"{clock()}  Is there somebody to tell at each step of each open deadline? fristd check --reach")
        holes = self.reach()
        for line in holes:
            say(f"  {line}")
        say()
        who, stands_in = municipality.UNCOVERED, municipality.STANDS_IN
        if not any("unit modtagelse, " in line for line in holes):
            raise NotReady("the hole in the made-up municipality was not found")
        say(f"  {who} will be away, and nobody stands in. What to do: record a substitute in the case system.")
        self.cases.stand_in(who, stands_in)
        if holes := self.reach():
            raise NotReady("still not reached: " + "; ".join(holes))
        say(f"{clock()}  ✓ {stands_in} stands in: every step reaches somebody")

    def reach(self):
        """The lines of the holes; [] when there are none."""
        done = self.daemon.command("check", "--database", "--reach", timeout=60)
        if done.returncode not in (0, 1):
            raise NotReady("fristd check: " + done.stdout + done.stderr)
        return re.findall(r"^reach: nobody: (.*)", done.stdout, re.MULTILINE)

    def play_weekly_report(self):
        """It comes each Monday at seven; here somebody asks for it."""
        heading(f"{clock()}  The weekly report on remanded cases: fristd report hjemvisninger --send")
        done = self.daemon.command("report", "hjemvisninger", "--send", timeout=60)
        if done.returncode not in (0, 1):
            raise NotReady("fristd report: " + done.stdout + done.stderr)
        leaders = ("centerchef", "afdelingsleder", "teamleder-handicap")
        self.expect("each leader has a report on his units",
                    lambda: all(self.mailed(leader, "Hjemviste sager") for leader in leaders), 30)

    def play_gathered(self):
        """Three at once for one leader."""
        cases = self.cases.quiet_cases("fam-nord", 3)
        heading(f"{clock()}  Assessments in {', '.join(cases)} turn out to have begun five months ago")
        for case in cases:
            self.cases.record(case, self.cases.new_subject("B"), "bfu.opmaerksom", datetime.now(timezone.utc) - timedelta(days=150))
        self.expect("the team leader has one mail on all three",
                    lambda: any(all(case in mail.text for case in cases)
                                for mail in self.stack.mail.mails("teamleder-fam-nord")), 40)

    def play_notification(self):
        """What counts in hours waits for nothing."""
        case = self.cases.pick_case("fam-nord")
        subject = self.cases.new_subject("U")
        received = datetime.now(timezone.utc) - timedelta(hours=24) + timedelta(seconds=8)
        heading(f"{clock()}  A notification of concern in {case} is recorded; 8 seconds of its 24 hours are left")
        self.cases.record(case, subject, "underretning.modtaget", received)
        self.expect("the alarm is published", lambda: self.seen("breached", subject), 30)
        self.expect("the team leader has a mail", lambda: self.mailed("teamleder-fam-nord", case), 30)
        heading(f"{clock()}  The assessment is recorded, too late")
        self.cases.record(case, subject, "underretning.vurderet", datetime.now(timezone.utc))
        self.expect("it is published as late", lambda: self.seen("late", subject), 30)
        self.expect("what the broker retained is cleared", lambda: self.cleared(subject), 30)

    def expect(self, what, condition, timeout):
        if not self.watch(condition, timeout):
            raise NotReady(f"{what}: not within {timeout} s\n" + self.daemon.log()[-3000:])
        say(f"{clock()}  ✓ {what}")

    def backlog_is_told(self):
        waiting = self.journal("SELECT count(*) FROM fristd_journal.notice WHERE purpose = 'backlog' AND state <> 'sent'")
        return waiting == [["0"]] and any(mail.to.startswith("centerchef@") for mail in self.stack.mail.mails())

    def seen(self, kind, subject):
        return any(event.topic.endswith(f"/event/deadline.{kind}") and event.json["data"]["subject"] == subject
                   for event in list(self.stream.events))

    def mailed(self, person, case):
        return any(case in mail.subject for mail in self.stack.mail.mails(person))

    def cleared(self, subject):
        states = [event for event in list(self.stream.events)
                  if "/deadline/" in event.topic and event.topic.endswith("/" + subject)]
        return bool(states) and not states[-1].payload

    def sum_up(self):
        heading("In all")
        rows = self.journal("SELECT state, count(*) FROM fristd_journal.deadline GROUP BY state ORDER BY 2 DESC")
        say("  deadlines: " + ", ".join(f"{count} {state}" for state, count in rows))
        rows = self.journal("SELECT purpose, state, count(*) FROM fristd_journal.notice GROUP BY 1, 2 ORDER BY 3 DESC")
        say("  notices:   " + ", ".join(f"{count} {purpose} {state}" for purpose, state, count in rows))
        say(f"  shown:     {self.mails} mails, {self.events} messages")

    def journal(self, statement):
        return self.stack.postgres.sql(statement, database=JOURNAL)

    def close(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second Ctrl-C must not leave half of it
        RUNNING.unlink(missing_ok=True)
        self.stack.close()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--binary", type=Path, required=True, help="the fristd to run")
    options.add_argument("--once", action="store_true", help="play one scenario, sum up and end")
    options = options.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    demo = Demo(options.binary)
    try:
        demo.start()
        if options.once:
            demo.play_once()
            demo.sum_up()
        else:
            demo.explain()
            demo.watch()
    except KeyboardInterrupt:
        say()
    except NotReady as error:
        say(f"\nfristd demo: {error}")
        return 1
    finally:
        heading("Stopping everything")
        demo.close()
        say("  stopped and removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
