# SPDX-License-Identifier: MPL-2.0
"""Exim as a municipality's mail server: STARTTLS and a password required, PIPELINING, one Maildir a person.

It runs from the unpacked Debian package (contrib/dependencies puts it below build/stack), so that no mail server
gets installed on the machine. Its user Debian-exim, which the binary insists on, exists only for it: nss_wrapper
shows it a passwd file in which that is our own account."""

import email
import email.policy
import secrets
import shutil
from pathlib import Path

from .process import PATIENCE_S, NotReady, Process, free_port, is_connectable, wait_until

EXIM = Path(__file__).resolve().parents[2] / "build/stack/exim/usr/sbin/exim4"
DOMAIN = "kommunen.example"
USER = "fristd"


def local_part(address):
    return address.removesuffix("@" + DOMAIN)


class MailServer:
    def __init__(self, stack):
        self.stack = stack
        self.account = stack.account
        self.path = stack.path / "mail"
        self.port = None
        self.password = secrets.token_hex(12)
        self.refusal = "550 5.1.1 No such person here"  # in Exim's words
        self.process = Process("exim", stack.account, stack.logs / "exim.log")
        self.account.directory(self.path)
        self.boxes = self.account.directory(self.path / "boxes")
        self.people = self.account.directory(self.path / "people")  # a file a person; NAME.defer: not now
        self._parsed = {}  # path: Mail, since a Maildir file never changes

    # --- the server

    def start(self):
        """Starts it; again on the same port."""
        if self.port is None:
            self._prepare()
            self.stack.on_close(self.stop)
            self.port = free_port()
        for attempt in range(5):
            self.account.write(self.path / "exim.conf", CONFIGURATION.format(
                path=self.path, log=self.stack.logs, refusal=self.refusal, port=self.port, domain=DOMAIN, user=USER,
                password=self.password, certificate=self.stack.certificates.certificate,
                key=self.stack.certificates.key, account=self.account))
            self.process.start([self.path / "exim4", "-C", self.path / "exim.conf", "-bdf", "-q1m"],
                               environment=self._environment())
            try:
                wait_until(lambda: is_connectable(self.port), "exim ready", process=self.process)
                return
            except NotReady:
                self.process.stop()
                if attempt == 4 or "Address already in use" not in self.log():
                    raise
                self.port = free_port()

    def _prepare(self):
        if not EXIM.exists():
            raise NotReady(f"{EXIM} is not there: run contrib/dependencies first")
        self.account.directory(self.path / "spool")
        shutil.copyfile(EXIM, self.path / "exim4")  # not with its setuid bit
        (self.path / "exim4").chmod(0o755)
        self.account.write(self.path / "passwd",
                           f"Debian-exim:x:{self.account.uid}:{self.account.gid}::/nonexistent:/bin/false\n")
        self.account.write(self.path / "group", f"Debian-exim:x:{self.account.gid}:\n")

    def _environment(self):
        wrapper = sorted(Path("/usr/lib").glob("*/libnss_wrapper.so"))
        if not wrapper:
            raise NotReady("libnss_wrapper.so is not there: run contrib/dependencies first")
        return {"LD_PRELOAD": str(wrapper[0]), "NSS_WRAPPER_PASSWD": str(self.path / "passwd"),
                "NSS_WRAPPER_GROUP": str(self.path / "group")}

    def stop(self):
        self.process.stop()

    def kill(self):
        self.process.kill()

    def log(self):
        main = self.stack.logs / "exim-main.log"
        return (main.read_text(errors="replace") if main.exists() else "") + self.process.log()

    # --- its people

    def add(self, *names):
        """Gives these people (local parts, or whole addresses of the domain) a mailbox; returns the last address."""
        for name in names:
            (self.people / f"{local_part(name)}.defer").unlink(missing_ok=True)
            self.account.write(self.people / local_part(name), "")
        return f"{local_part(names[-1])}@{DOMAIN}"

    def defer(self, *names):
        """Their mail is answered 451 until add() is called again: greylisting, with the time in the test's hands."""
        for name in names:
            self.account.write(self.people / f"{local_part(name)}.defer", "")

    def refuse(self, *names):
        """Their mail is answered 550, as is that of anybody who was never added."""
        for name in names:
            (self.people / local_part(name)).unlink(missing_ok=True)
            (self.people / f"{local_part(name)}.defer").unlink(missing_ok=True)

    # --- what has arrived

    def mails(self, to=None):
        """All mails that have arrived, in the order of arrival; `to` an address or local part."""
        found = []
        for path in self.boxes.glob(f"{local_part(to) if to else '*'}/new/*"):
            if path not in self._parsed:
                self._parsed[path] = Mail(path)
            found.append(self._parsed[path])
        return sorted(found, key=lambda mail: (mail.arrived, mail.path.name))

    def wait(self, to=None, matching=lambda mail: True, what="a mail", count=1, timeout=PATIENCE_S):
        """The first `count` mails to `to` for which matching(mail) holds, waited for."""
        def enough():
            found = [mail for mail in self.mails(to) if matching(mail)]
            return found[:count] if len(found) >= count else None
        try:
            found = wait_until(enough, what, timeout)
        except NotReady as error:
            subjects = "; ".join(mail.subject for mail in self.mails(to)[-10:]) or "nothing"
            raise NotReady(f"{error}; arrived: {subjects}") from None
        return found if count > 1 else found[0]


class Mail:
    """One message as it lies in a Maildir."""

    def __init__(self, path):
        self.path = path
        self.raw = path.read_bytes()
        self.arrived = path.stat().st_mtime_ns
        self.message = email.message_from_bytes(self.raw, policy=email.policy.default)

    def __getitem__(self, header):
        return self.message[header]

    @property
    def to(self):
        return str(self.message["To"])

    @property
    def subject(self):
        return str(self.message["Subject"])

    @property
    def id(self):
        return str(self.message["Message-ID"])

    def part(self, subtype):
        """The decoded text of the first part text/{subtype}, or None."""
        for part in self.message.walk():
            if part.get_content_type() == f"text/{subtype}":
                return part.get_content()
        return None

    @property
    def text(self):
        return self.part("plain")

    @property
    def words(self):
        """The plain text on one line, for those who look for a sentence: its lines are broken."""
        return " ".join(self.text.split())

    @property
    def html(self):
        return self.part("html")


CONFIGURATION = """\
# Written anew at each start of the stack; see contrib/stack/mailserver.py.
primary_hostname = mail.{domain}
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
exim_path = {path}/exim4
spool_directory = {path}/spool
log_file_path = {log}/exim-%s.log
pid_file_path = {path}/exim.pid
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
add_environment = PATH=/usr/bin:/bin
deliver_drop_privilege
host_lookup =
rfc1413_hosts =
helo_allow_chars = _
smtp_accept_max = 50
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
message_size_limit = 10M
log_selector = +smtp_confirmation +received_recipients -retry_defer
retry_data_expire = 1h

tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2
auth_advertise_hosts = ${{if eq {{$tls_in_cipher}}{{}} {{}}{{*}}}}
pipelining_advertise_hosts = *

acl_smtp_mail = check_mail
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept

begin acl

check_mail:
  require message = 530 5.7.0 Must issue a STARTTLS command first
          encrypted = *
  require message = 530 5.7.0 Authentication required
          authenticated = *
  accept

check_rcpt:
  # A file a person, looked for anew each time: a lookup's answer would last as long as the connection.
  defer   domains = {domain}
          condition = ${{if exists{{{path}/people/$local_part.defer}}}}
          message = 451 4.7.1 Greylisted, try again later
  accept  domains = {domain}
          condition = ${{if exists{{{path}/people/$local_part}}}}
  deny    message = {refusal}

begin routers

people:
  driver = accept
  domains = {domain}
  local_parts = dsearch;{path}/people
  transport = maildir

begin transports

maildir:
  driver = appendfile
  directory = {path}/boxes/$local_part_data
  maildir_format
  create_directory
  delivery_date_add
  envelope_to_add
  return_path_add
  mode = 0600
  user = {account.uid}
  group = {account.gid}

begin retry

* * F,1h,1s

begin authenticators

plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2

login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{user}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
"""
