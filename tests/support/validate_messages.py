# SPDX-License-Identifier: MPL-2.0
"""Reads lines "topic TAB payload" and checks each against the schema of its topic in contrib/schemas.
usage: validate_messages.py SCHEMAS FILE   Prints what is wrong and how many were right."""

import json
import re
import sys
from pathlib import Path

import jsonschema

TOPICS = {
    r"fristd/v1/[a-z0-9-]+/event/deadline\.[a-z_]+": "event.json",
    r"fristd/v1/[a-z0-9-]+/deadline/[^/+#]+/[^/+#]+/[^/+#]+": "state.json",
    r"fristd/v1/[a-z0-9-]+/status": "status.json",
}


def schema_of(topic, validators):
    for pattern, name in TOPICS.items():
        if re.fullmatch(pattern, topic):
            return name, validators[name]
    raise ValueError("no channel of the contract has this topic")


def check(topic, payload, validators):
    name, validator = schema_of(topic, validators)
    if payload == "" and name == "state.json":
        return "cleared"
    message = json.loads(payload)
    validator.validate(message)
    if name == "event.json":
        transition = topic.rsplit(".", 1)[1]
        assert message["type"] == f"dk.fristd.deadline.{transition}.v1", "type and topic differ"
        assert message["subject"] == message["data"]["case"], "subject and case differ"
        assert int(message["sequence"]) == int(message["id"].rsplit("-", 1)[1]), "sequence and id differ"
    return name


def main(schemas, file):
    validators = {}
    for path in sorted(Path(schemas).glob("*.json")):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[path.name] = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    right, wrong = {}, 0
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            topic, payload = line.rstrip("\n").split("\t", 1)
            try:
                name = check(topic, payload, validators)
                right[name] = right.get(name, 0) + 1
            except (ValueError, AssertionError, jsonschema.ValidationError) as error:
                wrong += 1
                print(f"{topic}: {getattr(error, 'message', error)}\n  {payload}", file=sys.stderr)
    print(" ".join(f"{name}={count}" for name, count in sorted(right.items())))
    return 1 if wrong or set(right) != {*TOPICS.values(), "cleared"} else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
