# SPDX-License-Identifier: MPL-2.0
"""Reads what `fristd render --format eml` writes with somebody else's parser, as a mail reader would see it."""

import email
import email.policy
import subprocess
import unittest
from datetime import date, timedelta

from support import FRISTD, SOURCE

TEMPLATES = SOURCE / "config" / "templates"
SAMPLES = ("warning", "breach", "escalation", "hours", "own", "series", "expiry", "sensitive")


def render(*arguments, **more):
    return subprocess.run([FRISTD, "render", "--templates", str(TEMPLATES), *arguments], capture_output=True,
                          timeout=30, **more)


def output(*arguments):
    done = render(*arguments)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


def message(*arguments):
    return email.message_from_bytes(output("--format", "eml", *arguments), policy=email.policy.default)


def part(mail, subtype):
    found = [p for p in mail.walk() if p.get_content_type() == subtype]
    assert len(found) == 1, (subtype, found)
    return found[0]


def unfold_calendar(text):
    """The properties of an iCalendar object in their order; checks what RFC 5545 says of lines."""
    assert text.endswith("\r\n") and text.replace("\r\n", "").isprintable()
    for line in text.split("\r\n"):
        assert len(line.encode()) <= 75, line
    lines = text.replace("\r\n ", "").split("\r\n")[:-1]
    return [line.split(":", 1) for line in lines]


class MessageReader(unittest.TestCase):
    def test_parts_are_what_the_templates_give(self):
        for language in ("da", "en"):
            cases = [("--sample", sample, "notice") for sample in SAMPLES] + [("gathered",), ("gathered_many",), ("backlog",), ("backlog_own",), ("operator",)]
            for case in cases:
                with self.subTest(language=language, case=case):
                    case = ("--language", language, *case)
                    mail = message(*case)
                    self.assertEqual([p.defects for p in mail.walk() if p.defects], [])
                    self.assertEqual([v.defects for _, v in mail.items() if v.defects], [])
                    self.assertEqual(mail["Subject"], output("--format", "subject", *case).decode().rstrip("\n"))
                    for subtype, name in (("text/plain", "text"), ("text/html", "html")):
                        self.assertEqual(part(mail, subtype).get_content_charset(), "utf-8")
                        read = part(mail, subtype).get_content().replace("\r\n", "\n")
                        self.assertEqual(read, output("--format", name, *case).decode())

    def test_danish_letters_in_the_subject(self):
        raw = output("--format", "eml", "backlog")
        self.assertTrue(raw.isascii())
        self.assertEqual(message("backlog")["Subject"], "Status på frister i fam-nord pr. 29. januar 2026")
        self.assertEqual(message("--sample", "own", "notice")["Subject"], "[K6] Sag S-1001: mål 28. februar 2026")

    def test_header(self):
        mail = message("notice")
        self.assertEqual(mail["From"].addresses[0].addr_spec, "fristvagten@kommune.example")
        self.assertEqual(mail["From"].addresses[0].display_name, "Fristvagten")
        self.assertEqual([a.addr_spec for a in mail["To"].addresses], ["modtager@kommune.example"])
        self.assertEqual(mail["Date"].datetime.isoformat(), "2026-01-29T08:00:00+01:00")
        self.assertEqual(mail["Message-ID"], "<5f1d0c0ffee05f1d0c0ffee05f1d0c0f@kommune.example>")
        thread = "<7ead0000000000000000000000000001@kommune.example>"
        self.assertEqual((mail["In-Reply-To"], mail["References"]), (thread, thread))
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertEqual(mail["X-Auto-Response-Suppress"], "All")
        self.assertEqual(mail["MIME-Version"], "1.0")
        self.assertNotIn("In-Reply-To", message("backlog"))

    def test_wire_form(self):
        for case in (("notice",), ("--sample", "escalation", "notice"), ("backlog",), ("operator",)):
            raw = output("--format", "eml", *case)
            lines = raw.split(b"\r\n")
            self.assertEqual(lines.pop(), b"")
            for line in lines:
                self.assertNotIn(b"\n", line)
                self.assertNotIn(b"\r", line)
                self.assertLessEqual(len(line), 78)
                self.assertFalse(line.startswith(b"."))

    def test_structure(self):
        def shape(mail):
            return mail.get_content_type(), [shape(p) for p in mail.iter_parts()] if mail.is_multipart() else []
        alternative = ("multipart/alternative", [("text/plain", []), ("text/html", [])])
        self.assertEqual(shape(message("--sample", "breach", "notice")), alternative)
        self.assertEqual(shape(message("backlog")), alternative)
        # Only the first warning brings a calendar entry.
        self.assertEqual(shape(message("notice")), ("multipart/mixed", [alternative, ("text/calendar", [])]))

    def test_calendar_entry(self):
        attached = part(message("notice"), "text/calendar")
        self.assertTrue(attached.is_attachment())
        self.assertEqual(attached.get_filename(), "frist.ics")
        self.assertEqual(attached.get_param("method"), "PUBLISH")
        properties = unfold_calendar(attached.get_payload(decode=True).decode())
        begin = [v for k, v in properties if k == "BEGIN"]
        self.assertEqual(begin, ["VCALENDAR", "VEVENT", "VALARM"])
        self.assertEqual([v for k, v in properties if k == "END"], begin[::-1])
        entry = dict(properties)
        self.assertEqual(len(entry) + 4, len(properties))  # nothing but BEGIN and END stands twice
        self.assertEqual(entry["VERSION"], "2.0")
        self.assertEqual(entry["METHOD"], "PUBLISH")
        self.assertEqual(entry["UID"], "7ead0000000000000000000000000001@kommune.example")
        self.assertEqual(entry["DTSTAMP"], "20260129T070000Z")
        self.assertEqual(entry["DTSTART;VALUE=DATE"], "20260228")
        self.assertEqual(entry["DTEND;VALUE=DATE"], (date(2026, 2, 28) + timedelta(1)).strftime("%Y%m%d"))
        self.assertEqual(entry["SUMMARY"], "[K20] Sag S-1001: frist 28. februar 2026")
        self.assertEqual(entry["URL"], "https://fagsystem.kommune.example/sag/S-1001")
        self.assertEqual(entry["STATUS"], "CONFIRMED")
        self.assertEqual((entry["ACTION"], entry["TRIGGER"]), ("DISPLAY", "-PT15H"))

    def test_wrong_usage(self):
        for arguments, words in ((("letter",), "da/letter.subject: cannot be opened"),
                                 (("--language", "de", "notice"), "da, en"),
                                 (("--format", "pdf", "notice"), "subject, text, html, eml"),
                                 (("--sample", "none", "notice"), "warning, breach"),
                                 (("--templates", "/nowhere", "notice"), "/nowhere/da/notice.subject"),
                                 ((), "usage: fristd render"),
                                 (("notice", "backlog"), "usage: fristd render")):
            done = render(*arguments, text=True)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(words, done.stderr)
        done = render("--help", text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("Samples of a notice:", done.stdout)


if __name__ == "__main__":
    unittest.main()
