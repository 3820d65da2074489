# SPDX-License-Identifier: MPL-2.0
"""Postfix's smtp-source and smtp-sink, unpacked from the package below build/bench and never installed: it would become
the machine's mail server."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "contrib"))

from stack.process import Account, Process, free_port, is_connectable, wait_until  # noqa: E402

POSTFIX = SOURCE / "build/bench/postfix"
PROGRAMS = ["usr/sbin/smtp-source", "usr/sbin/smtp-sink", "usr/lib/postfix/libpostfix-global.so",
            "usr/lib/postfix/libpostfix-util.so"]


def unpack_postfix():
    if all((POSTFIX / name).exists() for name in PROGRAMS):
        return
    POSTFIX.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as download:
        command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "postfix"]
        subprocess.run(command, cwd=download, check=True, stdout=subprocess.DEVNULL)
        package = next(Path(download).glob("postfix_*.deb"))
        subprocess.run(["dpkg-deb", "-x", package, POSTFIX], check=True)


class Sink:
    """smtp-sink, run by an account without rights from a directory that it may read."""

    def __init__(self, directory):
        directory.chmod(0o755)
        for name in PROGRAMS:
            shutil.copy(POSTFIX / name, directory)
        self.source = directory / "smtp-source"
        self.environment = {"LD_LIBRARY_PATH": str(directory)}
        self.port = free_port()
        self.process = Process("smtp-sink", Account(), directory / "sink.log")
        self.start()

    def start(self):
        """Also again, after self.process.stop()."""
        self.process.start([self.source.parent / "smtp-sink", f"127.0.0.1:{self.port}", "1000"], self.environment)
        wait_until(lambda: is_connectable(self.port), "smtp-sink", process=self.process)
