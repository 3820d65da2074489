// SPDX-License-Identifier: MPL-2.0
// Evaluates cases that it holds in memory, round after round, and prints as one line of JSON the processor
// seconds of each round: of the evaluation alone, with the steps noted, and with them put into words.
// tests/bench/evaluate runs it beside another library. usage: bench_evaluate RULES CASES NOW ROUNDS
#include "core/explain.h"
#include "shell/case_json.h"
#include "shell/lines.h"
#include "shell/rules_file.h"
#include "support/measure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bench {
    struct zone *zone;
    struct ruleset rules;
    struct evaluator *evaluator;
    instant now;
    struct case_json **readers; // one for each case, which lives as long as its reader
    const struct casefile **cases;
    size_t count, reader_capacity, case_capacity, deadlines;
    struct buffer words;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_evaluate: %s\n", what);
    exit(2);
}

static void read_cases(struct bench *bench, const char *file)
{
    struct lines lines = {.fd = open(file, O_RDONLY | O_CLOEXEC)};
    struct error err;
    if (lines.fd < 0)
        die(file);
    while (lines_next(&lines) > 0) {
        size_t count = bench->count++;
        MEMORY_GROW(bench->readers, count, bench->reader_capacity);
        MEMORY_GROW(bench->cases, count, bench->case_capacity);
        bench->readers[count] = case_json_new(bench->zone);
        if (case_json_read(bench->readers[count], lines.text.data, lines.text.length, &bench->cases[count],
                           &err) < 0)
            die(err.text);
    }
    close(lines.fd);
    lines_done(&lines);
}

static void put_into_words(struct bench *bench, const struct evaluation *evaluation)
{
    for (size_t i = 0; i < evaluation->deadline_count; i++) {
        const struct deadline *deadline = &evaluation->deadlines[i];
        buffer_clear(&bench->words);
        for (int s = 0; s < deadline->step_count; s++)
            explain_step(&deadline->steps[s], deadline->rule, bench->zone, LANGUAGE_DA, &bench->words);
    }
}

static double round_s(struct bench *bench, unsigned flags, bool words)
{
    double began = processor_s();
    bench->deadlines = 0;
    for (size_t i = 0; i < bench->count; i++) {
        const struct evaluation *evaluation = evaluate(bench->evaluator, bench->cases[i], bench->now, flags);
        bench->deadlines += evaluation->deadline_count;
        if (words)
            put_into_words(bench, evaluation);
    }
    return processor_s() - began;
}

static void measure(struct bench *bench, int rounds)
{
    static const struct {
        const char *name;
        unsigned flags;
        bool words;
    } modes[] = {{"dates", 0, false}, {"steps", EVALUATE_EXPLAIN, false}, {"words", EVALUATE_EXPLAIN, true}};
    round_s(bench, 0, false); // memory is fetched
    printf("{\"cases\": %zu, \"deadlines\": %zu", bench->count, bench->deadlines);
    for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
        printf(", \"%s\": [", modes[m].name);
        for (int i = 0; i < rounds; i++)
            printf("%s%.6f", i > 0 ? ", " : "", round_s(bench, modes[m].flags, modes[m].words));
        printf("]");
    }
    printf("}\n");
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    struct error err;
    if (argc != 5)
        die("usage: bench_evaluate RULES CASES NOW ROUNDS");
    if (zone_load("Europe/Copenhagen", &bench.zone, &err) < 0 ||
        rules_load(argv[1], bench.zone, NULL, NULL, &bench.rules, &err) < 0)
        die(err.text);
    if (zone_parse_instant(bench.zone, argv[3], strlen(argv[3]), &bench.now) < 0)
        die("NOW is no instant");
    bench.evaluator = evaluator_new(&bench.rules);
    read_cases(&bench, argv[2]);
    measure(&bench, atoi(argv[4]));
    for (size_t i = 0; i < bench.count; i++)
        case_json_free(bench.readers[i]);
    free(bench.readers);
    free(bench.cases);
    buffer_done(&bench.words);
    evaluator_free(bench.evaluator);
    rules_done(&bench.rules);
    zone_free(bench.zone);
    return 0;
}
