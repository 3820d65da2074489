# SPDX-License-Identifier: MPL-2.0
"""PostgreSQL with the three roles of an installation: who owns the case system, who reads it, who owns the
journal."""

import csv
import io
import secrets
import signal
import subprocess
from pathlib import Path

from .process import NotReady, Process, free_port, is_connectable, wait_until

SQL = Path(__file__).resolve().parents[2] / "config/sql"
BINARIES = "/usr/lib/postgresql/15/bin"
CASES = "sager"           # the case system's database
OWNER = "sagssystem"      # owns its tables and the views of the contract
READER = "fristd_laeser"  # as what fristd reads them
JOURNAL = "fristd"        # the journal's database, and who owns it


class PostgreSQL:
    def __init__(self, stack):
        self.stack = stack
        self.account = stack.account
        self.path = stack.path / "postgres"
        self.socket = self.path / "socket"
        self.data = self.path / "data"
        self.port = None
        self.passwords = {role: secrets.token_hex(12) for role in (OWNER, READER, JOURNAL)}
        self.process = Process("postgresql", stack.account, stack.logs / "postgresql.log")

    def start(self):
        """Starts it, the first time with a new cluster, later on the same port with what it held."""
        if self.port is None:
            self._create_cluster()
            self.stack.on_close(self.stop)
            self.port = free_port()
            self._start()
            self._create_roles()
        else:
            self._start()

    def _create_cluster(self):
        self.account.directory(self.path)
        self.account.directory(self.socket)
        self.account.run([f"{BINARIES}/initdb", "--pgdata", self.data, "--username", "postgres", "--auth", "trust",
                          "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"])
        # The directory of the socket is ours alone, so the superuser needs no password there.
        self.account.write(self.data / "pg_hba.conf",
                           "local   all all               trust\n"
                           "hostssl all all 127.0.0.1/32  scram-sha-256\n")

    def _start(self):
        for attempt in range(5):
            settings = {
                "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.socket,
                "ssl": "on", "ssl_cert_file": self.stack.certificates.certificate,
                "ssl_key_file": self.stack.certificates.key, "max_connections": 60,
                # A throw-away cluster: it must survive kill -9, not a loss of power.
                "fsync": "off", "full_page_writes": "off",
            }
            argv = [f"{BINARIES}/postgres", "-D", self.data]
            for name, value in settings.items():
                argv += ["-c", f"{name}={value}"]
            self.process.start(argv, death_signal=signal.SIGINT)
            try:
                wait_until(self._is_ready, "postgresql ready", process=self.process)
                return
            except NotReady:
                self.process.stop(signal.SIGINT)
                if attempt == 4 or "Address already in use" not in self.process.log():
                    raise
                self.port = free_port()

    def _is_ready(self):
        return is_connectable(self.port) and subprocess.run(
            [f"{BINARIES}/pg_isready", "-q", "-U", "postgres", "-h", self.socket, "-p", str(self.port)], check=False).returncode == 0

    def _create_roles(self):
        statements = [f"CREATE ROLE {role} LOGIN PASSWORD '{password}';" for role, password in self.passwords.items()]
        self.sql("".join(statements), database="postgres")
        self.sql(f"CREATE DATABASE {CASES} OWNER {OWNER};", database="postgres")
        self.sql(f"CREATE DATABASE {JOURNAL} OWNER {JOURNAL};", database="postgres")

    def install_case_system(self):
        """The example's tables, the views of the contract over them, and the rights of the reader."""
        for name in ("example.sql", "contract.sql"):
            self.file(SQL / name, user=OWNER)
        self.file(SQL / "role.sql")

    def stop(self):
        """Fast shutdown: open transactions are rolled back."""
        self.process.stop(signal.SIGINT)

    def kill(self):
        self.process.kill()

    def psql(self, user="postgres", database=CASES):
        """The command line that opens psql as this role on the unix socket."""
        return ["psql", "--no-psqlrc", "-h", str(self.socket), "-p", str(self.port), "-U", user, "-d", database]

    def sql(self, statements, user="postgres", database=CASES, **variables):
        """Runs SQL and returns the rows of all its results as lists of text (None: null). Values go in as psql
        variables, never into the text: sql("… WHERE id = :'id'", id=…)."""
        argv = self.psql(user, database) + ["-X", "-q", "-v", "ON_ERROR_STOP=1", "--csv", "-t", "-P", "null=\\N"]
        for name, value in variables.items():
            argv += ["-v", f"{name}={value}"]
        done = subprocess.run(argv, input=statements, capture_output=True, text=True, check=False,
                              env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"})
        if done.returncode != 0:
            raise NotReady(f"psql: {done.stderr.strip()}")
        return [[None if field == "\\N" else field for field in row] for row in csv.reader(io.StringIO(done.stdout))]

    def value(self, statement, user="postgres", database=CASES, **variables):
        """The first field of the first row, or None."""
        rows = self.sql(statement, user, database, **variables)
        return rows[0][0] if rows else None

    def file(self, path, user="postgres", database=CASES, **variables):
        """Runs an SQL file in one transaction."""
        return self.sql("BEGIN;\n" + path.read_text() + "\nCOMMIT;\n", user, database, **variables)
