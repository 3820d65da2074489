// SPDX-License-Identifier: MPL-2.0
// The configuration file fristd.yaml: one table of keys, read into a new struct, checked whole.
#ifndef FRISTD_SHELL_CONFIG_H
#define FRISTD_SHELL_CONFIG_H

#include "core/error.h"
#include "core/explain.h"
#include "core/memory.h"
#include "core/rhythm.h"
#include "shell/casedb.h"
#include "shell/mail.h"
#include "shell/mqtt.h"

struct config {
    struct arena arena; // holds the strings
    const char *path;

    const char *site;                                              // [a-z0-9-]+: topics, Message-IDs
    const char *zone;                                              // default Europe/Copenhagen
    enum language language;                                        // of mails, default da
    enum { RULE_CHANGES_CONFIRM, RULE_CHANGES_TAKE } rule_changes; // that move open deadlines, at a reload
    const char *rules_dir;     // relative paths count from the configuration file's directory
    const char *templates_dir; // holds da/ and en/
    const char *reports;       // file of the reports; NULL: none
    const char *link;          // "https://…/{case}"; {case} stands for the case id; NULL: no link
    const char *operators;     // address that hears of what reached nobody; required
    const char *data_quality;  // address for data faults; NULL: operators
    int small_counts;          // counts in reports below it are hidden; default 3

    struct casedb_options casedb;
    int poll_interval_ms; // default 30000
    int reconcile_at;     // second of the day, default 03:30

    struct postgres_options journal;

    struct mail_options mail;
    const char *mail_from, *mail_from_name;
    const char *mail_bounces; // the sender on the envelope; default mail_from
    const char *mail_host;    // host part of Message-IDs; default the domain of mail_from
    int retry_first_s, retry_max_s, give_up_after_s; // defaults 60, 3600, 172800
    struct rhythm rhythm;                            // when mails to one person go

    bool mqtt_enabled;         // default true
    struct mqtt_options mqtt;  // will_* are filled by the publisher
    bool mqtt_rule_ids;        // default false
    bool mqtt_units_in_topics; // default false
    bool mqtt_binary;          // content: structured (default) or binary
    int mqtt_event_expiry_s;   // default 7 days

    int log_level; // enum log_level

    const char **warnings; // what is allowed but hardly wise, each with its place; to be logged by the caller
    size_t warning_count;
};

// Secrets are named by file (`password_file: …`) or credential (`password_credential: name`, looked for in
// $CREDENTIALS_DIRECTORY); they are read here and never printed. On failure there is nothing to end.
int config_load(const char *path, struct config *ret_config, struct error *err) MUST_CHECK;
void config_done(struct config *config); // wipes the secrets; a zeroed one is fine

const char *config_key(size_t index); // the path of the index-th key there is ("mail.host"), NULL: no more

// 0 when a running daemon can go over from one to the other, else -1 and the keys that need a restart.
int config_reload_refusal(const struct config *old, const struct config *new, struct error *err) MUST_CHECK;

#endif
