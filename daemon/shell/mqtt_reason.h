// SPDX-License-Identifier: MPL-2.0
// The reason codes of MQTT in words, with what to do where something can be done.
#ifndef FRISTD_SHELL_MQTT_REASON_H
#define FRISTD_SHELL_MQTT_REASON_H

// version: 4 is MQTT 3.1.1, which has codes 1 to 5 in CONNACK; from 128 on the codes are those of MQTT 5.
const char *mqtt_reason(int version, int code);

#endif
