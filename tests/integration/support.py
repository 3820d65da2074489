# SPDX-License-Identifier: MPL-2.0
"""What every integration test starts from: a stack of its own, and its logs on the screen when the test fails."""

import os
import sys
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "contrib"))

from stack import Stack

FRISTD = Path(os.environ.get("FRISTD", SOURCE / "build/asan/daemon/fristd"))


class StackCase(unittest.TestCase):
    """One stack for each test, so that no test leans on another one."""

    def setUp(self):
        self.stack = Stack()
        self.stack.rules = SOURCE / "tests/integration/rules"
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
