# SPDX-License-Identifier: MPL-2.0
"""The way to a broker, as options of a command and as a paho client (Debian: python3-paho-mqtt, 1.6)."""

import ssl
from pathlib import Path

from paho.mqtt import client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

VERSIONS = {"5": mqtt.MQTTv5, "3.1.1": mqtt.MQTTv311}
SESSION_KEPT_S = 7 * 24 * 3600  # by the broker while we are away: as long as events live
UNDER_WAY = 1  # messages sent to us and not acknowledged. mosquitto 2.0.11 keeps to this bound only when it is 1; with another
               # one a flood comes at once, the answer to our ping behind it, and after the time-out all of it again


def add_options(parser):
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=8883)
    parser.add_argument("--ca", metavar="FILE", help="certificate of the authority; default: the system's")
    parser.add_argument("--no-tls", action="store_true", help="for a test broker on this machine")
    parser.add_argument("--user")
    parser.add_argument("--password-file", metavar="FILE")
    parser.add_argument("--version", choices=VERSIONS, default="5", help="of MQTT")
    parser.add_argument("--site", required=True, help="the level after fristd/v1/")


def client(options, client_id, lasting=False):
    """A client that is not yet connected. lasting: the broker keeps what comes while it is away."""
    version = VERSIONS[options.version]
    keeps = {} if version == mqtt.MQTTv5 else {"clean_session": not lasting}
    made = mqtt.Client(client_id, protocol=version, **keeps)
    made.max_inflight_messages_set(20)
    if options.user:
        password = Path(options.password_file).read_text(encoding="utf-8").strip() if options.password_file else None
        made.username_pw_set(options.user, password)
    if not options.no_tls:
        made.tls_set_context(ssl.create_default_context(cafile=options.ca))
    return made


def connect(made, options, lasting=False, keepalive=30):
    """Raises OSError when there is nobody; whether the broker took us is told to on_connect."""
    if VERSIONS[options.version] != mqtt.MQTTv5:  # knows no bound: the answer to a ping may stand behind a flood for minutes
        made.connect(options.host, options.port, 10 * keepalive)
        return
    properties = Properties(PacketTypes.CONNECT)
    properties.ReceiveMaximum = UNDER_WAY
    properties.SessionExpiryInterval = SESSION_KEPT_S if lasting else 0
    made.connect(options.host, options.port, keepalive, clean_start=not lasting, properties=properties)


def publish_properties(**named):
    """MQTT 5 properties of a message: publish_properties(ContentType="…")."""
    properties = Properties(PacketTypes.PUBLISH)
    for name, value in named.items():
        setattr(properties, name, value)
    return properties
