# SPDX-License-Identifier: MPL-2.0
"""Reads what `fristd render --format eml` writes with somebody else's parsers, as a mail reader would see it."""

import base64
import email
import email.header
import email.policy
import quopri
import re
import shutil
import subprocess
import tempfile
import unittest
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import icalendar

from support import FRISTD, SOURCE

TEMPLATES = SOURCE / "config" / "templates"
SAMPLES = ("warning", "breach", "escalation", "hours", "own", "target", "series", "expiry", "sensitive", "acknowledged",
           "moved", "undated", "met", "cancelled", "bare")


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
            cases = [("--sample", sample, "notice") for sample in SAMPLES] + [
                ("gathered",), ("--sample", "many", "gathered"), ("backlog",), ("backlog_own",), ("operator",), ("--sample", "silence", "operator"),
                ("remands",), ("worklist",), ("--sample", "counts", "digest")]
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
        self.assertEqual(message("--sample", "target", "notice")["Subject"], "[K72] Sag S-1001: mål 28. februar 2026")

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
        # The first warning brings a calendar entry, and what becomes of the deadline changes it or takes it back.
        for sample in ("warning", "moved", "reopened", "met", "late", "cancelled", "withdrawn", "undated"):
            self.assertEqual(shape(message("--sample", sample, "notice")),
                             ("multipart/mixed", [alternative, ("text/calendar", [])]))

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

    def test_calendar_objects(self):
        """An independent iCalendar parser sees the entry come, move and go, each later than the one before."""
        entries = {}
        for sample in ("warning", "moved", "met"):
            attached = part(message("--sample", sample, "notice"), "text/calendar")
            whole = icalendar.Calendar.from_ical(attached.get_payload(decode=True))
            self.assertEqual(whole.errors, [])
            self.assertEqual(attached.get_param("method"), whole["METHOD"])
            event, = whole.walk("VEVENT")
            self.assertEqual(event.errors, [])
            for name in ("UID", "DTSTAMP", "DTSTART", "SUMMARY", "SEQUENCE", "STATUS", "CLASS", "TRANSP"):
                self.assertIn(name, event)
            # RFC 5546, 3.2.1 and 3.2.5: one organizer, the address that the mail is from, and nobody who attends.
            self.assertEqual(str(event["ORGANIZER"]), "mailto:fristvagten@kommune.example")
            self.assertEqual(event["ORGANIZER"].params, {})
            self.assertNotIn("ATTENDEE", event)
            entries[sample] = whole, event
        events = [event for _, event in entries.values()]
        self.assertEqual([str(whole["METHOD"]) for whole, _ in entries.values()], ["PUBLISH", "PUBLISH", "CANCEL"])
        self.assertEqual([str(event["STATUS"]) for event in events], ["CONFIRMED", "CONFIRMED", "CANCELLED"])
        self.assertEqual(len({str(event["UID"]) for event in events}), 1)
        self.assertEqual([event["DTSTART"].dt for event in events], [date(2026, 2, 28), date(2026, 3, 14), date(2026, 2, 28)])
        self.assertEqual([event["DTEND"].dt - event["DTSTART"].dt for event in events], [timedelta(1)] * 3)
        self.assertEqual(events[0]["DTSTAMP"].dt, datetime(2026, 1, 29, 7, 0, tzinfo=timezone.utc))
        self.assertLess(events[0]["SEQUENCE"], events[1]["SEQUENCE"])
        self.assertLessEqual(events[1]["SEQUENCE"], events[2]["SEQUENCE"])
        self.assertLess(events[2]["SEQUENCE"], 2**31)
        self.assertEqual([len(list(event.walk("VALARM"))) for event in events], [1, 1, 0])
        alarm, = events[0].walk("VALARM")
        self.assertEqual(alarm["TRIGGER"].dt, timedelta(hours=-15))

    def test_wrong_usage(self):
        for arguments, words in ((("letter",), "da/letter.subject: cannot be opened"),
                                 (("--language", "de", "notice"), "da, en"),
                                 (("--format", "pdf", "notice"), "subject, text, html, eml"),
                                 (("--sample", "none", "notice"), "warning, again, breach"),
                                 (("--templates", "/nowhere", "notice"), "/nowhere/da/notice.subject"),
                                 ((), "usage: fristd render"),
                                 (("notice", "backlog"), "usage: fristd render")):
            done = render(*arguments, text=True)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(words, done.stderr)
        done = render("--help", text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("Samples of notice:", done.stdout)


class OddTemplates(unittest.TestCase):
    """What a municipality may write into its templates, its name for one, survives the way to the reader."""

    LETTERS = "Ærø Økommune – Børne- og Ungeafdelingen på Åsen 🧒🏽👩‍👧‍👦 "

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="fristd-"))
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copytree(TEMPLATES, self.folder, dirs_exist_ok=True)

    def message(self, **parts):
        """The raw message and the parsed one of a notice with these texts as its templates."""
        for suffix, text in parts.items():
            (self.folder / f"da/notice.{suffix}").write_bytes(text.encode())
        done = render("--templates", str(self.folder), "--format", "eml", "--sample", "breach", "notice")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.check_lines(done.stdout)
        return done.stdout, email.message_from_bytes(done.stdout, policy=email.policy.default)

    def check_lines(self, raw):
        self.assertTrue(raw.isascii() and raw.endswith(b"\r\n"))
        for line in raw.split(b"\r\n"):
            self.assertNotRegex(line, rb"[\r\n]")
            self.assertLessEqual(len(line), 78)
            self.assertFalse(line.startswith((b".", b"From ")))

    def test_subjects(self):
        subjects = ["🧒" * 50, "å" * 200, "a" * 200, ("Ærø " * 60)[:200], "=?UTF-8?Q?=C3=A5?= er ingen kode", "x" * 77 + " æ",
                    '"Anførsel" <a@b.dk>, (kommentar): \\ ; @', "ends with a blank æ ", "e\u0301 kombineret"]
        # Each place of a fold meets each piece of a character of four bytes, and of several joined ones.
        subjects += [("x" * shift + self.LETTERS * 6)[:200] for shift in range(24)]
        for subject in subjects:
            with self.subTest(subject=subject):
                raw, mail = self.message(subject=subject)
                self.assertEqual(mail["Subject"], subject.strip() if subject.isascii() else subject.rstrip(" "))
                self.assertEqual(mail["Subject"].defects, ())
                field = re.search(rb"^Subject: (.*?)\r\n(?![ \t])", raw, re.MULTILINE | re.DOTALL)[1]
                for word in re.findall(rb"=\?[^?]*\?[BQbq]\?[^?]*\?=", field):  # RFC 2047, 2 and 5: each by itself a text
                    self.assertLessEqual(len(word), 75)
                    (data, charset), = email.header.decode_header(word.decode())
                    data.decode(charset)

    def test_bodies(self):
        key = "5f1d0c0ffee05f1d0c0ffee05f1d0c0f"  # of render's samples: what boundaries are made of
        body = "\n".join([f"--=_{key}a", f"--=_{key}a--", f"--=_{key}m", "--", ".", "..", ".en prik forrest", "From start",
                          ">From", "=20 =C3=A6 =", "et blanktegn sidst ", "tab sidst\t", "\ttab først", "", "", "x" * 2000,
                          "æ" * 700, self.LETTERS * 20, "👩‍👧‍👦" * 100, "a=" * 300, "en linje på " + "9" * 64, "Content-Type: text/plain",
                          "", "slut", ""])
        text = "\n".join(line if len(line) <= 76 or " " not in line else "kort" for line in body.split("\n"))
        page = f"<!doctype html><html lang=\"da\"><body><pre>{body}</pre></body></html>\n"
        raw, mail = self.message(txt=text, html=page, subject=self.LETTERS)
        self.assertEqual([p.defects for p in mail.walk() if p.defects], [])
        self.assertEqual([p.get_content_type() for p in mail.walk()], ["multipart/alternative", "text/plain", "text/html"])
        plain = lambda kind: part(mail, kind).get_content().replace("\r\n", "\n")
        self.assertEqual(plain("text/plain"), text)
        self.assertEqual(plain("text/html"), page)
        for kind in ("text/plain", "text/html"):  # and by a decoder of quoted-printable that knows no mail
            self.assertEqual(part(mail, kind)["Content-Transfer-Encoding"], "quoted-printable")
            coded = part(mail, kind).get_payload().encode()
            self.assertLessEqual(max(len(line) for line in coded.split(b"\r\n")), 76)
            self.assertEqual(quopri.decodestring(coded).decode().replace("\r\n", "\n"), plain(kind))
        boundary = mail.get_boundary()
        self.assertEqual(raw.count(b"\r\n--" + boundary.encode()), 3)

    def test_calendar_lines(self):
        """Folding cuts no character in two, and base64 has no line too long, wherever the summary's letters fall."""
        for shift in range(12):
            with self.subTest(shift=shift):
                summary = ("x" * shift + self.LETTERS * 6 + "; komma, skråstreg \\")[:220]
                (self.folder / "da/notice.subject").write_text(summary)
                done = render("--templates", str(self.folder), "--format", "eml", "notice")
                self.check_lines(done.stdout)
                attached = part(email.message_from_bytes(done.stdout, policy=email.policy.default), "text/calendar")
                coded = attached.get_payload().split("\r\n")
                self.assertLessEqual(max(len(line) for line in coded), 76)
                self.assertEqual(base64.b64decode("".join(coded), validate=True), attached.get_payload(decode=True))
                whole = attached.get_payload(decode=True)
                for line in whole.split(b"\r\n"):
                    self.assertLessEqual(len(line), 75)
                    line.decode()
                event, = icalendar.Calendar.from_ical(whole).walk("VEVENT")
                self.assertEqual(str(event["SUMMARY"]), summary)


if __name__ == "__main__":
    unittest.main()
