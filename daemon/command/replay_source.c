// SPDX-License-Identifier: MPL-2.0
#include "command/replay_source.h"

#include "shell/case_json.h"
#include "shell/lines.h"
#include "shell/people_json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

// --- from files ---

static bool is_blank(const struct buffer *text)
{
    return text->data == NULL || strspn(text->data, " \t\r") == text->length;
}

// Takes each line that is not blank; 0, or -1 and err when the line is bad.
typedef int take_line(void *taker, const struct buffer *text, struct error *err);

static int read_lines(const struct replay_source *source, const char *path, take_line *take, void *taker,
                      struct error *err)
{
    struct lines lines = {0};
    bool standard_input = strcmp(path, "-") == 0;
    lines.fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (lines.fd < 0)
        return error_set(err, "cannot open %s: %s", path, strerror(errno));
    int more;
    while ((more = lines_next(&lines)) > 0) {
        struct error why;
        int taken = 0;
        if (lines.too_long)
            taken = error_set(&why, "is longer than 16 MiB");
        else if (!is_blank(&lines.text))
            taken = take(taker, &lines.text, &why);
        if (taken < 0)
            source->on_bad(source->data, &(struct replay_bad){.file = path,
                                                              .line = lines.number,
                                                              .fault = fault_name(FAULT_BAD_ROW),
                                                              .reason = why.text});
    }
    if (more < 0)
        error_set(err, "cannot read %s: %s", path, strerror(errno));
    lines_done(&lines);
    if (!standard_input)
        close(lines.fd);
    return more;
}

static int take_person(void *taker, const struct buffer *text, struct error *err)
{
    return people_json_read(taker, text->data, text->length, err);
}

struct case_taker {
    const struct replay_source *source;
    struct case_json *reader;
};

static int take_case(void *data, const struct buffer *text, struct error *err)
{
    struct case_taker *taker = data;
    const struct casefile *casefile;
    if (case_json_read(taker->reader, text->data, text->length, &casefile, err) < 0)
        return -1;
    taker->source->on_case(taker->source->data, casefile);
    return 0;
}

static int read_files(const struct replay_source *source, struct error *err)
{
    struct people people = {0};
    struct case_taker taker = {source, case_json_new(source->zone)};
    int result = read_lines(source, source->people, take_person, &people, err);
    if (result == 0) {
        source->on_people(source->data, &people);
        result = read_lines(source, source->cases, take_case, &taker, err);
    }
    case_json_free(taker.reader);
    people_done(&people);
    return result;
}

// --- from the case database ---

struct asking {
    const struct replay_source *source;
    struct casedb *casedb;
    struct casedb_read read;
    bool ended;
    int result;
    struct error *err;
};

static void on_closed(void *data)
{
    (void)data;
}

static void end(struct asking *asking, const struct error *err)
{
    if (asking->ended)
        return;
    asking->ended = true;
    if (err)
        asking->result = error_set(asking->err, "%s", err->text);
    casedb_close(asking->casedb, on_closed, asking);
}

static void on_people(struct casedb_read *read, const struct people *people)
{
    struct asking *asking = read->data;
    asking->source->on_people(asking->source->data, people);
}

static void say_bad(const struct asking *asking, const char *case_id, const struct fault *fault)
{
    asking->source->on_bad(asking->source->data, &(struct replay_bad){.case_id = case_id,
                                                                      .fault = fault_name(fault->code),
                                                                      .event_id = fault->event_id,
                                                                      .reason = fault->reason});
}

static void on_case(struct casedb_read *read, const struct casefile *casefile, const struct fault *faults,
                    size_t fault_count)
{
    struct asking *asking = read->data;
    for (size_t i = 0; i < fault_count; i++)
        say_bad(asking, casefile->id, &faults[i]);
    asking->source->on_case(asking->source->data, casefile);
}

static void on_gone(struct casedb_read *read, const char *case_id)
{
    (void)read; // nothing is asked for by its id
    (void)case_id;
}

static void on_fault(struct casedb_read *read, const char *case_id, const struct fault *fault)
{
    say_bad(read->data, case_id, fault);
}

static void on_done(struct casedb_read *read, enum postgres_status status, const char *cursor,
                    const struct error *err)
{
    (void)cursor;
    end(read->data, status == POSTGRES_OK ? NULL : err);
}

static void on_state(void *data, bool up, const struct error *err)
{
    struct asking *asking = data;
    struct error not_up;
    if (asking->ended)
        return;
    if (!up) {
        end(asking, err);
        return;
    }
    asking->read = (struct casedb_read){.data = asking,
                                        .what = CASEDB_ALL,
                                        .on_people = on_people,
                                        .on_case = on_case,
                                        .on_gone = on_gone,
                                        .on_fault = on_fault,
                                        .on_done = on_done};
    if (casedb_read(asking->casedb, &asking->read, &not_up) < 0)
        end(asking, &not_up);
}

static void on_wake(void *data)
{
    (void)data;
}

static int read_database(const struct replay_source *source, struct error *err)
{
    struct casedb_options options = *source->casedb;
    options.notify_channel = NULL; // nobody waits here
    struct asking asking = {.source = source, .err = err};
    uv_loop_t loop;
    uv_loop_init(&loop);
    asking.casedb = casedb_new(&loop, &options, source->zone, on_state, on_wake, &asking);
    casedb_start(asking.casedb);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return asking.result;
}

int replay_source_read(const struct replay_source *source, struct error *err)
{
    return source->casedb ? read_database(source, err) : read_files(source, err);
}
