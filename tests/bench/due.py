# SPDX-License-Identifier: MPL-2.0
"""A municipality of one caseworker and one rule, for what is measured through the whole daemon: a deadline is due a day
after it begins, and the caseworker hears of its breach."""

import subprocess
import time

from postfix import SOURCE

FRISTD = SOURCE / "build/release/daemon/fristd"
RULES = """
escalations:
  straks: [{at: breach, to: [caseworker]}]
rules:
  - {id: proeve.frist, code: K01, title: Prøve, basis: Prøve, kind: statutory, valid: {from: 2024-01-01}, confidence: A,
     start: [proeve.start], stop: [proeve.slut], due: {after: 24 hours}, escalation: straks}
"""


def build():
    for command in (["cmake", "--preset", "release", "-DFRISTD_TESTS=ON"],
                    ["cmake", "--build", "--preset", "release", "--target", "fristd"]):
        subprocess.run(command, cwd=SOURCE, check=True, stdout=subprocess.DEVNULL)


def fill(stack):
    for name in ("example", "contract", "role"):
        stack.postgres.file(SOURCE / f"config/sql/{name}.sql")
    stack.postgres.sql("""
        INSERT INTO fagsystem.enhed VALUES ('nord', 'Nord', NULL);
        INSERT INTO fagsystem.medarbejder VALUES ('sb1', 'Navn', 'sb1@kommunen.example');
        INSERT INTO fagsystem.funktion VALUES ('sb1', 'nord', 'sagsbehandler');
        INSERT INTO fagsystem.sag VALUES ('S-0', 'barn', 'nord', 'sb1', '');""")


def make_daemon(stack, name, port, connections):
    daemon = stack.daemon(FRISTD, name=name, casedb={"poll_interval": "60 seconds"}, log={"level": "notice"},
                          mail={"host": "127.0.0.1", "port": port, "tls": "none", "user": None, "ca_file": None,
                                "password_credential": None, "connections": connections, "messages_per_connection": 100000})
    for path in (daemon.config / "rules").glob("**/*.yaml"):
        path.unlink()
    stack.account.write(daemon.config / "rules" / "proeve.yaml", RULES)
    daemon.write_settings()
    return daemon


class Source:
    """Commits one event after the other, each of a deadline that is breached already."""

    def __init__(self, stack):
        self.psql = subprocess.Popen(stack.postgres.psql() + ["-X", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        self.committed = {}  # when, by case

    def commit(self):
        case = f"M-{len(self.committed)}"
        self.psql.stdin.write(f"BEGIN; INSERT INTO fagsystem.sag VALUES ('{case}', 'barn', 'nord', 'sb1', '');"
                              "INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt)"
                              f" VALUES ('{case}', 'proeve.start', 'X', now() - interval '25 hours'); COMMIT;\n")
        self.psql.stdin.flush()
        for said in self.psql.stdout:
            if said.strip() == "COMMIT":
                break
        self.committed[case] = time.time()
        return case

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()
        self.psql.stdout.close()
