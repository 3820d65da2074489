# SPDX-License-Identifier: MPL-2.0
"""A throw-away stack on loopback: PostgreSQL, an MQTT broker and a mail server, for the demo and the tests.

    with Stack() as stack:
        stack.start()                       # all three; or stack.postgres.start() and so on
        daemon = stack.daemon(FRISTD)       # a configuration that fits, not yet started
        daemon.start()                      # returns when READY=1 has come
        stack.mail.wait(to="leder@…")       # a message that has arrived in a Maildir
        stack.broker.listen()               # what is published

Everything runs as an unprivileged user (as `nobody` when the caller is root), on ports that were free a moment
ago, below one new directory. Leaving the `with` block, also by an exception or Ctrl-C, stops by process id what
was started and removes the directory. Should the caller be killed outright, the kernel sends each server its
signal to stop. Start processes from the main thread: they end with the thread that started them.
"""

from .broker import Broker, EventStream
from .daemon import Daemon
from .ejabberd import Ejabberd
from .mailserver import MailServer
from .postgres import PostgreSQL
from .process import Account, NotReady, Process, wait_until
from .stack import Stack

__all__ = ["Account", "Broker", "Daemon", "Ejabberd", "EventStream", "MailServer", "NotReady", "PostgreSQL", "Process",
           "Stack", "wait_until"]
