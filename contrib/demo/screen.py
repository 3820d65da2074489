# SPDX-License-Identifier: MPL-2.0
"""What the demo prints: mails as their reader sees them, events as one line each."""

import collections
import itertools
import json
import re
import shutil
import sys
import textwrap
from datetime import datetime

from municipality import ZONE

COLOUR = sys.stdout.isatty()
LONGEST_MAIL = 60  # lines; the rest is in the Maildir
FOLD_EVENTS = 6    # more than these at once become one line


def paint(text, code):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def bold(text):
    return paint(text, "1")


def faint(text):
    return paint(text, "2")


def say(text=""):
    print(text, flush=True)


def heading(text):
    say()
    say(bold(text))


def clock():
    return datetime.now(ZONE).strftime("%H:%M:%S")


def width():
    return min(100, shutil.get_terminal_size((100, 24)).columns)


def show_mail(mail):
    say()
    say(paint(f"{clock()}  ✉  mail to {mail.to}", "1;36"))
    say(f"  {bold(mail.subject)}")
    lines = []
    for paragraph in (mail.text or "").strip().splitlines():
        lines += textwrap.wrap(paragraph, width() - 6) or [""]
    for line in lines[:LONGEST_MAIL]:
        say(f"  {faint('│')} {line}")
    if len(lines) > LONGEST_MAIL:
        say(faint(f"  │ … and more: {len(lines) - LONGEST_MAIL} of {len(lines)} lines; {mail.path}"))


def gist(mail):
    """What mails on the same thing to several people have in common."""
    heading = (mail.text or "").strip().split("\n", 1)[0]
    report = re.sub(r"^(Status på frister i) .*", r"\1", heading)
    return "" if report != heading or mail.subject.startswith(heading) else mail.subject, report


def show_mails(mails):
    """One of each sort in full; who else got such a one is a line."""
    for _, same in itertools.groupby(sorted(mails, key=gist), gist):
        first, *others = sorted(same, key=lambda mail: len(mail.text), reverse=True)  # the fullest
        show_mail(first)
        for mail in others:
            say(f"  {paint('✉', '36')} also {mail.to}: {mail.subject}")


COLOURS = {"breached": "1;31", "missed": "1;31", "escalated": "1;35", "approaching": "33", "met": "32", "late": "32",
           "cancelled": "32"}


def kind_of(event):
    """…/event/deadline.breached: "breached"."""
    return event.topic.rsplit(".", 1)[1]


def show_event(event):
    message = event.json
    facts = message["data"]
    due = facts["due"][:16].replace("T", " ") if facts["due"] else "no date"
    colour = COLOURS.get(kind_of(event), "34")
    say(f"{clock()}  {paint('⚑', colour)}  {paint(f'{kind_of(event):<11}', colour)} {facts['code']:<4} "
        f"{facts['case']:<7} {facts['subject'] or '-':<6} due {due}  {faint('no. ' + message['sequence'].lstrip('0'))}")


def show_state(event):
    place = event.topic.split("/deadline/", 1)[1]
    state = json.loads(event.payload).get("state", "?") if event.payload else "cleared"
    say(f"{clock()}  {faint('retained')}    {place}: {paint(state, '32' if state == 'cleared' else '33')}")


def show_events(events):
    """One line each when they are few; else how many of each kind."""
    stream = [event for event in events if "/event/" in event.topic]
    states = [event for event in events if "/deadline/" in event.topic]
    if len(stream) > FOLD_EVENTS:
        counts = collections.Counter(map(kind_of, stream))
        words = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
        say(f"{clock()}  {paint('⚑', '34')}  {len(stream)} events: {words}")
    else:
        for event in stream:
            show_event(event)
    if len(states) > FOLD_EVENTS:
        cleared = sum(not event.payload for event in states)
        say(f"{clock()}  {faint('retained')}    {len(states) - cleared} deadlines need attention, {cleared} cleared")
    else:
        for event in states:
            show_state(event)
