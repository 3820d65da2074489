// SPDX-License-Identifier: MPL-2.0
// A batch as the statements of its transaction.
#ifndef FRISTD_SHELL_JOURNAL_WRITE_H
#define FRISTD_SHELL_JOURNAL_WRITE_H

#include "shell/journal_batch.h"

#define JOURNAL_STATEMENTS (32 + BATCH_MORE_MAX)

struct journal_numbers {
    int64_t deadline, transition, notice; // the last one handed out
    int64_t followed_up;                  // the last transition of which those hear who were told before
};

struct journal_transaction {
    struct journal_numbers numbers; // what is new in the batch is numbered from here on
    struct postgres_statement statements[JOURNAL_STATEMENTS];
    struct postgres_params params[JOURNAL_STATEMENTS];
    int count;
};

void journal_transaction_begin(struct journal_transaction *transaction, struct journal_numbers numbers);
void journal_transaction_done(struct journal_transaction *transaction);
// The statement's parameters, empty.
struct postgres_params *journal_transaction_add(struct journal_transaction *transaction, const char *sql);

// All that the batch wants written; it must live as long as the statements.
void journal_write(struct journal_transaction *transaction, struct journal_batch *batch);
// That part of it which is about mails on their way: journal_write calls it.
void journal_write_mails(struct journal_transaction *transaction, struct journal_batch *batch);
// Who hears what became of a deadline: those who had been told of it, and, once their mail has gone, those
// whose mail was on its way.
void journal_write_follow_ups(struct journal_transaction *transaction, struct journal_batch *batch);
void journal_write_overtaken(struct journal_transaction *transaction, struct journal_batch *batch);

const char *progress_name(enum progress which); // in the table

// One array parameter: VALUE is an expression on `row`, the i-th of ROWS.
#define ARRAY(PARAMS, ROWS, COUNT, TYPE, ADD, VALUE)                                                         \
    do {                                                                                                     \
        postgres_array_begin((PARAMS), (TYPE), (int)(COUNT));                                                \
        for (size_t i_ = 0; i_ < (COUNT); i_++) {                                                            \
            const __typeof__((ROWS)[0]) *row = &(ROWS)[i_];                                                  \
            ADD((PARAMS), (VALUE));                                                                          \
        }                                                                                                    \
    } while (0)
#define TEXTS(VALUE)    ARRAY(params, rows, count, POSTGRES_TEXTS, postgres_array_text, VALUE)
#define INT8S(VALUE)    ARRAY(params, rows, count, POSTGRES_INT8S, postgres_array_int8, VALUE)
#define BOOLS(VALUE)    ARRAY(params, rows, count, POSTGRES_BOOLS, postgres_array_bool, VALUE)
#define INSTANTS(VALUE) ARRAY(params, rows, count, POSTGRES_INSTANTS, postgres_array_instant, VALUE)
#define DATES(VALUE)    ARRAY(params, rows, count, POSTGRES_DATES, postgres_array_date, VALUE)

#endif
