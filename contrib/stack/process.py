# SPDX-License-Identifier: MPL-2.0
"""Processes as an unprivileged user, waited for and ended by id; waiting for a condition without sleeping."""

import grp
import os
import pwd
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

POLL_S = 0.02    # between two looks at a condition that nothing announces
PATIENCE_S = 60  # far more than anything takes, also on a machine that has much else to do, so that a hang becomes a failure


class NotReady(Exception):
    """What was waited for did not come; the text says what, and what was seen instead."""


def wait_until(condition, what, timeout=PATIENCE_S, process=None):
    """Returns the first true value of condition(); raises NotReady after `timeout` seconds, or at once when
    `process` ends first."""
    end = time.monotonic() + timeout
    watched = [process.pidfd] if process and process.is_running() else []
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise NotReady(f"{what}: not within {timeout} s")
        ended, _, _ = select.select(watched, [], [], POLL_S)
        if ended:
            value = condition()
            if value:
                return value
            tail = "\n".join(process.log().splitlines()[-8:])
            raise NotReady(f"{what}: {process.name} has ended with {process.status()}\n{tail}")


def free_port():
    """A port that nobody uses now. Somebody may take it before our server does; then its start tries again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_connectable(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Account:
    """Who the servers run as: the caller, or `nobody` when the caller is root."""

    def __init__(self):
        self.drops = os.geteuid() == 0
        entry = pwd.getpwnam("nobody") if self.drops else pwd.getpwuid(os.geteuid())
        self.name, self.uid, self.gid = entry.pw_name, entry.pw_uid, entry.pw_gid
        self.group = grp.getgrgid(self.gid).gr_name

    def command(self, argv, death_signal):
        """argv as this account, with the signal it gets should we die."""
        command = ["setpriv", "--pdeathsig", signal.Signals(death_signal).name[3:]]
        if self.drops:
            command += [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        return command + [str(part) for part in argv]

    def own(self, path):
        if self.drops:
            os.chown(path, self.uid, self.gid)

    def directory(self, path, mode=0o700):
        path.mkdir(mode=mode)
        self.own(path)
        return path

    def write(self, path, content, mode=0o600):
        """Whole or not at all, so that a server never reads half a file."""
        path = Path(path)
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        temporary.chmod(mode)
        self.own(temporary)
        temporary.rename(path)
        return path

    def run(self, argv):
        """Runs a program to its end; NotReady with its output when it fails."""
        done = subprocess.run(self.command(argv, signal.SIGKILL), capture_output=True, check=False, cwd="/")
        if done.returncode != 0:
            words = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise NotReady(f"{argv[0]} ended with {done.returncode}: {words}")


class Process:
    """One running program with its log file. Started in a session of its own, so that Ctrl-C in the terminal
    reaches only us and the order of stopping is ours."""

    def __init__(self, name, account, log_path):
        self.name, self.account, self.log_path = name, account, log_path
        self.popen = None
        self.pidfd = -1

    def start(self, argv, environment=None, death_signal=signal.SIGTERM, stdout=None):
        assert not self.is_running()
        clean = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
        with open(self.log_path, "ab") as log:
            self.account.own(self.log_path)
            self.popen = subprocess.Popen(self.account.command(argv, death_signal), stdin=subprocess.DEVNULL,
                                          stdout=stdout or log, stderr=log, cwd="/", start_new_session=True,
                                          env=clean | (environment or {}))
        self.pidfd = os.pidfd_open(self.popen.pid)

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen is not None and self.popen.returncode is None and not self._has_ended(0)

    def _has_ended(self, timeout):
        if self.popen.returncode is not None:
            return True
        return bool(select.select([self.pidfd], [], [], timeout)[0])

    def send(self, number):
        signal.pidfd_send_signal(self.pidfd, number)

    def status(self):
        """In words, for messages."""
        code = self.popen.returncode if self.popen.returncode is not None else self.wait()
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"

    def wait(self, timeout=PATIENCE_S):
        """Waits for the end, ends what the process left in its session, and returns the exit status (negative: a
        signal)."""
        if self.popen.returncode is None:
            if not self._has_ended(timeout):
                raise NotReady(f"{self.name}: still running after {timeout} s")
            try:  # not yet reaped, so the number still is its group's
                os.killpg(self.popen.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            self.popen.wait()
            os.close(self.pidfd)
        return self.popen.returncode

    def stop(self, number=signal.SIGTERM, timeout=PATIENCE_S):
        """Asks it to end and waits; kills it when it does not. Returns the exit status, None if it never ran."""
        if self.popen is None:
            return None
        if self.is_running():
            self.send(number)
            try:
                return self.wait(timeout)
            except NotReady:
                self.send(signal.SIGKILL)
        return self.wait()

    def kill(self):
        return self.stop(signal.SIGKILL)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
