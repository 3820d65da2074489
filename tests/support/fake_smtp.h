// SPDX-License-Identifier: MPL-2.0
// Runs tests/support/fake_smtp.py, whose description says what it can do.
#ifndef FRISTD_TESTS_FAKE_SMTP_H
#define FRISTD_TESTS_FAKE_SMTP_H

#include <jansson.h>

struct fake_smtp;

// Starts the program and makes certificates in a directory of its own. It ends with us, however we end.
struct fake_smtp *fake_smtp_start(const char *source_dir);
void fake_smtp_stop(struct fake_smtp *fake);

const char *fake_smtp_ca_file(const struct fake_smtp *fake);

// Another server; `behaviour` is JSON with ' for ". Returns its port.
int fake_smtp_listen(struct fake_smtp *fake, const char *behaviour);

// What the server on that port has seen; json_decref it.
json_t *fake_smtp_report(struct fake_smtp *fake, int port);
int fake_smtp_count(struct fake_smtp *fake, int port, const char *what); // of a number or list of the report

#endif
