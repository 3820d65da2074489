# SPDX-License-Identifier: MPL-2.0
"""What every integration test starts from: a stack of its own, and its logs on the screen when the test fails."""

import os
import sys
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "contrib"))

from stack import Stack  # noqa: E402  (it is found only now)

FRISTD = Path(os.environ.get("FRISTD", SOURCE / "build/asan/daemon/fristd"))


class StackCase(unittest.TestCase):
    """One stack for each test, so that no test leans on another one."""

    def setUp(self):
        self.stack = Stack()
        self.addCleanup(self._close)

    def _close(self):
        if not self._outcome.success:  # known only here: cleanups run after the verdict
            print(self.stack.log_tails(), file=sys.stderr)
        self.stack.close()
