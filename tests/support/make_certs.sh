#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Makes a throw-away authority and two certificates in DIRECTORY: ca.pem; server.pem and server.key for localhost,
# 127.0.0.1 and ::1; wrong_name.pem and wrong_name.key for a name that nobody asks for.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: make_certs.sh DIRECTORY" >&2
    exit 2
fi
umask 077
mkdir -p "$1"
cd "$1"

# new_key NAME SUBJECT OPTION...
new_key() {
    key_name=$1 subject=$2
    shift 2
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
        -subj "/CN=$subject" -keyout "$key_name.key" -out "$key_name.pem" "$@" 2>openssl.log ||
        { cat openssl.log >&2; exit 1; }
}

# certificate NAME SUBJECT ALTERNATIVE_NAMES
certificate() {
    new_key "$1" "$2" -CA ca.pem -CAkey ca.key -addext "subjectAltName=$3" \
        -addext "basicConstraints=critical,CA:FALSE"
}

new_key ca "throw-away authority" -addext "keyUsage=critical,keyCertSign,cRLSign"
certificate server localhost "DNS:localhost,IP:127.0.0.1,IP:::1"
certificate wrong_name elsewhere.example "DNS:elsewhere.example"
rm -f ca.key openssl.log
