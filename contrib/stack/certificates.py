# SPDX-License-Identifier: MPL-2.0
"""An authority of our own and one certificate for every server of the stack (localhost, 127.0.0.1, ::1)."""

from dataclasses import dataclass
from pathlib import Path

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]


@dataclass
class Certificates:
    ca: Path
    certificate: Path
    key: Path


def make(account, path):
    account.directory(path)
    files = Certificates(path / "ca.pem", path / "server.pem", path / "server.key")
    ca_key = path / "ca.key"
    account.run(["openssl", "req", "-x509", *KEY, "-subj", "/CN=throw-away authority", "-keyout", ca_key,
                 "-out", files.ca, "-addext", "keyUsage=critical,keyCertSign,cRLSign"])
    account.run(["openssl", "req", "-x509", *KEY, "-CA", files.ca, "-CAkey", ca_key, "-subj", "/CN=localhost",
                 "-keyout", files.key, "-out", files.certificate,
                 "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1",
                 "-addext", "basicConstraints=critical,CA:FALSE"])
    ca_key.unlink()
    return files
