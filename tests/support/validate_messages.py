# SPDX-License-Identifier: MPL-2.0
"""Checks messages against the contract: each topic has a schema in contrib/schemas, and what stands in a topic and what
stands in the payload must agree.

usage: validate_messages.py SCHEMAS FILE   FILE has lines "topic TAB payload". Prints what is wrong and how many were
right; also wrong when an event, a state, a cleared state or a status was never seen."""

import collections
import json
import re
import sys
from pathlib import Path

import jsonschema

BASE = "https://fristd.example/schemas/v1/"  # of identifiers
SITE = r"fristd/v1/[a-z0-9-]+"
LEVEL = r"[^/+#]+"
TOPICS = {
    rf"{SITE}/event/deadline\.[a-z_]+(/{LEVEL})?": "event.json",
    rf"{SITE}/deadline/{LEVEL}/{LEVEL}/{LEVEL}(/{LEVEL})?": "state.json",
    rf"{SITE}/status": "status.json",
    rf"{SITE}/report/[a-z0-9_-]{{1,40}}": "report.json",
    rf"{SITE}/request/events/[A-Za-z0-9._-]{{1,64}}": "request.json",
    rf"{SITE}/reply/[A-Za-z0-9._-]{{1,64}}(/.+)?": "reply",
}
ALWAYS_SEEN = {"event.json", "state.json", "status.json", "cleared"}


class Wrong(Exception):
    """A message that is not what the contract says."""


def _references(schema, found):
    """How the validator finds the other schemas, in its newer and its older versions; nothing is fetched."""
    named = {BASE + name: other for name, other in found.items()}
    try:
        from referencing import Registry, Resource
    except ImportError:
        return {"resolver": jsonschema.RefResolver(schema["$id"], schema, store=named)}
    return {"registry": Registry().with_resources((name, Resource.from_contents(other)) for name, other in named.items())}


class Messages:
    """Checks messages one by one and counts them."""

    def __init__(self, schemas):
        schemas = Path(schemas)
        found = {path.relative_to(schemas).as_posix(): json.loads(path.read_text()) for path in schemas.rglob("*.json")}
        self.validators = {}
        for name, schema in found.items():
            jsonschema.Draft202012Validator.check_schema(schema)
            if schema["$id"] != BASE + name:
                raise ValueError(f"{name} calls itself {schema['$id']}")
            self.validators[name] = jsonschema.Draft202012Validator(
                schema, **_references(schema, found), format_checker=jsonschema.FormatChecker())
        self.right = collections.Counter()

    def check(self, topic, payload, properties=None):
        """Raises Wrong. properties: of MQTT 5, as mosquitto_sub's %j has them; None: not known."""
        if payload == "" and re.fullmatch(rf"{SITE}/(status|(deadline|report)/.+)", topic):
            self.right["cleared"] += 1  # also of a site that is gone, and of what somebody else had left there
            return
        name = self._name(topic)
        try:
            message = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise Wrong(f"not JSON: {error}") from error
        message = self._whole(message, properties)
        if name == "reply":
            name = "replay.json" if str(message.get("type")).startswith("dk.fristd.replay.") else "event.json"
        try:
            self.validators[name].validate(message)
        except jsonschema.ValidationError as error:
            raise Wrong(f"{error.json_path}: {error.message}") from error
        if name == "event.json":
            self._agrees(message, topic)
        self.right[name] += 1

    def _name(self, topic):
        for pattern, name in TOPICS.items():
            if re.fullmatch(pattern, topic):
                return name
        raise Wrong("no channel of the contract has this topic")

    @staticmethod
    def _whole(message, properties):
        """The CloudEvent; in binary mode its attributes are properties beside the payload."""
        attributes = (properties or {}).get("user-properties")
        if not attributes:
            return message
        named = {key: value for one in (attributes if isinstance(attributes, list) else [attributes]) for key, value in one.items()}
        if "specversion" not in named:
            return message
        if properties.get("content-type") != "application/json":
            raise Wrong("binary, and the content type is not that of the data")
        return {**named, "datacontenttype": "application/json", "data": message}

    @staticmethod
    def _agrees(event, topic):
        transition = event["type"].removeprefix("dk.fristd.deadline.").removesuffix(".v1")
        channel = topic.split("/")[3]
        if channel == "event" and topic.split("/")[4] != f"deadline.{transition}":
            raise Wrong("type and topic differ")
        if event["source"] != f"//{topic.split('/')[2]}/fristd":
            raise Wrong("source and topic differ")
        if event["subject"] != event["data"]["case"]:
            raise Wrong("subject and case differ")
        if int(event["sequence"]) != int(event["id"].rsplit("-", 1)[1]):
            raise Wrong("sequence and id differ")

    def summary(self):
        return " ".join(f"{name}={count}" for name, count in sorted(self.right.items()))


def main(schemas, file):
    messages, wrong = Messages(schemas), 0
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            topic, payload = line.rstrip("\n").split("\t", 1)
            try:
                messages.check(topic, payload)
            except Wrong as error:
                wrong += 1
                print(f"{topic}: {error}\n  {payload}", file=sys.stderr)
    print(messages.summary())
    return 1 if wrong or not ALWAYS_SEEN <= set(messages.right) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
