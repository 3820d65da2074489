// SPDX-License-Identifier: MPL-2.0
#include "support/mosquitto_server.h"

#include "support/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_WAIT_MS 20000
#define LOOK_MS       5 // between two looks whether it listens

static void die(const char *what)
{
    fprintf(stderr, "mosquitto_server: %s: %s\n", what, strerror(errno));
    exit(99);
}

static void become_unprivileged(void)
{
    if (geteuid() != 0)
        return;
    const struct passwd *nobody = getpwnam("nobody");
    if (nobody == NULL || setgroups(0, NULL) != 0 || setgid(nobody->pw_gid) != 0 ||
        setuid(nobody->pw_uid) != 0)
        die("becoming nobody");
}

// Output goes to `output`, or to the log when it is -1.
static pid_t run(const struct mosquitto_server *server, int output, const char *const *argv)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid > 0)
        return pid;
    become_unprivileged();
    prctl(PR_SET_PDEATHSIG, SIGKILL); // nothing outlives a test that crashes
    if (getppid() != parent)
        _exit(99);
    char log[96];
    snprintf(log, sizeof log, "%s/log", server->dir);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), input = open("/dev/null", O_RDONLY);
    if (fd < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(output >= 0 ? output : fd, STDOUT_FILENO) < 0 ||
        dup2(fd, STDERR_FILENO) < 0)
        die(log);
    char *const environment[] = {(char *)"PATH=/usr/sbin:/usr/bin:/bin", (char *)"LC_ALL=C.UTF-8", NULL};
    execve(argv[0], (char *const *)argv, environment);
    die(argv[0]);
    return -1;
}

static void print_log(const struct mosquitto_server *server)
{
    char log[96], line[1000];
    snprintf(log, sizeof log, "%s/log", server->dir);
    FILE *file = fopen(log, "r");
    while (file && fgets(line, sizeof line, file))
        fputs(line, stderr);
    if (file)
        fclose(file);
}

static void run_to_end(const struct mosquitto_server *server, const char *const *argv)
{
    int status;
    if (waitpid(run(server, -1, argv), &status, 0) < 0 || status != 0) {
        print_log(server);
        errno = 0;
        die(argv[0]);
    }
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        die("looking for a free port");
    close(fd);
    return ntohs(address.sin_port);
}

static bool listens(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return good;
}

static void make_certificate(const struct mosquitto_server *server, const char *name, const char *names)
{
    char key[128], certificate[128], authority_key[96], subject[64], alternative[128];
    snprintf(key, sizeof key, "%s/%s.key", server->dir, name);
    snprintf(certificate, sizeof certificate, "%s/%s.pem", server->dir, name);
    snprintf(authority_key, sizeof authority_key, "%s/ca.key", server->dir);
    snprintf(subject, sizeof subject, "/CN=%s", name);
    snprintf(alternative, sizeof alternative, "subjectAltName=%s", names);
    run_to_end(server, (const char *[]){"/usr/bin/openssl",
                                        "req",
                                        "-x509",
                                        "-newkey",
                                        "ec",
                                        "-pkeyopt",
                                        "ec_paramgen_curve:prime256v1",
                                        "-nodes",
                                        "-days",
                                        "2",
                                        "-subj",
                                        subject,
                                        "-keyout",
                                        key,
                                        "-out",
                                        certificate,
                                        "-CA",
                                        server->ca,
                                        "-CAkey",
                                        authority_key,
                                        "-addext",
                                        alternative,
                                        "-addext",
                                        "basicConstraints=critical,CA:FALSE",
                                        NULL});
}

static void make_certificates(struct mosquitto_server *server)
{
    char key[96];
    snprintf(key, sizeof key, "%s/ca.key", server->dir);
    snprintf(server->ca, sizeof server->ca, "%s/ca.pem", server->dir);
    run_to_end(server,
               (const char *[]){"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                                "/CN=throw-away authority", "-keyout", key, "-out", server->ca, NULL});
    make_certificate(server, "localhost", "DNS:localhost,IP:::1");
    make_certificate(server, "broker.example", "DNS:broker.example");
    if (chmod(server->ca, 0644) != 0)
        die(server->ca);
}

static void write_file(const struct mosquitto_server *server, const char *name, const struct buffer *text)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", server->dir, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(text->data, 1, text->length, file) != text->length || fclose(file) != 0 ||
        chmod(path, 0644) != 0)
        die(path);
}

static void add_listener(struct buffer *text, const struct mosquitto_server *server, int port,
                         const char *name)
{
    buffer_format(text, "listener %d 127.0.0.1\n", port);
    if (name)
        buffer_format(text, "certfile %s/%s.pem\nkeyfile %s/%s.key\n", server->dir, name, server->dir, name);
}

static void write_configuration(const struct mosquitto_server *server,
                                const struct mosquitto_server_options *options)
{
    struct buffer text = {0};
    buffer_format(&text,
                  "log_dest stderr\nlog_type error\nlog_type warning\nlog_type notice\n"
                  "persistence false\nmax_queued_messages 0\nallow_anonymous %s\n%s\n",
                  options->passwords ? "false" : "true", options->lines ? options->lines : "");
    if (options->passwords)
        buffer_format(&text, "password_file %s/passwords\n", server->dir);
    if (options->acl)
        buffer_format(&text, "acl_file %s/acl\n", server->dir);
    add_listener(&text, server, server->port, NULL);
    add_listener(&text, server, server->tls_port, "localhost");
    add_listener(&text, server, server->other_port, "broker.example");
    write_file(server, "mosquitto.conf", &text);
    buffer_done(&text);
}

static void write_acl(const struct mosquitto_server *server, const char *acl)
{
    struct buffer text = {0};
    buffer_add_string(&text, acl);
    write_file(server, "acl", &text);
    buffer_done(&text);
}

static bool has_ended(struct mosquitto_server *server)
{
    if (waitpid(server->pid, NULL, WNOHANG) != server->pid)
        return false;
    server->pid = 0;
    return true;
}

void mosquitto_server_restart(struct mosquitto_server *server)
{
    char path[96];
    snprintf(path, sizeof path, "%s/mosquitto.conf", server->dir);
    server->pid = run(server, -1, (const char *[]){"/usr/sbin/mosquitto", "-c", path, NULL});
    for (int waited = 0; waited < START_WAIT_MS; waited += LOOK_MS) {
        if (listens(server->port) && listens(server->tls_port) && listens(server->other_port))
            return;
        if (has_ended(server))
            break;
        poll(NULL, 0, LOOK_MS);
    }
    print_log(server);
    errno = 0;
    die("the broker does not start");
}

static void write_passwords(const struct mosquitto_server *server)
{
    char path[96];
    snprintf(path, sizeof path, "%s/passwords", server->dir);
    run_to_end(server, (const char *[]){"/usr/bin/mosquitto_passwd", "-c", "-b", path, MOSQUITTO_SERVER_USER,
                                        MOSQUITTO_SERVER_PASSWORD, NULL});
}

void mosquitto_server_start(struct mosquitto_server *server, const struct mosquitto_server_options *options)
{
    *server = (struct mosquitto_server){.dir = "/tmp/fristd-broker-XXXXXX"};
    if (mkdtemp(server->dir) == NULL || chmod(server->dir, 0755) != 0)
        die(server->dir);
    const struct passwd *nobody = getpwnam("nobody");
    if (geteuid() == 0 && (nobody == NULL || chown(server->dir, nobody->pw_uid, nobody->pw_gid) != 0))
        die("giving the directory to nobody");
    make_certificates(server);
    if (options->passwords)
        write_passwords(server);
    server->port = free_port();
    server->tls_port = free_port();
    server->other_port = free_port();
    write_configuration(server, options);
    if (options->acl)
        write_acl(server, options->acl);
    mosquitto_server_restart(server);
}

static void end_with(struct mosquitto_server *server, int number)
{
    if (kill(server->pid, number) != 0 || waitpid(server->pid, NULL, 0) != server->pid)
        die("ending the broker");
    server->pid = 0;
}

void mosquitto_server_crash(struct mosquitto_server *server)
{
    end_with(server, SIGKILL);
}

void mosquitto_server_end(struct mosquitto_server *server)
{
    end_with(server, SIGTERM);
}

void mosquitto_server_set_acl(const struct mosquitto_server *server, const char *acl)
{
    write_acl(server, acl);
    if (kill(server->pid, SIGHUP) != 0)
        die("having the broker read its file of rights");
}

void mosquitto_server_freeze(const struct mosquitto_server *server, bool freeze)
{
    if (kill(server->pid, freeze ? SIGSTOP : SIGCONT) != 0)
        die("freezing the broker");
}

void mosquitto_server_stop(struct mosquitto_server *server)
{
    if (server->pid)
        mosquitto_server_crash(server);
    run_to_end(server, (const char *[]){"/usr/bin/find", server->dir, "-mindepth", "1", "-delete", NULL});
    // Its directory above belongs to root.
    if (rmdir(server->dir) != 0)
        die(server->dir);
}

static void publish_with(const struct mosquitto_server *server, const char *topic, const char *option,
                         const char *value, bool retain)
{
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    const char *argv[24] = {"/usr/bin/mosquitto_pub",
                            "-h",
                            "127.0.0.1",
                            "-p",
                            port,
                            "-q",
                            "1",
                            "-u",
                            MOSQUITTO_SERVER_USER,
                            "-P",
                            MOSQUITTO_SERVER_PASSWORD,
                            "-t",
                            topic};
    size_t count = 13;
    if (retain)
        argv[count++] = "-r";
    argv[count++] = option;
    if (value)
        argv[count++] = value;
    run_to_end(server, argv);
}

void mosquitto_server_publish(const struct mosquitto_server *server, const char *topic, const char *payload,
                              bool retain)
{
    publish_with(server, topic, payload ? "-m" : "-n", payload, retain);
}

void mosquitto_server_publish_many(const struct mosquitto_server *server, const char *topic, int count)
{
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new(NULL, true, NULL);
    mosquitto_username_pw_set(client, MOSQUITTO_SERVER_USER, MOSQUITTO_SERVER_PASSWORD);
    if (mosquitto_connect(client, "127.0.0.1", server->port, 60) != 0)
        die(topic);
    for (int i = 0; i < count; i++) {
        char numbered[300];
        snprintf(numbered, sizeof numbered, "%s/%d", topic, i);
        if (mosquitto_publish(client, NULL, numbered, 1, "x", 0, true) != 0)
            die(numbered);
    }
    while (mosquitto_want_write(client))
        mosquitto_loop(client, 100, 1);
    mosquitto_disconnect(client);
    mosquitto_destroy(client);
}

void mosquitto_server_publish_bytes(const struct mosquitto_server *server, const char *topic,
                                    const void *bytes, size_t length)
{
    char path[128];
    snprintf(path, sizeof path, "%s/payload", server->dir);
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0 ||
        chmod(path, 0644) != 0)
        die(path);
    publish_with(server, topic, "-f", path, false);
}

// --- subscriber ---

#define PROBE "$SYS/broker/version" // retained and asked for last, so when it comes the rest is subscribed

static void take_line(struct mosquitto_subscriber *subscriber, char *line)
{
    char *topic = strsep(&line, "\t"), *retained = strsep(&line, "\t"), *content_type = strsep(&line, "\t");
    if (line == NULL) {
        errno = 0;
        die("a line of mosquitto_sub that cannot be read");
    }
    if (strcmp(topic, PROBE) == 0)
        subscriber->subscribed = true;
    else
        subscriber->on_message(subscriber->data, topic, retained[0] == '1', content_type, line);
}

static void take_lines(struct mosquitto_subscriber *subscriber)
{
    char *start = subscriber->bytes.data, *end = start + subscriber->bytes.length, *stop;
    while (start < end && (stop = memchr(start, '\n', (size_t)(end - start))) != NULL) {
        *stop = '\0';
        take_line(subscriber, start);
        start = stop + 1;
    }
    size_t rest = (size_t)(end - start);
    memmove(subscriber->bytes.data, start, rest);
    subscriber->bytes.length = rest;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    (void)handle;
    *ret_buffer = uv_buf_init(memory_alloc(suggested), (unsigned)suggested);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct mosquitto_subscriber *subscriber = stream->data;
    if (got > 0) {
        buffer_add(&subscriber->bytes, buffer->base, (size_t)got);
        take_lines(subscriber);
    }
    free(buffer->base);
}

static bool is_subscribed(void *data)
{
    return ((struct mosquitto_subscriber *)data)->subscribed;
}

static bool is_closed(void *data)
{
    return ((struct mosquitto_subscriber *)data)->closed;
}

static void on_pipe_closed(uv_handle_t *handle)
{
    struct mosquitto_subscriber *subscriber = handle->data;
    subscriber->closed = true;
}

void mosquitto_subscriber_start(struct mosquitto_subscriber *subscriber, uv_loop_t *loop,
                                const struct mosquitto_server *server, const char *filter)
{
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        die("pipe");
    const char *argv[] = {"/usr/bin/mosquitto_sub",
                          "-V",
                          "mqttv5",
                          "-h",
                          "127.0.0.1",
                          "-p",
                          port,
                          "-u",
                          MOSQUITTO_SERVER_USER,
                          "-P",
                          MOSQUITTO_SERVER_PASSWORD,
                          "-q",
                          "1",
                          "-t",
                          filter,
                          "-t",
                          PROBE,
                          "--retain-as-published",
                          "-F",
                          "%t\t%r\t%C\t%p",
                          NULL};
    subscriber->pid = run(server, fds[1], argv);
    close(fds[1]);
    subscriber->subscribed = subscriber->closed = false;
    subscriber->bytes = (struct buffer){0};
    uv_pipe_init(loop, &subscriber->pipe, 0);
    uv_pipe_open(&subscriber->pipe, fds[0]);
    subscriber->pipe.data = subscriber;
    uv_read_start((uv_stream_t *)&subscriber->pipe, on_allocate, on_read);
    if (!loop_until_ms(loop, is_subscribed, subscriber, START_WAIT_MS)) {
        print_log(server);
        errno = 0;
        die("mosquitto_sub does not get its subscription");
    }
}

void mosquitto_subscriber_stop(struct mosquitto_subscriber *subscriber)
{
    uv_loop_t *loop = subscriber->pipe.loop;
    if (kill(subscriber->pid, SIGKILL) != 0 || waitpid(subscriber->pid, NULL, 0) != subscriber->pid)
        die("ending mosquitto_sub");
    uv_close((uv_handle_t *)&subscriber->pipe, on_pipe_closed);
    loop_until(loop, is_closed, subscriber);
    buffer_done(&subscriber->bytes);
}
