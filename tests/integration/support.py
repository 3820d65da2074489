# SPDX-License-Identifier: MPL-2.0
"""What every integration test starts from: a stack of its own, and its logs on the screen when the test fails. Whatever
a test has the daemon publish is checked against the contract."""

import atexit
import os
import sys
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "contrib"))
sys.path.insert(0, str(SOURCE / "tests/support"))

from stack import Stack
from validate_messages import Messages, Wrong

FRISTD = Path(os.environ.get("FRISTD", SOURCE / "build/asan/daemon/fristd"))


MESSAGES = Messages(SOURCE / "contrib/schemas")


@atexit.register
def print_messages():
    if MESSAGES.right:
        print(f"messages that keep to contrib/schemas: {MESSAGES.summary()}", flush=True)


class StackCase(unittest.TestCase):
    """One stack for each test, so that no test leans on another one."""

    CHECKS_MESSAGES = True  # False: others than the daemon publish on its topics

    def setUp(self):
        self.stack = Stack()
        self.stack.rules = SOURCE / "tests/integration/rules"
        self.recorders = []
        if self.CHECKS_MESSAGES:
            self.stack.broker.on_start = lambda: self.recorders.append(self.stack.broker.listen("fristd/#"))
        self.addCleanup(self._close)

    def run(self, result=None):
        self._result = result
        return super().run(result)

    def has_failed(self):
        return any(test is self for test, _ in self._result.errors + self._result.failures)

    def _close(self):
        if self.has_failed():
            print(self.stack.log_tails(), file=sys.stderr)
        self.stack.close()
        self.assertEqual([], self._wrong_messages())

    def _wrong_messages(self):
        wrong, foreign = [], set(self.stack.broker.published)
        for event in (event for recorder in self.recorders for event in recorder.retained + recorder.events):
            if (event.topic, event.payload) in foreign:
                continue
            try:
                MESSAGES.check(event.topic, event.payload, event.properties)
            except Wrong as error:
                wrong.append(f"{event.topic}: {error}: {event.payload}")
        return wrong
