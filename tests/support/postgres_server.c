// SPDX-License-Identifier: MPL-2.0
#include "support/postgres_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BINARIES   "/usr/lib/postgresql/15/bin/"
#define START_WAIT 60 // seconds

static void die(const char *what)
{
    fprintf(stderr, "postgres_server: %s: %s\n", what, strerror(errno));
    exit(99);
}

// PostgreSQL does not run as root.
static void become_unprivileged(void)
{
    if (geteuid() != 0)
        return;
    const struct passwd *nobody = getpwnam("nobody");
    if (nobody == NULL || setgroups(0, NULL) != 0 || setgid(nobody->pw_gid) != 0 ||
        setuid(nobody->pw_uid) != 0)
        die("becoming nobody");
}

// Output goes to `output`, or to the log when it is -1; input -1: none.
static pid_t run(const struct postgres_server *server, int input, int output, const char *const *argv)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid > 0)
        return pid;
    char log[96];
    snprintf(log, sizeof log, "%s/log", server->dir);
    become_unprivileged();
    prctl(PR_SET_PDEATHSIG, SIGQUIT); // the server does not outlive a test that crashes
    if (getppid() != parent)
        _exit(99);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (input < 0)
        input = open("/dev/null", O_RDONLY);
    if (fd < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(output >= 0 ? output : fd, STDOUT_FILENO) < 0 ||
        dup2(fd, STDERR_FILENO) < 0)
        die(log);
    // Nothing of the sanitizers or of the caller's libpq settings reaches it.
    char *const environment[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C.UTF-8", NULL};
    execve(argv[0], (char *const *)argv, environment);
    _exit(99);
}

static void print_log(const struct postgres_server *server)
{
    char log[96], line[1000];
    snprintf(log, sizeof log, "%s/log", server->dir);
    FILE *file = fopen(log, "r");
    if (file && fseek(file, -4000, SEEK_END) == 0)
        (void)!fgets(line, sizeof line, file); // begins in the middle
    while (file && fgets(line, sizeof line, file))
        fputs(line, stderr);
    if (file)
        fclose(file);
}

static void run_to_end(const struct postgres_server *server, const char *const *argv)
{
    int status;
    if (waitpid(run(server, -1, -1, argv), &status, 0) < 0 || status != 0) {
        print_log(server);
        errno = 0;
        die(argv[0]);
    }
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        die("looking for a free port");
    close(fd);
    return ntohs(address.sin_port);
}

static void write_file(const struct postgres_server *server, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/data/%s", server->dir, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        die(path);
}

static void make_cluster(struct postgres_server *server)
{
    char data[80], key[80];
    snprintf(data, sizeof data, "%s/data", server->dir);
    snprintf(key, sizeof key, "%s/key.pem", server->dir);
    snprintf(server->certificate, sizeof server->certificate, "%s/certificate.pem", server->dir);
    run_to_end(server,
               (const char *[]){BINARIES "initdb", "-D", data, "-U", POSTGRES_SERVER_ADMIN, "-A", "trust",
                                "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions", NULL});
    write_file(server, "pg_hba.conf", "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
    run_to_end(server, (const char *[]){"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                                        key, "-out", server->certificate, NULL});
    if (chmod(server->certificate, 0644) != 0)
        die(server->certificate);
}

static bool is_ready(const struct postgres_server *server)
{
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    int status;
    pid_t pid = run(server, -1, -1,
                    (const char *[]){BINARIES "pg_isready", "-q", "-U", POSTGRES_SERVER_ADMIN, "-h",
                                     server->dir, "-p", port, NULL});
    return waitpid(pid, &status, 0) == pid && status == 0;
}

void postgres_server_restart(struct postgres_server *server)
{
    char data[80], port[32], sockets[128], certificate[160], key[128];
    snprintf(data, sizeof data, "%s/data", server->dir);
    snprintf(port, sizeof port, "port=%d", server->port);
    snprintf(sockets, sizeof sockets, "unix_socket_directories=%s", server->dir);
    snprintf(certificate, sizeof certificate, "ssl_cert_file=%s", server->certificate);
    snprintf(key, sizeof key, "ssl_key_file=%s/key.pem", server->dir);
    server->pid = run(server, -1, -1,
                      (const char *[]){BINARIES "postgres",
                                       "-D",
                                       data,
                                       "-c",
                                       port,
                                       "-c",
                                       "listen_addresses=127.0.0.1",
                                       "-c",
                                       sockets,
                                       "-c",
                                       "ssl=on",
                                       "-c",
                                       certificate,
                                       "-c",
                                       key,
                                       "-c",
                                       "fsync=off",
                                       "-c",
                                       "full_page_writes=off",
                                       "-c",
                                       "max_connections=40",
                                       NULL});
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (time_t end = now.tv_sec + START_WAIT; now.tv_sec < end; clock_gettime(CLOCK_MONOTONIC, &now)) {
        if (is_ready(server))
            return;
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            break;
    }
    print_log(server);
    errno = 0;
    die("the server does not start");
}

void postgres_server_start(struct postgres_server *server)
{
    *server = (struct postgres_server){.dir = "/tmp/fristd-test-XXXXXX"};
    if (mkdtemp(server->dir) == NULL || chmod(server->dir, 0755) != 0)
        die(server->dir);
    const struct passwd *nobody = getpwnam("nobody");
    if (geteuid() == 0 && (nobody == NULL || chown(server->dir, nobody->pw_uid, nobody->pw_gid) != 0))
        die("giving the directory to nobody");
    make_cluster(server);
    server->port = free_port();
    postgres_server_restart(server);
}

void postgres_server_crash(struct postgres_server *server)
{
    if (kill(server->pid, SIGQUIT) != 0 || waitpid(server->pid, NULL, 0) != server->pid)
        die("ending the server");
    server->pid = 0;
}

void postgres_server_stop(struct postgres_server *server)
{
    if (server->pid)
        postgres_server_crash(server);
    run_to_end(server, (const char *[]){"/usr/bin/find", server->dir, "-mindepth", "1", "-delete", NULL});
    // Its directory above belongs to root.
    if (rmdir(server->dir) != 0)
        die(server->dir);
}

// Runs `sql`, or what `input` gives when it is NULL.
static const char *psql(const struct postgres_server *server, const char *database, const char *sql,
                        int input)
{
    static char output[65536];
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    int fds[2], status;
    if (pipe2(fds, O_CLOEXEC) != 0)
        die("pipe");
    pid_t pid = run(server, input, fds[1],
                    (const char *[]){BINARIES "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", server->dir,
                                     "-p", port, "-U", POSTGRES_SERVER_ADMIN, "-d", database,
                                     sql ? "-c" : "-f", sql ? sql : "-", NULL});
    close(fds[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(fds[0], output + length, sizeof output - 1 - length)) > 0)
        length += (size_t)got;
    close(fds[0]);
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        print_log(server);
        errno = 0;
        die(sql ? sql : "running a file of SQL");
    }
    while (length > 0 && output[length - 1] == '\n')
        length--;
    output[length] = '\0';
    return output;
}

const char *postgres_server_sql(const struct postgres_server *server, const char *database, const char *sql)
{
    return psql(server, database, sql, -1);
}

// The server's account may not be allowed to read it, so it is opened here.
void postgres_server_sql_file(const struct postgres_server *server, const char *database, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die(path);
    psql(server, database, NULL, fd);
    close(fd);
}
