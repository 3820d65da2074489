# SPDX-License-Identifier: MPL-2.0
"""The throw-away stack itself: what the other tests lean on."""

import os
import signal
import smtplib
import ssl
import subprocess
import sys
import unittest

from support import SOURCE, StackCase

from stack import NotReady, wait_until
from stack.postgres import JOURNAL, READER

MESSAGE = "From: fristd@kommunen.example\r\nSubject: =?utf-8?q?F=C3=A6rdig?=\r\n\r\nGod dag\r\n"


class Servers(StackCase):
    def smtp(self):
        session = smtplib.SMTP("localhost", self.stack.mail.port)
        self.addCleanup(session.close)
        session.ehlo()
        return session

    def secured(self):
        session = self.smtp()
        session.starttls(context=ssl.create_default_context(cafile=str(self.stack.certificates.ca)))
        session.ehlo()
        return session

    def send(self, session, to):
        session.sendmail("fristd@kommunen.example", [to], MESSAGE)

    def test_nothing_runs_as_root(self):
        self.stack.start()
        for server in (self.stack.postgres, self.stack.broker, self.stack.mail):
            self.assertNotEqual(os.stat(f"/proc/{server.process.pid}").st_uid, 0)

    def test_postgres_roles(self):
        postgres = self.stack.postgres
        postgres.start()
        self.assertEqual(postgres.sql("SELECT :'x', NULL, ''", x="O'Hara"), [["O'Hara", None, ""]])
        postgres.sql("CREATE SCHEMA journal", user=JOURNAL, database=JOURNAL)
        with self.assertRaisesRegex(NotReady, "permission denied"):
            postgres.sql("CREATE TABLE public.x ()", user=READER)
        # Over TCP only with TLS and the password.
        dsn = f"host=localhost port={postgres.port} dbname=sager user={READER}"
        tls = f"sslmode=verify-full sslrootcert={self.stack.certificates.ca}"
        environment = {"PATH": os.environ["PATH"], "PGPASSWORD": postgres.passwords[READER]}
        ask = ["psql", "-XAt", "-c", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"]
        done = subprocess.run(ask + [f"{dsn} {tls}"], env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout, "t\n", done.stderr)
        done = subprocess.run(ask + [f"{dsn} sslmode=disable"], env=environment, capture_output=True, check=False)
        self.assertNotEqual(done.returncode, 0)

    def test_postgres_comes_back_with_what_it_held(self):
        postgres = self.stack.postgres
        postgres.start()
        port = postgres.port
        postgres.sql("CREATE TABLE kept AS SELECT 1 AS n")
        postgres.kill()
        postgres.start()
        self.assertEqual((postgres.port, postgres.value("SELECT n FROM kept")), (port, "1"))

    def test_mail_needs_tls_and_password(self):
        self.stack.mail.start()
        plain = self.smtp()
        self.assertTrue(plain.has_extn("pipelining"))
        self.assertFalse(plain.has_extn("auth"))
        self.assertEqual(plain.mail("a@kommunen.example")[0], 530)
        secured = self.secured()
        self.assertEqual(secured.esmtp_features["auth"].split(), ["PLAIN", "LOGIN"])
        self.assertEqual(secured.mail("a@kommunen.example")[0], 530)
        with self.assertRaises(smtplib.SMTPAuthenticationError):
            secured.login("fristd", "wrong")

    def test_mail_arrives_is_deferred_or_refused(self):
        mail = self.stack.mail
        leader = mail.add("leder")
        mail.add("senere")
        mail.defer("senere")
        mail.start()
        session = self.secured()
        session.login("fristd", mail.password)
        self.send(session, leader)
        arrived = mail.wait(to=leader)
        self.assertEqual((arrived.subject, arrived.text.strip()), ("Færdig", "God dag"))
        for name, code in (("senere", 451), ("ukendt", 550)):
            with self.assertRaises(smtplib.SMTPRecipientsRefused) as refused:
                self.send(session, f"{name}@kommunen.example")
            self.assertEqual([reply[0] for reply in refused.exception.recipients.values()], [code])
        self.send(session, mail.add("senere"))  # on the same connection
        mail.wait(to="senere")
        self.assertEqual(len(mail.mails()), 2)

    def test_broker_keeps_order_and_retained(self):
        broker = self.stack.broker
        broker.start()
        broker.publish("fristd/x/state", "før", retain=True)
        stream = broker.listen()
        self.assertEqual([event.payload for event in stream.retained], ["før"])
        for number in range(3):
            broker.publish("fristd/x/event", str(number))
        broker.publish("fristd/x/state", None, retain=True)
        stream.wait(lambda event: event.topic.endswith("state") and not event.payload)
        self.assertEqual([event.payload for event in stream.take()], ["0", "1", "2", ""])
        self.assertEqual(broker.retained(), {})


class LeavesNothing(unittest.TestCase):
    """A program that uses the stack is ended from outside, each way there is."""

    PROGRAM = ("import signal, sys; sys.path.insert(0, sys.argv[1]); from stack import Stack\n"
               "with Stack() as s:\n"
               "    s.start(); print(s.path, *(p.process.pid for p in (s.postgres, s.broker, s.mail)), flush=True)\n"
               "    signal.pause()\n")

    def end_by(self, number):
        program = subprocess.Popen([sys.executable, "-c", self.PROGRAM, SOURCE / "contrib"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(program.stdout.close)
        path, *pids = program.stdout.readline().split()
        self.assertEqual(len(pids), 3)
        program.send_signal(number)
        program.wait(30)
        wait_until(lambda: not any(is_alive(pid) for pid in pids), "every server has ended")
        return path

    def test_ctrl_c(self):
        self.assertFalse(os.path.exists(self.end_by(signal.SIGINT)))

    def test_kill(self):
        path = self.end_by(signal.SIGKILL)  # nobody is left to remove it
        subprocess.run(["rm", "-rf", path], check=True)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"  # who would reap a zombie is not ours
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    unittest.main()
