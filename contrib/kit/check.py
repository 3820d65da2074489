#!/usr/bin/python3
# SPDX-License-Identifier: MPL-2.0
"""Shows whether a subscriber copes with what fristd's contract allows to happen.

Run it against a test broker on which no fristd publishes. It plays fristd for one site, makes one thing after the other
happen, asks the subscriber after each what it believes, and compares. README.md in this folder says what a subscriber
has to report. Exit status: 0 good, 1 something was believed wrongly, 2 it could not be tried.

    check.py --site proeve --no-tls --port 1883 --ask './consumer.py report --store state.db'
"""

import argparse
import json
import shlex
import subprocess
import sys
import threading
import time
from datetime import datetime

from connection import add_options, client, connect, publish_properties

BOOT = "c0ffee01"
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
STATES = {"opened": "open", "approaching": "open", "breached": "breached", "met": "met", "late": "late",
          "paused": "paused", "cancelled": "cancelled"}
BETWEEN_REPORTS_S = 0.1
REQUESTS_A_MINUTE = 12


def now_text():
    return datetime.now().astimezone().isoformat(timespec="seconds")


class Unusable(Exception):
    """It cannot be tried: no broker, no report."""


class Failed(Exception):
    """The subscriber believes something else than what happened."""


class Publisher:
    """fristd as a subscriber sees it: numbers its events, keeps them, answers requests."""

    def __init__(self, options):
        self.base = f"fristd/v1/{options.site}"
        self.site, self.binary, self.v5 = options.site, options.binary, options.version == "5"
        self.events = {}      # sequence: (topic, event)
        self.last = 0
        self.per_answer = 10000
        self.refuse = None    # a reason, once
        self.ignore = 0       # so many requests are lost
        self.before_end = None  # called once, in the middle of an answer
        self.requests = []    # what was asked, and what we did with it
        self.replies = 0
        self.requester = options.requester
        self.asked = threading.Condition()
        self.link = client(options, f"check-{options.site}")
        self.link.on_message = self._on_message
        self._subscribed = threading.Event()
        self.link.on_connect = self._on_connect
        self.link.on_subscribe = lambda *_: self._subscribed.set()
        self.foreign = []
        connect(self.link, options)
        self.link.loop_start()
        if not self._subscribed.wait(10):
            raise Unusable("the broker did not let us subscribe to the requests")

    def _on_connect(self, _client, _data, _flags, reason, *_):
        if int(getattr(reason, "value", reason)) == 0:
            self.link.subscribe([(f"{self.base}/request/events/+", 1), (f"{self.base}/status", 1)])

    def close(self):
        self.link.disconnect()
        self.link.loop_stop()

    # --- publishing

    def send(self, topic, payload, retain=False, **properties):
        text = payload if isinstance(payload, (bytes, str)) else json.dumps(payload, ensure_ascii=False)
        named = {"properties": publish_properties(**properties)} if self.v5 and properties else {}
        sent = self.link.publish(f"{self.base}/{topic}", text.encode() if isinstance(text, str) else text, qos=1,
                                 retain=retain, **named)
        if threading.current_thread() is threading.main_thread():  # paho's own thread would wait for itself
            sent.wait_for_publish(10)
            if not sent.is_published():
                raise Unusable("the broker does not acknowledge what we publish")

    def make(self, transition, case, subject="U-1", code="K01", state=None, extra=None, extra_data=None):
        """The next event, kept but not published."""
        self.last += 1
        now = now_text()
        state = state or STATES[transition]
        breached = now if state in ("breached", "late") else None
        closed = now if state in ("met", "late", "cancelled") else None
        data = {"code": code, "kind": "statutory", "case": case, "subject": subject, "occurrence": 1, "unit": "nord",
                "state": state, "anchor": now, "due": now, "breached": breached, "closed": closed, "late": False,
                "link": None, **(extra_data or {})}
        event = {"specversion": "1.0", "id": f"{self.site}-{self.last}", "source": f"//{self.site}/fristd",
                 "type": f"dk.fristd.deadline.{transition}.v1", "subject": case, "time": now, "recordedtime": now,
                 "sequence": f"{self.last:019}", "dataclassification": "restricted",
                 "datacontenttype": "application/json", **(extra or {}), "data": data}
        self.events[self.last] = (f"event/deadline.{transition}", event)
        return self.last

    def publish(self, *numbers, topic=None, **properties):
        for number in numbers:
            own, event = self.events[number]
            if self.binary:
                attributes = [(name, value) for name, value in event.items() if name not in ("data", "datacontenttype")]
                self.send(topic or own, event["data"], UserProperty=attributes, ContentType="application/json",
                          **properties)
            else:
                self.send(topic or own, event, ContentType=CONTENT_TYPE, **properties)

    def happen(self, transition, case, **options):
        number = self.make(transition, case, **options)
        self.publish(number)
        return number

    def status(self, online, boot):
        since = now_text() if online else None
        self.send("status", {"status": "online" if online else "offline", "boot": boot, "since": since,
                             "version": "check", "dataclassification": "restricted"}, retain=True)

    # --- answering

    def _on_message(self, _client, _data, message):
        if message.topic.endswith("/status"):
            self.foreign.append(message.payload)
            return
        requester = message.topic.rsplit("/", 1)[1]
        reply = f"reply/{requester}"
        properties = {}
        wanted = getattr(getattr(message, "properties", None), "ResponseTopic", None)
        if wanted and (wanted == f"{self.base}/{reply}" or wanted.startswith(f"{self.base}/{reply}/")):
            reply = wanted.removeprefix(f"{self.base}/")
        if hasattr(getattr(message, "properties", None), "CorrelationData"):
            properties["CorrelationData"] = message.properties.CorrelationData
        done = "answered"
        try:
            asked = json.loads(message.payload)
            first, last = int(asked["from"]), int(asked.get("to", self.last))
            if first < 1 or ("to" in asked and (last < first or last - first > 9999)) \
                    or set(asked) - {"from", "to", "correlation"}:
                raise ValueError
        except (ValueError, TypeError, KeyError):
            asked, done = message.payload.decode(errors="replace"), "not a request"
        if done == "answered" and self.ignore:
            self.ignore, done = self.ignore - 1, "lost"
        elif done == "answered" and self.refuse:
            self._end(reply, requester, "refused", {"reason": self.refuse, "detail": "by the check",
                                                    "correlation": asked.get("correlation")}, properties)
            self.refuse, done = None, "refused"
        elif done == "answered":
            self._answer(reply, requester, first, last, asked.get("correlation"), properties)
        with self.asked:
            self.requests.append((asked, done))
            self.asked.notify_all()

    def _answer(self, reply, requester, first, last, correlation, properties):
        to = min(last, first + self.per_answer - 1, self.last)
        numbers = [number for number in range(first, to + 1) if number in self.events]
        for at, number in enumerate(numbers):
            if at == len(numbers) // 2 and self.before_end:
                meanwhile, self.before_end = self.before_end, None
                meanwhile()
            self.publish(number, topic=reply, **properties)
        to = max(to, first - 1)
        more = to < min(last, self.last)
        self._end(reply, requester, "ended", {"from": first, "to": to, "sent": len(numbers), "next": to + 1 if more else None,
                                              "last": self.last, "correlation": correlation}, properties)

    def _end(self, reply, requester, kind, data, properties):
        self.replies += 1
        now = now_text()
        event = {"specversion": "1.0", "id": f"{self.site}-{BOOT}-{self.replies}", "source": f"//{self.site}/fristd/replay",
                 "type": f"dk.fristd.replay.{kind}.v1", "subject": requester, "time": now,
                 "dataclassification": "restricted", "datacontenttype": "application/json", "data": data}
        if self.binary:
            attributes = [(name, value) for name, value in event.items() if name not in ("data", "datacontenttype")]
            self.send(reply, data, UserProperty=attributes, ContentType="application/json", **properties)
        else:
            self.send(reply, event, ContentType=CONTENT_TYPE, **properties)


class Subject:
    """The subscriber under test, as far as it reports."""

    def __init__(self, command, patience):
        self.command, self.patience = shlex.split(command), patience

    def report(self):
        try:
            done = subprocess.run(self.command, capture_output=True, text=True, timeout=self.patience, check=False)
            if done.returncode != 0:
                raise Unusable(f"{self.command[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
            report = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise Unusable(f"no report: {error}") from error
        kinds = {"last": int, "complete": bool, "deadlines": dict}
        for name, kind in kinds.items():
            if not isinstance(report.get(name), kind):
                raise Unusable(f"the report's {name!r} is missing or not {kind.__name__}")
        return report

    def wait(self, what, matches):
        """The first report for which matches(report) holds."""
        end = time.monotonic() + self.patience
        while True:
            report = self.report()
            if matches(report):
                return report
            if time.monotonic() > end:
                raise Failed(f"expected {what}; it reports {brief(report)}")
            time.sleep(BETWEEN_REPORTS_S)


def brief(report):
    text = json.dumps(report, ensure_ascii=False)
    return text if len(text) < 400 else text[:400] + " …"


class Check:
    """The things that are made to happen; each method test_… is one, in the order of their definition."""

    def __init__(self, publisher, subject):
        self.publisher, self.subject = publisher, subject
        self.expected = {}  # deadlines as they should be believed
        self.totals = {}    # events of each transition
        self.skipped = None

    # --- what happens, and what should be believed then

    def happen(self, transition, case, publish=True, subject="U-1", code="K01", **options):
        number = self.publisher.make(transition, case, subject=subject, code=code, **options)
        state = self.publisher.events[number][1]["data"]["state"]
        key = f"{code}/{case}/{subject}/1"
        if state in ("open", "breached", "paused"):
            self.expected[key] = state
        else:
            self.expected.pop(key, None)
        if transition in STATES:
            self.totals[transition] = self.totals.get(transition, 0) + 1
        if publish:
            self.publisher.publish(number)
        return number

    def settled(self):
        """Everything that has happened is believed, and nothing else."""
        last = self.publisher.last
        report = self.subject.wait(f"last {last} and complete", lambda found: found["last"] >= last and found["complete"])
        if report["last"] != last:
            raise Failed(f"expected last {last}; it reports {report['last']}")
        if report["deadlines"] != self.expected:
            raise Failed(f"expected the deadlines {brief(self.expected)}; it reports {brief(report['deadlines'])}")
        if "counts" in report:
            counted = {name: number for name, number in report["counts"].items() if name in STATES}
            if counted != self.totals:
                raise Failed(f"expected the counts {brief(self.totals)}; it reports {brief(counted)}")
        return report

    def fence(self):
        """One more ordinary event: when that is believed, what came before it has been seen."""
        self.happen("opened", f"HEGN-{self.publisher.last}")
        return self.settled()

    def wait_asked(self, done, since):
        publisher = self.publisher
        with publisher.asked:
            if not publisher.asked.wait_for(lambda: any(how == done for _, how in publisher.requests[since:]),
                                            self.subject.patience):
                raise Failed(f"expected a request for what is missing; requests: {publisher.requests[since:] or 'none'}")

    def gap(self, size):
        """Events that are not published, and one after them that is."""
        for number in range(size):
            self.happen("opened", f"HUL-{self.publisher.last}-{number}", publish=False)
        return self.happen("opened", f"EFTER-{self.publisher.last}")

    # --- the checks

    def test_events(self):
        """Events in order: opened, near, passed, met late."""
        for transition in ("opened", "approaching", "breached"):
            self.happen(transition, "S-1")
        self.happen("opened", "S-2", subject="")
        self.happen("opened", "Sæson/3+#%", subject="Å 1")
        self.settled()
        self.happen("late", "S-1")
        self.settled()

    def test_duplicates(self):
        """The last events come again, as after a lost connection: nothing changes."""
        self.happen("opened", "S-4")
        self.happen("met", "S-4")
        last = self.publisher.last
        self.publisher.publish(*range(max(1, last - 5), last + 1))
        self.publisher.publish(*range(max(1, last - 5), last + 1))
        self.fence()

    def test_unknown_fields(self):
        """Attributes and data that this version of the contract does not have."""
        self.happen("opened", "S-5", extra={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
                    extra_data={"deputy": {"level": 2}, "labels": ["a", "b"]})
        self.fence()

    def test_new_type(self):
        """A type of event that does not exist yet. Its number counts like any other."""
        self.publisher.happen("audited", "S-5", state="open")
        number = self.publisher.make("opened", "S-6", state="open")
        topic, event = self.publisher.events[number]
        event.update(type="dk.fristd.forecast.made.v1", data={"weeks": 3})
        self.publisher.events[number] = (topic.replace("deadline.opened", "forecast.made"), event)
        self.publisher.publish(number)
        self.fence()

    def test_garbage(self):
        """What is not an event at all, from somebody who may publish by mistake."""
        for topic in ("event/deadline.opened", "deadline/K01/S-9/U-1", "status"):
            for payload in (b"", b"{", b"[]", b"17", b"\xff\xfe", b'{"sequence": "x", "type": 5}', b"[" * 5000):
                if topic != "deadline/K01/S-9/U-1" or payload:
                    self.publisher.send(topic, payload)
        self.fence()

    def test_gap(self):
        """Events are missing: it notices, asks, and believes all in the end."""
        since = len(self.publisher.requests)
        self.gap(3)
        self.wait_asked("answered", since)
        self.settled()

    def test_gap_in_pieces(self):
        """The answer ends before the range does; it asks on from there."""
        self.publisher.per_answer = 2
        try:
            self.gap(5)
            self.settled()
        finally:
            self.publisher.per_answer = 10000

    def test_events_during_the_answer(self):
        """While the answer comes, so do new events, and the last known one again."""
        def meanwhile():
            self.happen("opened", "S-7")
            self.happen("breached", "S-7")
            self.publisher.publish(self.publisher.last - 2)
        since = len(self.publisher.requests)
        self.publisher.before_end = meanwhile
        self.gap(4)
        self.wait_asked("answered", since)
        self.fence()

    def test_many_gaps(self):
        """Every second event is missing, as after a full queue: it catches up with the 12 requests that it has a minute."""
        since = len(self.publisher.requests)
        for _ in range(40):
            self.gap(1)
        self.settled()
        asked = len(self.publisher.requests) - since
        if asked > REQUESTS_A_MINUTE:
            raise Failed(f"expected one request for all that is missing; it sent {asked}, of which fristd answers 12 a minute")

    def test_refused(self):
        """The request is refused (busy): it keeps knowing that it misses something, and asks again later."""
        since = len(self.publisher.requests)
        self.publisher.refuse = "busy"
        self.gap(2)
        self.wait_asked("refused", since)
        self.wait_asked("answered", since)
        self.settled()

    def test_lost_request(self):
        """Nobody answers the request: it knows that it misses something, and asks again."""
        since = len(self.publisher.requests)
        self.publisher.ignore = 1
        self.gap(2)
        self.wait_asked("lost", since)
        self.subject.wait("complete false, since something is missing",
                          lambda report: not report["complete"] or report["last"] == self.publisher.last)
        self.wait_asked("answered", since)
        self.settled()

    def test_gap_is_reported(self):
        """Where it does not ask over MQTT: it says that something is missing."""
        self.gap(1)
        self.subject.wait("complete false, since something is missing", lambda report: not report["complete"])

    def test_replay(self):
        """All events from the first one come again, on the event topics and as an answer nobody asked for."""
        every = range(1, self.publisher.last + 1)
        self.publisher.publish(*every)
        if self.publisher.requester:
            self.publisher.publish(*every, topic=f"reply/{self.publisher.requester}")
        self.fence()

    def test_attention(self):
        """Retained states: set, changed, cleared."""
        report = self.subject.report()
        if "attention" not in report:
            self.skipped = "it reports no 'attention'"
            return
        base = f"{self.publisher.base}/deadline"
        before = {topic for topic in report["attention"] if topic.startswith(base)}
        near, passed = f"{base}/K01/S-1/U-1", f"{base}/K01/S%2F2/-"
        self.state(near, "open")
        self.state(passed, "breached")
        self.subject.wait(f"attention {near}: open, {passed}: breached",
                          lambda found: (found["attention"].get(near), found["attention"].get(passed)) == ("open", "breached"))
        self.state(near, "breached")
        self.subject.wait(f"attention {near}: breached", lambda found: found["attention"].get(near) == "breached")
        self.state(near, None)
        self.state(passed, None)
        self.subject.wait("attention without either", lambda found: set(found["attention"]) <= before)

    def state(self, topic, state):
        below = topic.removeprefix(f"{self.publisher.base}/")
        if state is None:
            self.publisher.send(below, b"", retain=True)
            return
        code, case, subject = below.split("/")[1:]
        now = now_text()
        self.publisher.send(below, {
            "code": code, "kind": "statutory", "case": case.replace("%2F", "/"), "subject": "" if subject == "-" else subject,
            "occurrence": 1, "unit": "nord", "state": state, "anchor": now, "due": now,
            "breached": now if state == "breached" else None, "since": now, "link": None,
            "dataclassification": "restricted"}, retain=True)

    def test_status(self):
        """A new birth, then the will of the earlier run, noticed late: it is online. Then a clean stop."""
        if "online" not in self.subject.report():
            self.skipped = "it reports no 'online'"
            return
        self.publisher.status(True, "0ldb007")
        self.subject.wait("online true", lambda report: report["online"] is True)
        self.publisher.status(True, BOOT)
        self.publisher.status(False, "0ldb007")
        report = self.fence()
        if report["online"] is not True:
            raise Failed("the will of an earlier run made it believe that fristd is offline")
        self.publisher.status(False, BOOT)
        self.subject.wait("online false", lambda report: report["online"] is False)
        self.publisher.status(True, BOOT)
        self.subject.wait("online true", lambda report: report["online"] is True)


WITHOUT_ASKING = {"test_gap", "test_gap_in_pieces", "test_many_gaps", "test_events_during_the_answer", "test_refused", "test_lost_request"}


def checks(asks):
    """Their names, in order. A subscriber that does not ask stands still at a gap, so that comes last."""
    names = [name for name in vars(Check) if name.startswith("test_")]
    if asks:
        return [name for name in names if name != "test_gap_is_reported"]
    names = [name for name in names if name not in WITHOUT_ASKING and name != "test_gap_is_reported"]
    return [*names, "test_gap_is_reported"]


def run(options):
    publisher = Publisher(options)
    results = []
    try:
        subject = Subject(options.ask, options.patience)
        found = subject.report()
        if any(status and b'"version": "check"' not in status for status in publisher.foreign):
            raise Unusable(f"{publisher.base}/status is retained: is a fristd at work there? Use another site or broker")
        if found["last"] != 0 or found["deadlines"]:
            raise Unusable(f"the subscriber must start with an empty memory; it reports {brief(found)}")
        check = Check(publisher, subject)
        for name in checks(not options.does_not_ask):
            test, check.skipped, start = getattr(check, name), None, time.monotonic()
            label, what = name.removeprefix("test_"), test.__doc__.split("\n")[0]
            try:
                test()
                result = "not reported" if check.skipped else "good"
            except Failed as error:
                result = f"FAILED\n    {error}"
            results.append(result)
            print(f"{label:26} {what}\n    {result}  ({time.monotonic() - start:.1f} s)", flush=True)
            if result.startswith("FAILED"):
                print("    What follows would only repeat it: put this right and start again with an empty memory.")
                break
    finally:
        for topic in ("status", "deadline/K01/S-1/U-1", "deadline/K01/S%2F2/-"):
            publisher.send(topic, b"", retain=True)
        publisher.close()
    good = sum(result == "good" for result in results)
    print(f"{good} good, {len(results) - good} not")
    return 0 if all(not result.startswith("FAILED") for result in results) else 1


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--ask", metavar="COMMAND", required=True, help="prints the subscriber's report as JSON")
    parser.add_argument("--patience", type=float, default=90, metavar="SECONDS", help="for what should come to be believed")
    parser.add_argument("--binary", action="store_true", help="events in binary mode (MQTT 5)")
    parser.add_argument("--requester", metavar="NAME", help="as whom the subscriber asks; it gets a replay it did not ask for")
    parser.add_argument("--does-not-ask", action="store_true",
                        help="it catches up by the journal's view or by hand: it need only say that something is missing")
    options = parser.parse_args(argv)
    if options.binary and options.version != "5":
        parser.error("--binary needs MQTT 5")
    try:
        return run(options)
    except (Unusable, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
