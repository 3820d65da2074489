# SPDX-License-Identifier: MPL-2.0
"""The consumer kit: the check passes a good subscriber and finds each fault of a bad one in the place meant for it."""

import json
import os
import re
import shutil
import subprocess
import unittest

from support import MESSAGES, SOURCE, StackCase

from stack import Process, wait_until
from stack.broker import PUBLISHER

KIT = SOURCE / "contrib/kit"
PYTHON = ["/usr/bin/python3", "-B"]
GOOD = KIT / "consumer.py"
BAD = SOURCE / "tests/integration/bad_consumer.py"

# Each faulty subscriber, and the check that has to find it.
FAULTS = {
    "CountsTwice": "duplicates", "Strict": "unknown_fields", "KnownTypesOnly": "new_type", "Fragile": "garbage",
    "BlindToGaps": "gap", "ReadsOneAnswer": "gap_in_pieces", "AsksForEach": "many_gaps", "DropsWhileAsking": "events_during_the_answer",
    "GivesUp": "refused", "AsksOnce": "lost_request", "RemembersAHundred": "replay", "NeverClears": "attention",
    "BelievesEveryWill": "status",
}


class Kit(StackCase):
    CHECKS_MESSAGES = False

    def setUp(self):
        super().setUp()
        self.broker = self.stack.broker
        self.broker.start()
        self.password = self.stack.account.write(self.stack.path / "password", self.broker.passwords[PUBLISHER])

    def connection(self, site, version):
        return ["--no-tls", "--port", str(self.broker.plain_port), "--user", PUBLISHER, "--password-file",
                str(self.password), "--site", site, "--version", version]

    def check(self, site, program, *options, version="5", patience=6):
        """Starts a subscriber, checks it, and returns the exit status and the results: {check: good|FAILED …}."""
        store = self.stack.path / f"{site}.db"
        subscriber = Process(site, self.stack.account, self.stack.logs / f"{site}.log")
        environment = {"PYTHONPATH": str(KIT)}
        subscriber.start([*PYTHON, *program, "follow", "--store", store, *self.connection(site, version), "--name", site,
                          "--retry", "0.5"], environment=environment)
        self.stack.on_close(subscriber.kill)
        wait_until(lambda: "following" in subscriber.log(), f"{site} follows", 15, subscriber)
        ask = " ".join(map(str, [*PYTHON, *program, "report", "--store", store]))
        done = subprocess.run([*PYTHON, KIT / "check.py", *self.connection(site, version), "--ask", ask, "--requester", site,
                               "--patience", str(patience), *options], capture_output=True, text=True, check=False,
                              env={"PATH": "/usr/bin:/bin", **environment}, timeout=120)
        subscriber.stop()
        self.output = done.stdout + done.stderr
        return done.returncode, dict(re.findall(r"^(\w+)  .*\n    (good|not reported|FAILED)", done.stdout, re.MULTILINE))

    def test_a_good_one_passes(self):
        for site, options, version in (("god", [], "5"), ("god-311", [], "3.1.1"), ("god-binary", ["--binary"], "5")):
            with self.subTest(site):
                status, results = self.check(site, [GOOD], *options, version=version, patience=30)
                print(self.output if site == "god" else "", end="")
                self.assertEqual((status, set(results.values()), len(results)), (0, {"good"}, 14), self.output)

    def test_each_fault_is_found_where_it_is(self):
        for fault, check in FAULTS.items():
            with self.subTest(fault):
                status, results = self.check(fault.lower(), [BAD, fault])
                self.assertEqual((status, [name for name, found in results.items() if found != "good"]), (1, [check]),
                                 self.output)

    def test_one_that_does_not_ask_has_to_say_so(self):
        status, results = self.check("spoerger-ikke", [BAD, "NeverAsks"], "--does-not-ask")
        self.assertEqual((status, results.get("gap_is_reported")), (0, "good"), self.output)
        status, results = self.check("siger-intet", [BAD, "BlindToGaps"], "--does-not-ask")
        self.assertEqual((status, results.get("gap_is_reported")), (1, "FAILED"), self.output)

    def test_what_cannot_be_tried_is_said(self):
        status, _ = self.check("proeve", [GOOD], "--ask", "false")
        self.assertEqual(status, 2)
        self.assertIn("false ended with 1", self.output)
        self.broker.publish("fristd/v1/travl/status", '{"status": "online", "version": "1"}', retain=True)
        status, _ = self.check("travl", [GOOD])
        self.assertEqual(status, 2)
        self.assertIn("is a fristd at work there?", self.output)

    def test_what_it_plays_is_what_the_schemas_say(self):
        """The check's own messages, but those that are wrong on purpose, keep to the contract."""
        stream = self.broker.listen("fristd/v1/skema/#")
        status, _ = self.check("skema", [GOOD], patience=30)
        self.assertEqual(status, 0, self.output)
        wrong_on_purpose = r"audited|forecast|traceparent"
        for event in stream.events:
            if "restricted" in event.payload and not re.search(wrong_on_purpose, event.topic + event.payload):
                MESSAGES.check(event.topic, event.payload, event.properties)
        self.assertGreater(MESSAGES.right["event.json"], 50)
        self.assertEqual(MESSAGES.right.keys(), {"event.json", "replay.json", "state.json", "status.json"})


class Page(unittest.TestCase):
    def test_its_commands_can_be_run_as_they_stand(self):
        named = set(re.findall(r"\./(\w+\.py)", (KIT / "README.md").read_text()))
        self.assertEqual(named, {"check.py", "consumer.py"})
        for name in named:
            self.assertTrue(os.access(KIT / name, os.X_OK), name)


class Flow(unittest.TestCase):
    """The flow can be imported: what Node-RED asks of one, and that everything it names is there."""

    CORE = {"tab", "tls-config", "mqtt-broker", "mqtt in", "mqtt out", "inject", "status", "function", "debug", "comment", "http in",
            "http response"}

    def setUp(self):
        self.nodes = json.loads((KIT / "node-red.json").read_text())
        self.ids = {node["id"]: node for node in self.nodes}

    def test_everything_it_names_is_there(self):
        self.assertEqual(len(self.ids), len(self.nodes))
        tab = next(node for node in self.nodes if node["type"] == "tab")
        settings = {setting["name"] for setting in tab["env"]}
        for node in self.nodes:
            self.assertIn(node["type"], self.CORE)
            wires = [target for output in node.get("wires", []) for target in output]
            for target in [*wires, *node.get("scope", []), *(node[name] for name in ("z", "broker", "tls") if node.get(name))]:
                self.assertTrue(target in self.ids or node["type"] == "mqtt-broker", f"{node['id']} names {target}")
            if node["type"] == "function":
                self.assertEqual(len(node["wires"]), node["outputs"], node["name"])
            for setting in re.findall(r"\$\{(\w+)\}", node.get("topic", "") + node.get("respTopic", "")):
                self.assertIn(setting, settings)
        used = {setting for node in self.nodes for setting in re.findall(r"env\.get\(\"(\w+)\"\)", node.get("func", ""))}
        self.assertLessEqual(used, settings)

    def test_nothing_of_a_test_is_left_in_it(self):
        broker = next(node for node in self.nodes if node["type"] == "mqtt-broker")
        self.assertEqual((broker["broker"], broker["usetls"], broker["cleansession"], "credentials" in broker),
                         ("mqtt.example.dk", True, False, False))

    def test_its_functions_parse(self):
        node = shutil.which("node")
        if node is None:
            self.skipTest("Node.js is not installed; it is no dependency")
        for each in self.nodes:
            if each["type"] == "function":
                done = subprocess.run([node, "--check", "-"], input=f"(async function (msg) {{ {each['func']}\n}})", text=True,
                                      capture_output=True, check=False)
                self.assertEqual(done.returncode, 0, f"{each['name']}: {done.stderr}")


if __name__ == "__main__":
    unittest.main()
