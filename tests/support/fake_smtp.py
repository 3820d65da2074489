#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""A mail server for tests that can go wrong in every way.

Reads commands from standard input, one JSON object a line, and answers each with one line; ends with its input.

  {"listen": {BEHAVIOUR}}   a server of that behaviour on a free port of 127.0.0.1; answers {"port": N}
  {"report": PORT}          what it has seen: connections, messages, faults met, commands out of turn
  {"release": PORT}         whoever is held goes on; answers as "report"
  {"faults": [PORT, …]}     these go wrong from now on, and nothing else; answers as "report"

BEHAVIOUR, all of it optional:

  tls          "none" (default), "starttls" or "implicit"
  certificate  "server" (default) or "wrong_name": files of make_certs.sh, in --certificates DIRECTORY
  tls_max      "1.1": offers nothing newer
  pipelining   true (default): offered, and what RFC 2920 forbids is noted as out of turn; false: so is any
               command that comes before its turn
  plain_pipelining  before STARTTLS; default as pipelining
  size         limit to state; none by default
  keywords     further keywords for EHLO
  auth         {"user": …, "password": …, "mechanisms": ["PLAIN", "LOGIN"]}: required before MAIL
  no_starttls  true: STARTTLS is not offered
  directory    each message becomes a file there, as it came but for the dots
  faults       what goes wrong, the first that fits is taken:
      at       "greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BODY", "DOT", "RSET", "QUIT"
      match    only where the line (BODY, DOT: the recipient) holds this
      after    not the first so many times
      times    only so many times
      and then, in this order:
      delay    waits so many seconds
      hold     true: waits until it is released
      drop     true: closes the connection; "reset": with a TCP reset
      silent   true: says nothing more, to nothing; at BODY: stops reading, too
      reply    says this instead (lines parted by \\r\\n; an end is added); 2xx is done as if said by itself;
               at BODY: hangs up after it, and does not have the message
      then_drop  true: closes the connection after this command
"""

import argparse
import asyncio
import base64
import hashlib
import json
import logging
import socket
import ssl
import struct
import sys
from pathlib import Path

LIMIT = 1 << 20  # longest line


class Gone(Exception):
    """The connection is over."""


class Server:
    def __init__(self, behaviour, certificates):
        self.behaviour = behaviour
        self.certificates = certificates
        self.set_faults(behaviour.get("faults", []))
        self.connections = self.open = self.most_open = self.quits = 0
        self.messages, self.out_of_turn = [], []
        self.released = asyncio.Event()

    def set_faults(self, faults):
        self.faults = [dict(fault, seen=0) for fault in faults]

    def tls_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        name = self.behaviour.get("certificate", "server")
        context.load_cert_chain(self.certificates / f"{name}.pem", self.certificates / f"{name}.key")
        if self.behaviour.get("tls_max") == "1.1":
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context

    def fault(self, at, line):
        for fault in self.faults:
            if fault["at"] != at or fault.get("match", "") not in line:
                continue
            fault["seen"] += 1
            late = fault["seen"] - fault.get("after", 0)
            if 0 < late <= fault.get("times", late):
                return fault
        return {}

    def report(self):
        return {"connections": self.connections, "most_open": self.most_open, "open": self.open,
                "quits": self.quits, "messages": self.messages, "out_of_turn": self.out_of_turn,
                "faults_met": sum(fault["seen"] for fault in self.faults)}

    async def start(self):
        implicit = self.behaviour.get("tls") == "implicit"
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, limit=LIMIT,
                                            ssl=self.tls_context() if implicit else None)
        return server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await Session(self, self.connections, reader, writer).run()
        except (Gone, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, ValueError):
            pass
        finally:
            self.open -= 1
            writer.close()


class Session:
    def __init__(self, server, number, reader, writer):
        self.server, self.number, self.reader, self.writer = server, number, reader, writer
        self.behaviour = server.behaviour
        self.secure = self.behaviour.get("tls") == "implicit"
        self.authenticated = "auth" not in self.behaviour
        self.sender = self.recipient = None
        self.refused = self.last_words = False

    # ---- talking ----

    async def line(self):
        line = await self.reader.readuntil(b"\n")
        return line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")

    async def say(self, reply):
        self.writer.write(reply.encode() + b"\r\n")
        await self.writer.drain()

    def close(self, how):
        if how == "reset":
            self.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        raise Gone

    async def answer(self, at, line, reply):
        """Says `reply`, or what goes wrong instead. True when the command is to be carried out."""
        fault = self.server.fault(at, line)
        if "delay" in fault:
            await asyncio.sleep(fault["delay"])
        if fault.get("hold"):
            await self.server.released.wait()
        if fault.get("drop"):
            self.close(fault["drop"])
        if fault.get("silent"):
            await self.reader.read()
            raise Gone
        reply = fault.get("reply", reply)
        if reply:
            await self.say(reply)
        self.last_words = self.last_words or fault.get("then_drop", False)
        return reply[:1] in "23"

    def is_waiting(self):
        """The client has sent more than it might."""
        return len(self.reader._buffer) > 0  # pylint: disable=protected-access

    def check_turn(self, command):
        last = command in ("EHLO", "DATA", "QUIT", "AUTH", "STARTTLS", "HELO")
        if (last or not self.offers_pipelining()) and self.is_waiting():
            self.server.out_of_turn.append(f"bytes after {command}")

    # ---- commands ----

    async def run(self):
        await self.answer("greeting", "", "220 fake ESMTP")
        while not self.last_words:
            line = await self.line()
            command = line.split(" ")[0].split(":")[0].upper()
            self.check_turn(command)
            handler = getattr(self, "on_" + command.lower(), None)
            if handler:
                await handler(line)
            else:
                await self.say("500 5.5.1 what?")

    def offers_pipelining(self):
        offered = self.behaviour.get("pipelining", True)
        if self.behaviour.get("tls") == "starttls" and not self.secure:
            return self.behaviour.get("plain_pipelining", offered)
        return offered

    def keywords(self):
        yield "fake greets you"
        if self.offers_pipelining():
            yield "PIPELINING"
        if "size" in self.behaviour:
            yield f"SIZE {self.behaviour['size']}"
        if self.behaviour.get("tls") == "starttls" and not self.secure and not self.behaviour.get("no_starttls"):
            yield "STARTTLS"
        elif "auth" in self.behaviour:
            yield "AUTH " + " ".join(self.behaviour["auth"].get("mechanisms", ["PLAIN", "LOGIN"]))
        yield from self.behaviour.get("keywords", [])
        yield "ENHANCEDSTATUSCODES"

    async def on_ehlo(self, line):
        words = list(self.keywords())
        reply = "\r\n".join(f"250{'-' if i < len(words) - 1 else ' '}{word}" for i, word in enumerate(words))
        await self.answer("EHLO", line, reply)

    async def on_helo(self, line):
        await self.answer("EHLO", line, "250 fake")

    async def on_starttls(self, line):
        if await self.answer("STARTTLS", line, "220 2.0.0 go ahead"):
            await self.writer.start_tls(self.server.tls_context())
            self.secure = True

    async def on_auth(self, line):
        mechanism, *initial = line.split(" ")[1:]
        auth = self.behaviour.get("auth", {})
        if mechanism.upper() == "PLAIN":
            if not initial:
                await self.say("334 ")
            blob = base64.b64decode(initial[0] if initial else await self.line())
            _, user, password = blob.decode().split("\0")
        else:
            await self.say("334 VXNlcm5hbWU6")
            user = base64.b64decode(await self.line()).decode()
            await self.say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(await self.line()).decode()
        good = (user, password) == (auth.get("user"), auth.get("password"))
        said = await self.answer("AUTH", line, "235 2.7.0 welcome" if good else f"535 5.7.8 no, {user}")
        self.authenticated = good and said

    async def on_mail(self, line):
        if not self.authenticated:
            await self.say("530 5.7.0 authenticate first")
        elif self.sender is not None:
            self.server.out_of_turn.append("nested MAIL")
            await self.say("503 5.5.1 nested MAIL")
        elif await self.answer("MAIL", line, "250 2.1.0 ok"):
            self.sender, self.recipient, self.refused = line, None, False

    async def on_rcpt(self, line):
        if self.sender is None:
            await self.say("503 5.5.1 need MAIL first")
        elif await self.answer("RCPT", line, "250 2.1.5 ok"):
            self.recipient = line
        else:
            self.refused = True

    async def on_data(self, line):
        if self.sender is None or (self.recipient is None and not self.refused):
            await self.say("503 5.5.1 need RCPT first")
            return
        if not await self.answer("DATA", line, "554 5.5.1 no valid recipients" if self.refused else "354 go on"):
            return
        body = await self.body()
        if not self.offers_pipelining() and self.is_waiting():
            self.server.out_of_turn.append("bytes after the message")
        reply = "554 5.5.1 no valid recipients" if self.refused else "250 2.0.0 taken"
        taken = await self.answer("DOT", self.recipient or "", reply)
        if taken and not self.refused:
            self.keep(body)
        self.sender = None

    async def body(self):
        fault = self.server.fault("BODY", self.recipient or "")
        if fault.get("drop"):
            self.close(fault["drop"])
        if fault.get("silent"):
            await asyncio.sleep(3600)
        if "reply" in fault:
            await self.say(fault["reply"])
            raise Gone
        lines = []
        while (line := await self.reader.readuntil(b"\n")) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def keep(self, body):
        self.server.messages.append({
            "connection": self.number, "sender": self.sender, "recipient": self.recipient,
            "secure": self.secure, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()})
        if "directory" in self.behaviour:
            path = Path(self.behaviour["directory"]) / f"{len(self.server.messages):06}.eml"
            path.write_bytes(body)

    async def on_rset(self, line):
        self.sender = self.recipient = None
        await self.answer("RSET", line, "250 2.0.0 ok")

    async def on_quit(self, line):
        self.server.quits += 1
        await self.answer("QUIT", line, "221 2.0.0 bye")
        raise Gone


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificates", type=Path)
    arguments = parser.parse_args()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # lost connections are our trade
    servers = {}
    commands = asyncio.StreamReader(limit=LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        command = json.loads(line)
        if "listen" in command:
            server = Server(command["listen"], arguments.certificates)
            port = await server.start()
            servers[port] = server
            answer = {"port": port}
        else:
            (what, port), = command.items()
            if what == "release":
                servers[port].released.set()
            elif what == "faults":
                port, *faults = port
                servers[port].set_faults(faults)
            answer = servers[port].report()
        print(json.dumps(answer), flush=True)


asyncio.run(main())
