// SPDX-License-Identifier: MPL-2.0
// A throw-away PostgreSQL for component tests: its own cluster in a temporary directory, run by an
// unprivileged account, trusted on its unix socket, with password and TLS on a free port of 127.0.0.1.
#ifndef FRISTD_TESTS_POSTGRES_SERVER_H
#define FRISTD_TESTS_POSTGRES_SERVER_H

#include <sys/types.h>

#define POSTGRES_SERVER_ADMIN "postgres" // the superuser

struct postgres_server {
    char dir[64];         // also the directory of the unix socket
    char certificate[96]; // self-signed, for localhost; so also what to trust
    int port;
    pid_t pid;
};

// Each of these ends the program with a message when it cannot be done.
void postgres_server_start(struct postgres_server *server);
void postgres_server_stop(struct postgres_server *server);  // and removes everything
void postgres_server_crash(struct postgres_server *server); // ends it as if killed; the data stay
void postgres_server_restart(struct postgres_server *server);

// What psql prints, without its last line end, unaligned and without headings. Lives until the next call.
const char *postgres_server_sql(const struct postgres_server *server, const char *database, const char *sql);
void postgres_server_sql_file(const struct postgres_server *server, const char *database, const char *path);

#endif
