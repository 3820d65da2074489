# SPDX-License-Identifier: MPL-2.0
"""ejabberd as MQTT broker, beside mosquitto: another program, in another language, with the same users."""

import subprocess

from .broker import PROBE, PUBLISHER, Broker

# Registers the users when it is up; it asks for no command, no port and no node of its own for that.
REGISTER = ("{ok, Users} = file:consult(os:getenv(\"USERS\")),"
            "[ejabberd_auth:try_register(U, <<\"localhost\">>, P) || {U, P} <- Users],"
            "file:write_file(os:getenv(\"USERS\") ++ \".done\", <<>>).")


class Ejabberd(Broker):
    """Keeps retained messages on disk, sessions not. The acl is fixed: one user publishes, all read."""

    PROGRAM = "ejabberd"

    def version(self):
        found = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "ejabberd"], capture_output=True, text=True, check=False)
        return f"ejabberd version {found.stdout}"

    def _start(self):
        users = "".join(f'{{<<"{user}">>, <<"{password}">>}}.\n' for user, password in self.passwords.items())
        self.registered = self.path / "users.done"
        self.registered.unlink(missing_ok=True)
        self.process.start(
            ["erl", "-noinput", "-mnesia", "dir", f'"{self.path}/db"', "-s", "ejabberd", "-eval", REGISTER],
            environment={"EJABBERD_CONFIG_PATH": str(self._write_configuration()), "HOME": str(self.path),
                         "EJABBERD_LOG_PATH": str(self.path / "ejabberd.log"), "ERL_CRASH_DUMP": "/dev/null",
                         "ERL_LIBS": self._libraries(), "USERS": str(self.account.write(self.path / "users", users))})

    @staticmethod
    def _libraries():
        """The folder of Debian's Erlang libraries, which is named after the machine."""
        files = subprocess.run(["dpkg-query", "-L", "ejabberd"], capture_output=True, text=True, check=False).stdout
        return next((line.split("/ejabberd-")[0] for line in files.splitlines() if line.endswith("/ebin")), "")

    def _is_ready(self):
        return self.registered.exists() and super()._is_ready()

    def announce(self):
        pass

    def is_heard(self, stream):
        """What is retained comes in no order, but before anything that is published later."""
        if not stream.subscribed.is_set():
            self.publish(PROBE, "1")
        return stream.subscribed.is_set()

    def _write_configuration(self):
        tls = self.stack.certificates
        self.account.write(self.path / "server.pem", tls.key.read_text() + tls.certificate.read_text())
        return self.account.write(self.path / "ejabberd.yml", f"""\
hosts: [localhost]
loglevel: info
ca_file: {tls.ca}
certfiles: [{self.path}/server.pem]
auth_method: [mnesia]
listen:
  - {{port: {self.port}, ip: 127.0.0.1, module: mod_mqtt, tls: true}}
  - {{port: {self.plain_port}, ip: 127.0.0.1, module: mod_mqtt}}
acl:
  publisher: {{user: {PUBLISHER}}}
access_rules:
  publishers: {{allow: publisher}}
modules:
  mod_mqtt:
    # 1000 by default: a board that is longer would be shown in part.
    match_retained_limit: infinity
    max_queue: 100000
    # 8 by default; with the unit as the last level our topics have eight slashes below a prefix of the broker.
    max_topic_depth: 10
    access_publish: {{"#": publishers}}
""")
