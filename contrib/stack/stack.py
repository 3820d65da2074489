# SPDX-License-Identifier: MPL-2.0
"""The stack as a whole: one directory, one account, three servers, any number of daemons."""

import shutil
import tempfile
from pathlib import Path

from . import certificates
from .broker import Broker
from .daemon import Daemon
from .mailserver import MailServer
from .postgres import PostgreSQL
from .process import Account

SOURCE = Path(__file__).resolve().parents[2]


class Stack:
    def __init__(self):
        self.rules = SOURCE / "config/rules"  # what daemons are given; set it before they are made
        self.account = Account()
        self.path = Path(tempfile.mkdtemp(prefix="fristd-"))
        self.path.chmod(0o700)
        self.account.own(self.path)
        self._closers = []
        try:
            self.logs = self.account.directory(self.path / "log")
            self.certificates = certificates.make(self.account, self.path / "tls")
            self.postgres = PostgreSQL(self)
            self.broker = Broker(self)
            self.mail = MailServer(self)
        except BaseException:
            self.close()
            raise

    def start(self):
        for server in (self.postgres, self.broker, self.mail):
            server.start()
        return self

    def daemon(self, binary, **settings):
        """A daemon with a configuration for this stack (see Daemon); several may be made."""
        return Daemon(self, Path(binary), **settings)

    def on_close(self, closer):
        """Called when the stack is closed, the last one registered first."""
        self._closers.append(closer)

    def close(self):
        """Stops what was started, the last first, and removes the directory; goes on where a step fails, and
        then raises the first failure."""
        failure = None
        while self._closers:
            try:
                self._closers.pop()()
            except Exception as error:
                failure = failure or error
        shutil.rmtree(self.path, ignore_errors=failure is not None)
        if failure:
            raise failure

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def log_tails(self, lines=60):
        """The ends of all logs, for a failed test."""
        parts = []
        for path in sorted(self.logs.rglob("*")):
            if path.is_file():
                tail = path.read_text(errors="replace").splitlines()[-lines:]
                parts.append(f"--- {path.relative_to(self.logs)}\n" + "\n".join(tail))
        return "\n".join(parts)
