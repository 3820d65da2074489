# SPDX-License-Identifier: MPL-2.0
"""Plays in the running demo: records events in its case database, as a case system would, and lists what is open.

Without arguments it asks; `play COMMAND …` does one thing. AGO is written 23h59m40s or 9d and counts from
now. Where CASE is left out some open case is taken, where MATTER is left out the newest one of its sort."""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from casesystem import CaseSystem
from municipality import ZONE
from screen import bold, faint, say
from stack import NotReady

RUNNING = Path(__file__).resolve().parents[2] / "build/demo.json"

# What opens a clock: command, prefix of the matter, kind of event, AGO when not given, what it means.
OPENERS = {
    "notification": ("U", "underretning.modtaget", "23h59m40s",
                     "a notification of concern came in; 24 hours to assess it"),
    "aware": ("B", "bfu.opmaerksom", "150d", "the municipality became aware of a child; four months to assess"),
    "grant": ("F", "stoette.besluttet", "100d", "support was decided; three months to a plan"),
    "measure": ("F", "indsats.startet", "100d", "support began; three months to the first follow-up"),
    "remand": ("H", "hjemvisning.modtaget", "9d",
               "Ankestyrelsen sent the case back; a follow-up each week until it is decided anew"),
    "request": ("A", "aktindsigt.part_modtaget", "30d", "somebody asked for access to documents; seven working days"),
}

# What stops one: command, prefix of the matter, kind of event, what it means.
CLOSERS = {
    "assess": ("U", "underretning.vurderet", "the notification is assessed"),
    "acknowledge": ("U", "underretning.kvitteret", "the notifier has had an answer"),
    "finish": ("B", "bfu.afsluttet", "the assessment of the child is finished"),
    "plan": ("F", "plan.udarbejdet", "the child's plan is there"),
    "follow": ("F", "opfoelgning.afholdt", "the first follow-up was held"),
    "note": ("H", "hjemvisning.opfoelgning", "this week's follow-up on the remanded case"),
    "decide": ("H", "hjemvisning.ny_afgoerelse_sendt", "the remanded case is decided anew"),
    "answer": ("A", "aktindsigt.afgjort", "the request for access is answered"),
}

# Kinds that set a date, and how many days ahead.
SETS_A_DATE = {"opfoelgning.afholdt": 90}


class Player:
    def __init__(self, running):
        self.running = running
        self.cases = CaseSystem(running["cases"], running["journal"])

    def run(self, words):
        """One command; False to end."""
        name, *arguments = words
        if name in OPENERS:
            self.open_clock(name, arguments)
        elif name in CLOSERS:
            self.stop_clock(name, arguments)
        elif name in ("quit", "exit", "q"):
            return False
        else:
            command = {"deadlines": self.deadlines, "events": self.events, "close": self.close_case,
                       "sql": self.sql, "help": lambda _: say(usage())}.get(name)
            if command is None:
                raise NotReady(f"there is no command {name}; help lists them")
            command(arguments)
        return True

    def open_clock(self, name, arguments):
        prefix, kind, default, _ = OPENERS[name]
        ago = next((word for word in arguments if parse_ago(word) is not None), default)
        case = next((word for word in arguments if word.startswith("S-")), None) or self.cases.pick_case()
        subject = self.cases.new_subject(prefix)
        self.record(case, subject, kind, datetime.now(ZONE) - parse_ago(ago))

    def stop_clock(self, name, arguments):
        prefix, kind, _ = CLOSERS[name]
        subject = arguments[0] if arguments else self.cases.newest_subject(prefix)
        case = self.cases.case_of(subject)
        if case is None:
            raise NotReady(f"there is no matter {subject}")
        self.record(case, subject, kind, datetime.now(ZONE))

    def close_case(self, arguments):
        if not arguments:
            raise NotReady("close which case?")
        self.record(arguments[0], "", "sag.lukket", datetime.now(ZONE))

    def record(self, case, subject, kind, at):
        due_on = at.date() + timedelta(days=SETS_A_DATE[kind]) if kind in SETS_A_DATE else None
        self.cases.record(case, subject, kind, at, due_on)
        say(f"recorded: {bold(kind)} in case {bold(case)}, matter {bold(subject or '-')}, "
            f"{at.astimezone(ZONE):%d.%m.%Y %H:%M:%S}; look at the other terminal")

    def deadlines(self, arguments):
        rows = self.cases.open_deadlines(arguments[0] if arguments else None)
        for case, subject, code, state, due, unit in rows:
            say(f"  {case:<8} {subject or '-':<7} {code:<5} {state:<9} due {due or 'no date':<16} {faint(unit)}")
        if not rows:
            say("  nothing is open")

    def events(self, arguments):
        if not arguments:
            raise NotReady("the events of which case?")
        for at, subject, kind in self.cases.events(arguments[0]):
            say(f"  {at}  {subject or '-':<7} {kind}")

    def sql(self, _):
        subprocess.run(self.running["cases"], check=False)


def parse_ago(word):
    """23h59m40s, 6d, 90s; None where it is no such thing."""
    match = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", word)
    if not match or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def usage():
    lines = ["A clock starts:"]
    lines += [f"  {name:<13} [AGO] [CASE]  {words} ({ago})" for name, (_, _, ago, words) in OPENERS.items()]
    lines += ["A clock stops:"]
    lines += [f"  {name:<13} [MATTER]      {words}" for name, (_, _, words) in CLOSERS.items()]
    lines += ["  close         CASE          the case is closed; all its clocks end", "Looking:",
              "  deadlines     [CASE|UNIT]   what is open in the journal, the nearest first",
              "  events        CASE          what is recorded in a case",
              "  sql                         psql on the case database",
              "  quit"]
    return "\n".join(lines)


def main():
    options = argparse.ArgumentParser(prog="contrib/demo/play", description=__doc__, epilog=usage(),
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("command", nargs="*", help="without one it asks")
    words = options.parse_args().command
    try:
        running = json.loads(RUNNING.read_text())
        os.kill(running["pid"], 0)
    except (FileNotFoundError, ProcessLookupError):
        say("No demo is running. Start contrib/demo/run in another terminal first.")
        return 1
    except PermissionError:
        say("The demo runs as another user; play as that one.")
        return 1
    player = Player(running)
    if words:
        return 0 if attempt(player, words) is not None else 1
    say(usage())
    while True:
        try:
            words = shlex.split(input(bold("\nplay> ")))
        except (EOFError, KeyboardInterrupt):
            say()
            return 0
        except ValueError as error:
            say(str(error))
            continue
        if words and attempt(player, words) is False:
            return 0


def attempt(player, words):
    """What run() says, or None after telling what was wrong."""
    try:
        return player.run(words)
    except NotReady as error:
        say(str(error))
        return None


if __name__ == "__main__":
    sys.exit(main())
