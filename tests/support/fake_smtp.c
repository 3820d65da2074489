// SPDX-License-Identifier: MPL-2.0
#include "support/fake_smtp.h"

#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct fake_smtp {
    char dir[64], ca_file[96];
    pid_t pid;
    FILE *commands, *answers;
};

static void die(const char *what)
{
    fprintf(stderr, "fake_smtp: %s: %s\n", what, strerror(errno));
    exit(99);
}

// Input and output -1: ours.
static pid_t run(int input, int output, const char *const *argv)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        die("fork");
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); // nothing outlives a test that crashes
    if (getppid() != parent || (input >= 0 && dup2(input, STDIN_FILENO) < 0) ||
        (output >= 0 && dup2(output, STDOUT_FILENO) < 0))
        _exit(99);
    char *const environment[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C.UTF-8", NULL};
    execve(argv[0], (char *const *)argv, environment);
    die(argv[0]);
    return -1;
}

static void run_to_end(const char *const *argv)
{
    int status;
    if (waitpid(run(-1, -1, argv), &status, 0) < 0 || status != 0) {
        errno = 0;
        die(argv[0]);
    }
}

struct fake_smtp *fake_smtp_start(const char *source_dir)
{
    struct fake_smtp *fake = memory_alloc(sizeof *fake);
    char maker[512], program[512];
    int to[2], from[2];
    snprintf(fake->dir, sizeof fake->dir, "/tmp/fristd-smtp-XXXXXX");
    if (mkdtemp(fake->dir) == NULL || pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
        die("start");
    snprintf(fake->ca_file, sizeof fake->ca_file, "%s/ca.pem", fake->dir);
    snprintf(maker, sizeof maker, "%s/tests/support/make_certs.sh", source_dir);
    snprintf(program, sizeof program, "%s/tests/support/fake_smtp.py", source_dir);
    run_to_end((const char *[]){maker, fake->dir, NULL});
    fake->pid =
        run(to[0], from[1],
            (const char *[]){"/usr/bin/python3", "-W", "ignore", program, "--certificates", fake->dir, NULL});
    close(to[0]);
    close(from[1]);
    fake->commands = fdopen(to[1], "w");
    fake->answers = fdopen(from[0], "r");
    if (fake->commands == NULL || fake->answers == NULL)
        die("pipes");
    return fake;
}

void fake_smtp_stop(struct fake_smtp *fake)
{
    int status;
    fclose(fake->commands);
    fclose(fake->answers);
    kill(fake->pid, SIGKILL);
    waitpid(fake->pid, &status, 0);
    run_to_end((const char *[]){"/bin/rm", "-r", fake->dir, NULL});
    free(fake);
}

const char *fake_smtp_ca_file(const struct fake_smtp *fake)
{
    return fake->ca_file;
}

static json_t *ask(struct fake_smtp *fake, const char *command)
{
    json_error_t error;
    fprintf(fake->commands, "%s\n", command);
    if (fflush(fake->commands) != 0)
        die("it is gone");
    json_t *answer = json_loadf(fake->answers, JSON_DISABLE_EOF_CHECK, &error);
    if (answer == NULL) {
        fprintf(stderr, "fake_smtp: %s to %s\n", error.text, command);
        exit(99);
    }
    return answer;
}

int fake_smtp_listen(struct fake_smtp *fake, const char *behaviour)
{
    struct buffer command = {0};
    buffer_format(&command, "{'listen': {%s}}", behaviour);
    for (size_t i = 0; i < command.length; i++)
        if (command.data[i] == '\'')
            command.data[i] = '"';
    json_t *answer = ask(fake, command.data);
    int port = (int)json_integer_value(json_object_get(answer, "port"));
    json_decref(answer);
    buffer_done(&command);
    return port;
}

json_t *fake_smtp_report(struct fake_smtp *fake, int port)
{
    char command[64];
    snprintf(command, sizeof command, "{\"report\": %d}", port);
    return ask(fake, command);
}

int fake_smtp_count(struct fake_smtp *fake, int port, const char *what)
{
    json_t *report = fake_smtp_report(fake, port), *value = json_object_get(report, what);
    int count = json_is_array(value) ? (int)json_array_size(value) : (int)json_integer_value(value);
    json_decref(report);
    return count;
}
