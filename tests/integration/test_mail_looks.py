# SPDX-License-Identifier: MPL-2.0
"""Every mail that the shipped templates make, in every state that `fristd render` knows: can it be read in light and dark,
by ear, on a phone and in a terminal, and does nothing stand in it twice, or empty."""

import functools
import html.parser
import re
import subprocess
import unittest

from support import FRISTD, SOURCE

TEMPLATES = SOURCE / "config" / "templates"
REPORTS = ("backlog_own", "remands", "worklist", "digest")
CONTRAST = 4.5  # WCAG 2.2, 1.4.3 (AA)
PHONE = 360
LINE = 78  # RFC 5322, 2.1.1


@functools.cache
def render(language, form, sample, template):
    done = subprocess.run([FRISTD, "render", "--templates", str(TEMPLATES), "--language", language, "--format", form,
                           "--sample", sample, template], capture_output=True, timeout=30, text=True)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


@functools.cache
def samples():
    """(template, sample) of all that --help lists."""
    found, template = [], None
    for line in subprocess.run([FRISTD, "render", "--help"], capture_output=True, timeout=30, text=True).stdout.splitlines():
        if heading := re.fullmatch(r"Samples of (?:a )?(\w+):", line):
            template = heading[1]
        elif template and (sample := re.match(r"  (\w+)  ", line)):
            found += [(name, sample[1]) for name in (REPORTS if template == "report" else (template,))]
    return found


def mails():
    for language in ("da", "en"):
        for template, sample in samples():
            yield language, template, sample


# --- colours ---

def parse(colour):
    assert re.fullmatch(r"#[0-9a-f]{6}", colour), colour
    return tuple(int(colour[i:i + 2], 16) for i in (1, 3, 5))


def linear(rgb):
    return [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]


def luminance(rgb):
    red, green, blue = linear(rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# What is readers' own: text, background, links.
LIGHT = {"text": (0, 0, 0), "back": (255, 255, 255), "link": (0, 0, 238)}
DARK = {"text": (255, 255, 255), "back": (30, 30, 30), "link": (158, 158, 255)}


def invert(rgb):
    """A reader that turns the whole mail round, as some do on telephones."""
    return tuple(255 - c for c in rgb)


def invert_lightness(rgb):
    """A reader that turns the lightness round and keeps the hue: white becomes #333333, black becomes white (CIE L*a*b*)."""
    white = (0.95047, 1.0, 1.08883)
    to_xyz = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
    to_rgb = ((3.2404542, -1.5371385, -0.4985314), (-0.9692660, 1.8760108, 0.0415560), (0.0556434, -0.2040259, 1.0572252))
    bend = lambda t: t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
    unbend = lambda t: t ** 3 if t ** 3 > 0.008856 else (t - 16 / 116) / 7.787
    colour = linear(rgb)
    x, y, z = (bend(sum(k * c for k, c in zip(row, colour)) / w) for row, w in zip(to_xyz, white))
    lightness, a, b = 116 * y - 16, 500 * (x - y), 200 * (y - z)
    base = 21.25  # of #333333
    lightness = (base - 100) * lightness / 100 + 100
    y = (lightness + 16) / 116
    xyz = [unbend(t) * w for t, w in zip((y + a / 500, y, y - b / 200), white)]
    flat = [min(1, max(0, sum(k * c for k, c in zip(row, xyz)))) for row in to_rgb]
    return tuple(round(255 * (12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055)) for c in flat)


# How a reader shows the mail: its own colours, and what it makes of the mail's.
READERS = {
    "light": (LIGHT, lambda rgb: rgb),
    "dark": (DARK, lambda rgb: rgb),
    "turned round": ({name: invert(rgb) for name, rgb in LIGHT.items()}, invert),
    "lightness turned round": ({name: invert_lightness(rgb) for name, rgb in LIGHT.items()}, invert_lightness),
}


# --- HTML ---

EMPTY = {"meta", "br"}


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, dict(attributes), parent
        self.children = []  # elements and texts
        self.style = dict((part.strip() for part in declaration.split(":", 1))
                          for declaration in self.attributes.get("style", "").split(";") if declaration.strip())

    def all(self, *tags):
        for child in self.children:
            if isinstance(child, Element):
                if child.tag in tags:
                    yield child
                yield from child.all(*tags)

    def words(self):
        text = "".join(child.words() if isinstance(child, Element) else child for child in self.children)
        return f" {text} " if self.tag in ("p", "li", "tr", "td", "th", "h1", "h2", "br", "title") else text

    def said(self):
        return " ".join(self.words().split())

    def own(self, name):
        """The nearest value of it, here or around."""
        if name == "background" and "background" not in self.style and "bgcolor" in self.attributes:
            return self.attributes["bgcolor"]
        value = self.style.get(name)
        if value in (None, "inherit"):
            return self.parent.own(name) if self.parent and (value == "inherit" or name == "background" or self.tag != "a") else None
        return value

    def texts(self):
        """(element, text) of everything that can be seen."""
        for child in self.children:
            if isinstance(child, Element):
                yield from child.texts()
            elif child.strip():
                yield self, child.strip()


class Tree(html.parser.HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.root = self.at = Element("", (), None)
        self.feed(source)
        self.close()
        assert self.at is self.root, f"<{self.at.tag}> is never closed"

    def handle_starttag(self, tag, attrs):
        element = Element(tag, attrs, self.at)
        assert len(element.attributes) == len(attrs), (tag, attrs)
        self.at.children.append(element)
        if tag not in EMPTY:
            self.at = element

    def handle_endtag(self, tag):
        assert tag == self.at.tag, f"</{tag}> closes <{self.at.tag}>"
        self.at = self.at.parent

    def handle_data(self, data):
        self.at.children.append(data)


def tree(language, template, sample):
    return Tree(render(language, "html", sample, template)).root


def faint(root):
    """(reader, contrast, text) of each text that is too faint for somebody."""
    body, = root.all("body")
    for element, text in body.texts():
        colour, back = element.own("color"), element.own("background")
        assert colour is None or back is not None, f"a colour of its own on a background of the reader's: {text}"
        in_link = element.tag == "a" or (element.parent.tag == "a")
        for reader, (own, change) in READERS.items():
            ink = change(parse(colour)) if colour else own["link" if in_link and element.style.get("color") != "inherit" else "text"]
            paper = change(parse(back)) if back else own["back"]
            if contrast(ink, paper) < CONTRAST:
                yield reader, round(contrast(ink, paper), 2), text


class MailLooks(unittest.TestCase):
    def test_all_samples_are_found(self):
        kinds = {template for template, _ in samples()}
        self.assertEqual(kinds, {"notice", "gathered", "backlog", "operator", *REPORTS})
        self.assertGreater(len(samples()), 40)

    def test_every_text_stands_out(self):
        for mail in mails():
            with self.subTest(mail=mail):
                self.assertEqual(list(faint(tree(*mail))), [])

    def test_the_measure_finds_what_is_faint(self):
        self.assertAlmostEqual(contrast(parse("#7a7a7a"), parse("#ffffff")), 4.29, 2)
        self.assertAlmostEqual(contrast(parse("#000000"), parse("#ffffff")), 21, 2)
        self.assertEqual((invert_lightness((255, 255, 255)), invert_lightness((0, 0, 0))), ((51, 51, 51), (255, 255, 255)))
        found = list(faint(Tree('<body><p style="background:#ffffff; color:#7a7a7a">grey</p></body>').root))
        self.assertIn(("light", 4.29, "grey"), found)
        # An amber that is good enough in light and dark, and not where colours are turned round.
        found = {reader for reader, _, _ in faint(Tree('<body><p style="background:#c77700; color:#000000">x</p></body>').root)}
        self.assertEqual(found, {"turned round", "lightness turned round"})
        with self.assertRaisesRegex(AssertionError, "background of the reader's"):
            list(faint(Tree('<body><p style="color:#333333">x</p></body>').root))

    def test_head(self):
        for mail in mails():
            with self.subTest(mail=mail):
                root = tree(*mail)
                page, = root.all("html")
                self.assertEqual(page.attributes, {"lang": mail[0]})
                title, = root.all("title")
                heading, = root.all("h1")
                self.assertEqual(title.said(), heading.said())
                self.assertGreater(len(title.said()), 8)
                metas = {meta.attributes.get("name"): meta.attributes for meta in root.all("meta")}
                self.assertEqual(metas[None], {"charset": "utf-8"})
                self.assertEqual(metas["color-scheme"]["content"], "light dark")
                self.assertEqual(metas["viewport"]["content"], "width=device-width, initial-scale=1")

    def test_nothing_is_fetched(self):
        for mail in mails():
            with self.subTest(mail=mail):
                source = render(mail[0], "html", mail[2], mail[1])
                for tag in ("<img", "<link", "<script", "<style", "<iframe", "<form", "src=", "background=", "url(", "@import", "cid:"):
                    self.assertNotIn(tag, source)
                links = {link.attributes["href"] for link in Tree(source).root.all("a")}
                self.assertLessEqual({link[:38] for link in links}, {"https://fagsystem.kommune.example/sag/"})
                self.assertEqual(source.count("http"), sum(source.count(f'href="{link}"') for link in links))

    def test_tables_are_told_apart_by_ear(self):
        """One that lays out says so and has no headings; one of data has, and they say of what."""
        for mail in mails():
            with self.subTest(mail=mail):
                for table in tree(*mail).all("table"):
                    cells = [cell for cell in table.all("th") if next(self.around(cell, "table")) is table]
                    if table.attributes.get("role") == "presentation":
                        self.assertEqual(cells, [])
                    else:
                        self.assertNotEqual(cells, [])
                        self.assertLessEqual({cell.attributes.get("scope") for cell in cells}, {"row", "col"})

    @staticmethod
    def around(element, tag):
        while element := element.parent:
            if element.tag == tag:
                yield element

    def test_fits_a_phone(self):
        for mail in mails():
            with self.subTest(mail=mail):
                for element in tree(*mail).all("table", "td", "th", "p", "a", "div"):
                    self.assertRegex(element.attributes.get("width", "100%"), r"^\d{1,3}%$")
                    for name in ("width", "min-width"):
                        self.assertNotIn(name, element.style)
                    if "nowrap" in element.style.get("white-space", ""):  # some 8 px a letter, half a phone
                        self.assertLessEqual(len(element.said()) * 8, PHONE / 2 - 12)
                    sizes = [int(size) for size in re.findall(r"(\d+)px", element.style.get("font-size", "16px"))]
                    self.assertGreaterEqual(min(sizes), 13)
                for word in tree(*mail).said().split():
                    self.assertLessEqual(len(word) * 9, PHONE - 24, word)

    def test_what_the_inbox_shows(self):
        """The first words are the heading, and then a fact: no greeting, no "view in browser"."""
        for mail in mails():
            with self.subTest(mail=mail):
                body, = tree(*mail).all("body")
                heading, = body.all("h1")
                self.assertTrue(body.said().startswith(heading.said()))
                subject = render(mail[0], "subject", mail[2], mail[1]).strip()
                self.assertLessEqual(len(subject), 200)
                self.assertNotRegex(subject, r"^[ ,.:]|[ ,:]$|  |\[\]|\(\)")

    def test_plain_text(self):
        for mail in mails():
            with self.subTest(mail=mail):
                text = render(mail[0], "text", mail[2], mail[1])
                for line in text.split("\n"):
                    self.assertTrue(len(line) <= LINE or " " not in line.strip(), line)
                    self.assertTrue(line == "-- " or line == line.rstrip(), line)
                self.assertNotIn("\n\n\n", text)
                self.assertTrue(text.endswith(".\n") and not text.startswith("\n"))

    def test_nothing_is_empty_or_left_over(self):
        for mail in mails():
            with self.subTest(mail=mail):
                text = render(mail[0], "text", mail[2], mail[1])
                said = tree(*mail).said()
                for whole in (text, said, render(mail[0], "subject", mail[2], mail[1])):
                    self.assertNotRegex(whole, r"\{\{|\}\}|\(null\)|\(\)|\(-\)| ,| \.( |$)|· *(\n|·|$)|– *\n|;[;.]|\.\.|%[a-z]")
                    self.assertNotRegex(whole, r"\b1 (dage|timer|minutter|uger|gange|frister|varsler|rapporter"
                                               r"|days|hours|minutes|weeks|times|deadlines|steps|reports)\b")
                    self.assertNotRegex(whole, r"\b(0|[2-9]|\d\d+) (dag|time|minut|uge|gang|frist|day|hour|week|deadline|step)\b")
                lines = text.split("\n")
                for line, following in zip(lines, lines[1:]):
                    if line.endswith(":"):  # what it announces is there
                        self.assertRegex(following, r"^(-|  |$)")
                for element in tree(*mail).all("p", "li", "td", "th", "h2", "ul", "table"):
                    self.assertNotEqual(element.said(), "", element.tag)

    def test_text_and_html_say_the_same(self):
        """Who reads one misses nothing of the other."""
        def words(text):
            return set(re.findall(r"[\wæøåÆØÅ§./-]{3,}", re.sub(r"https://\S+", "", text)))
        labels = words("Åbn sagen Open the case Fordelt på regler By rule i alt in all regel rule "
                       "inden for fristen overskredet within deadline not kept coming ikke holdt kommende Sag Case")
        for mail in mails():
            with self.subTest(mail=mail):
                body, = tree(*mail).all("body")
                text, said = words(render(mail[0], "text", mail[2], mail[1])), words(body.said())
                trimmed = lambda found: {word.strip(".,").lower() for word in found} - {word.lower() for word in labels}
                self.assertEqual(trimmed(text) ^ trimmed(said), set())

    def test_danish_is_danish(self):
        """No mail in Danish falls back to English, and none in English to Danish."""
        for language, template, sample in mails():
            with self.subTest(language=language, template=template, sample=sample):
                said = f" {tree(language, template, sample).said()} ".lower()
                for word in ((" the ", " deadline", " report ", " of ", " was ") if language == "da" else
                             (" og ", " frist ", " ikke ", " den ", " rapport", " sag ")):
                    self.assertNotIn(word, said)
                if language == "da":
                    self.assertNotRegex(said, r"\b(faar|foer|paa|loest|boern|aa|ae|oe)\b")


if __name__ == "__main__":
    unittest.main()
