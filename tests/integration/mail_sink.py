# SPDX-License-Identifier: MPL-2.0
"""A mail server that takes everything and keeps it in order (tests/support/fake_smtp.py), for where Exim would be too slow or
too well-behaved."""

import email
import email.policy
import email.utils
import json
import subprocess
import sys

from support import SOURCE


class MailSink:
    def __init__(self, stack, **behaviour):
        self.path = stack.path / "sink"
        self.path.mkdir()
        self.process = subprocess.Popen([sys.executable, "-B", SOURCE / "tests/support/fake_smtp.py"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        stack.on_close(self.close)
        self.port = self._ask({"listen": behaviour | {"directory": str(self.path)}})["port"]
        self._parsed = {}

    def settings(self):
        """The daemon's section `mail`, as changes of what the stack gives it."""
        return {"host": "127.0.0.1", "port": self.port, "tls": "none", "ca_file": None, "user": None, "password_credential": None}

    def _ask(self, command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def report(self):
        return self._ask({"report": self.port})

    def release(self):
        """Lets go on whoever is held by a fault."""
        self._ask({"release": self.port})

    def refuse(self, addresses):
        """Mail to these, and to nobody else, is refused for good from now on."""
        self._ask({"faults": [self.port, *({"at": "RCPT", "match": f"<{address}>", "reply": "550 5.1.1 no such person"}
                                           for address in sorted(addresses))]})

    def mails(self):
        """All that have been taken, parsed, in the order in which they came."""
        for path in sorted(self.path.glob("*.eml"))[len(self._parsed):]:
            self._parsed[path] = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        return list(self._parsed.values())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def went_at(mail):
    return email.utils.parsedate_to_datetime(str(mail["Date"]))
