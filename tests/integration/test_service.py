# SPDX-License-Identifier: MPL-2.0
"""The unit file and what `cmake --install` puts where, looked at by systemd's own tools (none of it is started)."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import FRISTD, SOURCE

SECURITY_THRESHOLD = 11  # tenths: systemd-analyze calls it 1.1


def run(*argv, **options):
    return subprocess.run([str(part) for part in argv], capture_output=True, text=True, check=False, **options)


class Service(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = Path(cls.folder.name)
        build = FRISTD.parents[1]
        done = run("cmake", "--install", build, "--prefix", "/usr", env=os.environ | {"DESTDIR": cls.folder.name})
        assert done.returncode == 0, done.stderr
        cls.unit = cls.root / "usr/lib/systemd/system/fristd.service"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def verify(self, *drop_ins):
        """Any word of systemd-analyze is a fault: it only warns about keys that it does not know."""
        with tempfile.TemporaryDirectory() as folder:
            unit = Path(folder) / "fristd.service"
            unit.write_text(self.unit.read_text().replace("/usr/bin/fristd", str(self.root / "usr/bin/fristd")))
            for path in drop_ins:
                (Path(folder) / "fristd.service.d").mkdir(exist_ok=True)
                (Path(folder) / "fristd.service.d" / path.name).write_text(path.read_text())
            done = run("systemd-analyze", "verify", unit)
            return done.returncode, done.stdout + done.stderr

    def test_unit_is_understood(self):
        self.assertEqual(self.verify(), (0, ""))

    def test_address_drop_in_is_understood(self):
        self.assertEqual(self.verify(SOURCE / "contrib/systemd/addresses.conf"), (0, ""))

    def test_verify_notices_a_wrong_key(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "wrong.conf"
            path.write_text("[Service]\nPrivateTmq=yes\n")
            self.assertIn("PrivateTmq", self.verify(path)[1])

    def test_security_is_rated_well(self):
        done = run("systemd-analyze", "security", "--offline=yes", f"--threshold={SECURITY_THRESHOLD}", self.unit)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_its_user_is_made(self):
        done = run("systemd-sysusers", "--dry-run", self.root / "usr/lib/sysusers.d/fristd.conf")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("fristd", done.stdout + done.stderr)

    def test_what_is_installed(self):
        for path in ("usr/bin/fristd", "usr/lib/systemd/system/fristd.service", "usr/lib/sysusers.d/fristd.conf",
                     "usr/share/fristd/fristd.yaml", "usr/share/fristd/rules", "usr/share/fristd/templates/da"):
            self.assertTrue((self.root / path).exists(), path)


if __name__ == "__main__":
    unittest.main()
