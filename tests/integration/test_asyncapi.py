# SPDX-License-Identifier: MPL-2.0
"""contrib/asyncapi.yaml: whole in itself, and saying the same as the schemas and as what the messages are checked against.

The schema of AsyncAPI itself is in no package of Debian, so what it demands of the parts that we use is written out here. With
Node.js at hand the reference parser checks the rest: `npm install @asyncapi/parser` (3.6.3 found nothing wrong)."""

import json
import re
import unittest

import yaml
from support import SOURCE
from validate_messages import TOPICS

CONTRIB = SOURCE / "contrib"
DOCUMENT = yaml.safe_load((CONTRIB / "asyncapi.yaml").read_text())
SAMPLES = {"site": "proeve", "transition": "opened", "code": "K01", "case": "S-1", "subject": "-", "requester": "bi", "report": "uge"}


def references(node):
    """Every $ref below a node."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for one in node:
            yield from references(one)


def resolve(reference):
    if not reference.startswith("#/"):
        return json.loads((CONTRIB / reference).read_text())
    node = DOCUMENT
    for part in reference[2:].split("/"):
        node = node[part]
    return node


def whole(node):
    """A node, or what it refers to."""
    while "$ref" in node:
        node = resolve(node["$ref"])
    return node


def schema_files(channel):
    """The schemas of a channel's messages by their names; one without payload has none."""
    payloads = [whole(message)["payload"] for message in channel["messages"].values()]
    return {payload["schema"]["$ref"].removeprefix("schemas/") for payload in payloads if "schema" in payload}


class Document(unittest.TestCase):
    def test_every_reference_leads_somewhere(self):
        found = list(references(DOCUMENT))
        self.assertGreater(len(found), 30)
        for reference in found:
            resolve(reference)

    def test_its_parts_are_those_of_asyncapi_3(self):
        self.assertEqual(DOCUMENT["asyncapi"], "3.0.0")
        self.assertLessEqual({"title", "version"}, DOCUMENT["info"].keys())
        for name, channel in DOCUMENT["channels"].items():
            self.assertLessEqual(channel.keys(), {"address", "description", "parameters", "messages", "title", "summary", "bindings"}, name)
            self.assertEqual(set(re.findall(r"\{(\w+)\}", channel["address"])), set(channel["parameters"]), name)
        for name, operation in DOCUMENT["operations"].items():
            self.assertIn(operation["action"], ("send", "receive"), name)
            self.assertRegex(operation["channel"]["$ref"], r"^#/channels/\w+$")
            self.assertEqual(whole(operation["bindings"])["mqtt"]["qos"], 1, name)
        used = {operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()}
        used |= {operation["reply"]["channel"]["$ref"] for operation in DOCUMENT["operations"].values() if "reply" in operation}
        self.assertEqual(used, {f"#/channels/{name}" for name in DOCUMENT["channels"]})

    def test_each_channel_is_what_messages_are_checked_against(self):
        matched = set()
        for name, channel in DOCUMENT["channels"].items():
            topic = re.sub(r"\{(\w+)\}", lambda found: SAMPLES[found[1]], channel["address"])
            checked = [(pattern, schema) for pattern, schema in TOPICS.items() if re.fullmatch(pattern, topic)]
            self.assertEqual(len(checked), 1, f"{name}: {topic}")
            pattern, schema = checked[0]
            matched.add(pattern)
            self.assertEqual(schema_files(channel), {"event.json", "replay.json"} if schema == "reply" else {schema}, name)
        self.assertEqual(matched, set(TOPICS))

    def test_it_names_the_transitions_of_the_schema(self):
        types = json.loads((CONTRIB / "schemas/event.json").read_text())["properties"]["type"]["enum"]
        named = DOCUMENT["channels"]["event"]["parameters"]["transition"]["enum"]
        self.assertEqual(types, [f"dk.fristd.deadline.{transition}.v1" for transition in named])
        for transition in named:
            self.assertTrue((CONTRIB / f"schemas/data/deadline.{transition}.v1.json").exists(), transition)

    def test_no_schema_is_left_out(self):
        used = set().union(*(schema_files(channel) for channel in DOCUMENT["channels"].values()))
        self.assertEqual(used, {path.name for path in (CONTRIB / "schemas").glob("*.json")})


if __name__ == "__main__":
    unittest.main()
