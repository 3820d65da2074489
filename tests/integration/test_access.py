# SPDX-License-Identifier: MPL-2.0
"""contrib/mqtt on a real mosquitto: who sees what, who can say what, and that no data gets out of its level of a topic."""

import json
import re
import secrets
import subprocess
import unittest

from support import FRISTD, SOURCE, StackCase
from town import Municipality

from stack import Broker, wait_until
from stack.broker import PROBE, PUBLISHER, SUBSCRIBER
from stack.process import free_port

BASE = "fristd/v1/proeve"
USERS = ("bi", "tavle", "nord", "overvaagning", "ingen")  # the last one stands in no line

# A key as an unkind case system might have it, and the level that it becomes.
UNKIND = {"S/1": "S%2F1", "+": "%2B", "#": "%23", "../../status": "..%2F..%2Fstatus", "100%": "100%25", "$SYS": "$SYS",
          "æ ø": "æ ø", "\U0001f600": "\U0001f600", "x\ufffey": "x%EF%BF%BEy", "..": "..", "$share/g/+": "$share%2Fg%2F%2B", "æ" * 100: "æ" * 100}
# Ones that are a fault in the data: nothing is said of the case.
UNFIT = ["a\nb", "a\r\nBcc: x@kommunen.example", "\x01", "x\x85y", "x" * 201, "æ" * 5000]


class Shipped(Broker):
    """mosquitto with the configuration that lies in contrib/mqtt, but for names of files and ports."""

    more = ""

    def _write_configuration(self):
        text = (SOURCE / "contrib/mqtt/mosquitto.conf").read_text()
        tls = self.stack.certificates
        for there, here in (("listener 8883", f"listener {self.port} 127.0.0.1"), ("/etc/mosquitto/certs/server.pem", tls.certificate),
                            ("/etc/mosquitto/certs/server.key", tls.key), ("/etc/mosquitto/passwords", self.path / "passwords"),
                            ("/etc/mosquitto/acl.conf", self.path / "acl"), ("/var/lib/mosquitto/", f"{self.path}/")):
            assert there in text
            text = text.replace(there, str(here))
        return self.account.write(self.path / "mosquitto.conf", f"{text}\nlistener {self.plain_port} 127.0.0.1\n{self.more}")


class Shipping(StackCase):
    def setUp(self):
        super().setUp()
        broker = self.stack.broker = Shipped(self.stack)
        broker.on_start = lambda: self.recorders.append(broker.listen("#"))
        broker.passwords |= {user: secrets.token_hex(12) for user in USERS}
        broker.access = (SOURCE / "contrib/mqtt/acl.conf").read_text().replace("v1/kommune/", "v1/proeve/") + (
            f"\nuser {SUBSCRIBER}\ntopic read #\nuser {PUBLISHER}\ntopic write {PROBE}\npattern read {PROBE}\n")
        self.broker = broker
        self.stack.start()
        self.town = Municipality(self.stack)

    def start(self, **mqtt):
        self.daemon = self.stack.daemon(FRISTD, mqtt={"host": "localhost", "port": self.broker.port, **mqtt})
        self.daemon.start()

    def breach(self, case, unit="nord", subject="U-1"):
        self.stack.postgres.sql("""
            BEGIN; INSERT INTO fagsystem.sag VALUES (:'id', 'barn', :'unit', 'sb1', '');
            INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt)
                VALUES (:'id', 'underretning.modtaget', :'subject', now() - interval '25 hours');
            COMMIT;""", id=case, unit=unit, subject=subject)

    def seen(self, stream):
        """The channels of which something came: event, deadline, status …"""
        return {event.topic.removeprefix(f"{BASE}/").split("/")[0] for event in stream.retained + stream.events}

    def fence(self, stream):
        """Until whatever was sent to this stream before has come: a message that everybody may read comes after it."""
        before = stream.probes
        self.broker.publish(PROBE, "1", retain=True)
        wait_until(lambda: stream.probes > before, "the probe")


class Access(Shipping):
    def test_each_sees_what_it_may(self):
        streams = {user: self.broker.listen("#", user) for user in USERS}
        self.start()
        self.breach("S-1")
        everything = self.recorders[0]
        everything.wait(lambda event: event.topic == f"{BASE}/deadline/K01/S-1/U-1", "the state")
        self.assertEqual(self.daemon.stop(), 0)
        everything.wait(lambda event: '"offline"' in event.payload, "the farewell")
        for user in ("bi", "tavle", "nord", "overvaagning"):
            streams[user].wait(lambda event: '"offline"' in event.payload, f"the farewell to {user}")
        self.fence(streams["ingen"])
        self.assertEqual({user: self.seen(stream) for user, stream in streams.items()},
                         {"bi": {"event", "deadline", "status"}, "tavle": {"deadline", "status"}, "nord": {"status"},
                          "overvaagning": {"status"}, "ingen": set()})
        # Nor does somebody see what is retained when he comes later.
        self.assertEqual(self.broker.listen("fristd/#", "ingen").retained, [])
        self.assertEqual({event.topic for event in self.broker.listen("fristd/#", "overvaagning").retained}, {f"{BASE}/status"})

    def test_nobody_else_can_speak(self):
        everything = self.recorders[0]
        self.start()
        everything.wait(lambda event: event.topic == f"{BASE}/status", "the birth")
        topics = ["status", "event/deadline.opened", "deadline/K01/S-1/U-1", "reply/bi", "reply/bi/x", "reply/tavle", "report/x",
                  "request/events/fristd", "request/events/tavle", "request/events", "request/other/bi"]
        for user in USERS:
            for topic in topics:
                said = self.say(user, f"{BASE}/{topic}")
                self.assertIn("Not authorized", said, f"{user} on {topic}")
        for topic in ("other", "fristd/v1/nabo/status", "fristd/v2/proeve/status", "$SYS/x", "fristd/v1/proeve"):
            self.assertIn("Not authorized", self.say(PUBLISHER, topic), f"fristd on {topic}")
        self.assertNotIn("Not authorized", self.say("bi", f"{BASE}/request/events/bi", '{"from": 1}'))
        self.fence(everything)
        foreign = [event.topic for event in everything.events if "harm" in event.payload]
        self.assertEqual(foreign, [])

    def say(self, user, topic, payload="harm"):
        command = [*self.broker.client("mosquitto_pub", user), "-q", "1", "-t", topic, "-m", payload]
        done = subprocess.run(self.stack.account.command(command, 9), capture_output=True, text=True, check=False, cwd="/")
        self.broker.published.append((topic, payload))
        return done.stdout + done.stderr

    def test_answers_reach_the_one_who_asked(self):
        streams = {user: self.broker.listen(f"{BASE}/reply/#", user) for user in USERS}
        self.broker.publish(f"{BASE}/reply/bi/x", "answer")
        self.broker.publish(f"{BASE}/reply/tavle", "answer")
        for stream in streams.values():
            self.fence(stream)
        self.assertEqual({user: [event.topic for event in stream.events] for user, stream in streams.items() if stream.events},
                         {"bi": [f"{BASE}/reply/bi/x"]})

    def test_no_key_breaks_out(self):
        self.start()
        for key in [*UNFIT, *UNKIND]:
            self.breach(key, subject=key)
        for key, level in UNKIND.items():
            self.recorders[0].wait(lambda event, level=level: event.topic == f"{BASE}/deadline/K01/{level}/{level}", f"the state of {key!r}")
            self.stack.mail.wait(self.town.team_leader, lambda mail, key=key: f"Sag {key}:" in mail.subject, f"the mail on {key!r}")
        self.assertEqual(json.loads(self.daemon.command("status", "--json").stdout)["data_faults"].keys(), {"bad_row"})
        self.assertEqual(self.daemon.stop(), 0)
        allowed = rf"{BASE}/(status|event/deadline\.[a-z_]+|deadline/[^/+#]+/[^/+#]+/[^/+#]+)|{PROBE}"
        self.assertEqual([event.topic for event in self.recorders[0].events if not re.fullmatch(allowed, event.topic)], [])


class Units(Shipping):
    """With the unit as the last level of the topics."""

    def test_a_unit_sees_its_own(self):
        streams = {user: self.broker.listen("#", user) for user in ("nord", "bi")}
        self.start(units_in_topics=True)
        self.stack.postgres.sql("INSERT INTO fagsystem.enhed VALUES ('syd', 'Syd', 'familie'), ('nord/x', 'X', 'familie'), ('#', 'Y', 'familie')")
        for case, unit in (("S-1", "syd"), ("S-2", "nord/x"), ("S-3", "#"), ("S-4", "nord")):
            self.breach(case, unit)
        for case, unit in (("S-1", "syd"), ("S-2", "nord%2Fx"), ("S-3", "%23"), ("S-4", "nord")):
            streams["bi"].wait(lambda event, case=case, unit=unit: event.topic == f"{BASE}/deadline/K01/{case}/U-1/{unit}", f"the state of {case}")
        self.fence(streams["nord"])
        cases = {event.json["case"] if "/deadline/" in event.topic else event.json["subject"]
                 for event in streams["nord"].events if "/status" not in event.topic}
        self.assertEqual(cases, {"S-4"})


class Certificates(Shipping):
    """fristd shows a certificate instead of a password; its common name is the user of the acl."""

    KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]

    def setUp(self):
        super().setUp()
        self.certificates = {}

    def make(self, name, issuer=None):
        """A certificate with this common name, by itself or by an issuer that was made before."""
        path = self.stack.path / "clients"
        if not path.exists():
            self.stack.account.directory(path)
        files = self.certificates[name] = (path / f"{name}.pem", path / f"{name}.key")
        signed = [] if issuer is None else ["-CA", self.certificates[issuer][0], "-CAkey", self.certificates[issuer][1]]
        self.stack.account.run(["openssl", "req", "-x509", *self.KEY, *signed, "-subj", f"/CN={name}", "-out", files[0], "-keyout", files[1]])
        return files

    def extra_listener(self):
        """The lines that mosquitto.conf shows for it, on a listener of its own: the tools of the test keep their passwords."""
        text = (SOURCE / "contrib/mqtt/mosquitto.conf").read_text()
        shown = re.findall(r"^#   ((?:cafile|require_certificate|use_identity_as_username) .*)$", text, re.MULTILINE)
        self.assertEqual(len(shown), 3)
        self.port = free_port()
        tls = self.stack.certificates
        lines = "\n".join(shown).replace("/etc/mosquitto/certs/clients.pem", str(self.make("udsteder")[0]))
        self.broker.more = f"\nlistener {self.port} 127.0.0.1\ncertfile {tls.certificate}\nkeyfile {tls.key}\n{lines}\n"
        self.broker.stop()
        self.broker.start()

    def start_with(self, name, issuer):
        certificate, key = self.make(name, issuer)
        self.start(port=self.port, user=None, password_credential=None, cert_file=str(certificate), key_file=str(key))

    def test_the_common_name_is_the_user(self):
        self.extra_listener()
        self.start_with(PUBLISHER, "udsteder")
        self.recorders[-1].wait(lambda event: event.topic == f"{BASE}/status" and '"online"' in event.payload, "the birth")
        self.breach("S-1")
        self.recorders[-1].wait(lambda event: event.topic == f"{BASE}/deadline/K01/S-1/U-1", "the state")

    def test_another_issuer_is_nobody(self):
        self.extra_listener()
        self.make("fremmed")
        self.start_with(PUBLISHER, "fremmed")
        self.daemon.wait_log(r"mqtt: .*next try in", count=2)
        self.fence(self.recorders[-1])
        self.assertEqual(self.broker.retained("fristd/#"), {})


if __name__ == "__main__":
    unittest.main()
