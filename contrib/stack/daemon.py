# SPDX-License-Identifier: MPL-2.0
"""fristd itself on the stack: a configuration that fits, started as systemd would, and what it says."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

from .mailserver import DOMAIN, USER
from .postgres import CASES, JOURNAL, READER
from .process import PATIENCE_S, Process, wait_until

SOURCE = Path(__file__).resolve().parents[2]


class Daemon:
    """Everything of one daemon lies in `path`: the binary, config/ (a copy of the project's, to be changed freely)
    and the credentials. It may be started, ended in any way, and started again.

    `settings` are the configuration as a dictionary, written to fristd.yaml at each start and reload; keyword
    arguments change it: stack.daemon(FRISTD, casedb={"poll_interval": "1 hour"}, language="en")."""

    def __init__(self, stack, binary, name="fristd", **settings):
        self.stack, self.account, self.name = stack, stack.account, name
        self.path = self.account.directory(stack.path / name)
        self.binary = self.path / "fristd"
        shutil.copyfile(binary, self.binary)  # where the unprivileged user can read it
        self.binary.chmod(0o755)
        self.config = self.path / "config"
        shutil.copytree(SOURCE / "config", self.config, ignore=shutil.ignore_patterns("rules"))
        shutil.copytree(stack.rules, self.config / "rules")
        for path in [self.config, *self.config.rglob("*")]:
            self.account.own(path)
        self.settings = self._settings()
        self.change(**settings)
        self.process = Process(name, self.account, stack.logs / f"{name}.log")
        self._notify = self._listener = None
        self.states = []  # what it has told systemd: "READY=1", "STATUS=…", in order
        stack.on_close(self.kill)

    # --- configuration

    def _settings(self):
        stack, authority = self.stack, str(self.stack.certificates.ca)
        database = {"host": "localhost", "port": stack.postgres.port, "sslrootcert": authority}
        return {
            "site": "proeve",
            "rules": "config/rules",
            "templates": "config/templates",
            "link": f"https://sager.{DOMAIN}/sag/{{case}}",
            "operators": f"drift@{DOMAIN}",
            "data_quality": f"datakvalitet@{DOMAIN}",
            "casedb": database | {"database": CASES, "user": READER, "password_credential": "fristd.casedb",
                                  "notify_channel": "fristd", "poll_interval": "2 seconds"},
            "journal": database | {"database": JOURNAL, "user": JOURNAL, "password_credential": "fristd.journal"},
            "mail": {"host": "localhost", "port": stack.mail.port, "ca_file": authority, "user": USER,
                     "password_credential": "fristd.mail", "from": f"frister@{DOMAIN}", "hello": f"fristd.{DOMAIN}",
                     "messages_per_minute": 0, "retry": {"first": "1 second", "max": "2 seconds"}},
            "mqtt": {"host": "localhost", "port": stack.broker.port, "ca_file": authority, "user": "fristd",
                     "password_credential": "fristd.mqtt"},
            # Each notice at once and as a mail of its own: what most tests want to see.
            "notices": {"group_wait": "0 seconds", "hours": "always", "mails_per_day": 0, "urgent_per_hour": 0},
            "log": {"level": "debug"},
        }

    def change(self, **settings):
        """Changes settings; a section keeps what is not named, None takes a key away."""
        for name, value in settings.items():
            if isinstance(value, dict):
                section = self.settings.setdefault(name, {})
                section.update(value)
                self.settings[name] = {key: kept for key, kept in section.items() if kept is not None}
            elif value is None:
                self.settings.pop(name, None)
            else:
                self.settings[name] = value

    def write_settings(self):
        """As JSON, which YAML reads."""
        text = json.dumps(self.settings, indent=2, ensure_ascii=False) + "\n"
        return self.account.write(self.path / "fristd.yaml", text)

    # --- life

    def start(self, ready=True, environment=None, prefix=()):
        """Starts it and waits for READY=1. `prefix`: a program that starts it, such as faketime."""
        self.write_settings()
        self._open_notify_socket()
        self.process.start([*prefix, self.binary, "run", "--config", self.path / "fristd.yaml"],
                           environment=self.environment() | (environment or {}))
        if ready:
            self.wait_ready()

    def environment(self):
        kept = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        return kept | {"NOTIFY_SOCKET": str(self.path / "notify"), "CREDENTIALS_DIRECTORY": str(self._credentials())}

    def command(self, *argv, **options):
        """Runs another sub-command with the same configuration: daemon.command("status")."""
        return subprocess.run(self.account.command([self.binary, argv[0], "--config", self.path / "fristd.yaml",
                                                    *argv[1:]], signal.SIGKILL),
                              capture_output=True, text=True, check=False, cwd="/", env=self.environment(), **options)

    def wait_ready(self, timeout=PATIENCE_S):
        self.wait_state("READY=1", timeout)

    def wait_state(self, state, timeout=PATIENCE_S, count=1):
        """Until it has told systemd this (a regular expression) `count` times since its start."""
        wait_until(lambda: sum(bool(re.fullmatch(state, line)) for line in list(self.states)) >= count,
                   f"{self.name} says {state}", timeout, self.process)

    def reload(self):
        """SIGHUP, and waits until it says that it is ready again, with the new configuration or the old one."""
        ready, reloading = self.states.count("READY=1"), self.states.count("RELOADING=1")
        self.write_settings()
        self.process.send(signal.SIGHUP)
        self.wait_state("RELOADING=1", count=reloading + 1)
        self.wait_state("READY=1", count=ready + 1)

    def stop(self, timeout=PATIENCE_S):
        """As systemd does; returns the exit status."""
        return self.process.stop(signal.SIGTERM, timeout)

    def kill(self):
        self.process.kill()
        self._close_notify_socket()

    def log(self):
        return self.process.log()

    def wait_log(self, pattern, timeout=PATIENCE_S, count=1):
        """The last of `count` matches of the pattern in the log, waited for."""
        def found():
            matches = list(re.finditer(pattern, self.log(), re.MULTILINE))
            return matches[count - 1] if len(matches) >= count else None
        return wait_until(found, f"log has /{pattern}/", timeout, self.process)

    # --- as systemd

    def _open_notify_socket(self):
        """Read all the time, as systemd does: few messages fit, and then the sender would wait."""
        self._close_notify_socket()
        self.states = []
        path = self.path / "notify"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(path))
        path.chmod(0o700)
        self.account.own(path)
        self._listener = threading.Thread(target=self._listen, args=(self._notify,), daemon=True)
        self._listener.start()

    def _listen(self, notify):
        while message := notify.recv(4096):
            self.states += message.decode(errors="replace").splitlines()

    def _close_notify_socket(self):
        if self._notify:
            self._notify.shutdown(socket.SHUT_RD)  # wakes the listener with nothing
            self._listener.join()
            self._notify.close()
            self._notify = None
            (self.path / "notify").unlink()

    def _credentials(self):
        path = self.path / "credentials"
        if not path.exists():
            self.account.directory(path)
        postgres = self.stack.postgres.passwords
        secrets = {"casedb": postgres[READER], "journal": postgres[JOURNAL],
                   "mail": self.stack.mail.password, "mqtt": self.stack.broker.passwords["fristd"]}
        for name, secret in secrets.items():
            self.account.write(path / f"fristd.{name}", secret, 0o400)
        return path
