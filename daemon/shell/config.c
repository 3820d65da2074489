// SPDX-License-Identifier: MPL-2.0
// One table says for each key how it is read, where it goes, its default and bounds, whether it must be there
// and whether a running daemon can take a new value. A default is read like a value from the file.
#include "shell/config.h"

#include "core/casefile.h"
#include "core/message.h"
#include "shell/file.h"
#include "shell/log.h"
#include "shell/yaml.h"
#include "shell/yaml_value.h"
#include "shell/zone_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define TEXT_MAX_BYTES   1000
#define SQL_MAX_BYTES    20000
#define SECRET_MAX_BYTES 4096

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct reading {
    struct config *config;
    char *directory; // of the file: relative paths count from here
    struct error *err;
    size_t warning_capacity;
};

struct key {
    const char *path;
    const char *what; // it is, for the message when it is missing
    int (*read)(struct reading *reading, const struct key *key, const struct yaml_node *node, void *field);
    size_t offset; // in struct config
    enum { FIELD_TEXT, FIELD_INT, FIELD_BOOL } field;
    const char *fallback; // NULL: stays zero
    int64_t min, max;     // bounds of numbers; of intervals in milliseconds
    const char *const *names;
    bool required;
    bool reloadable;
};

// --- how values are read ---

static const char *keep(struct reading *reading, const char *text)
{
    return arena_string(&reading->config->arena, text);
}

static int read_text(struct reading *reading, const struct key *key, const struct yaml_node *node,
                     void *field)
{
    const char *text;
    if (value_text(node, key->path, TEXT_MAX_BYTES, &text, reading->err) < 0)
        return -1;
    *(const char **)field = keep(reading, text);
    return 0;
}

static int read_sql(struct reading *reading, const struct key *key, const struct yaml_node *node, void *field)
{
    const char *text = yaml_text(node, NULL);
    if (text == NULL || text[0] == '\0' || strlen(text) > SQL_MAX_BYTES)
        return yaml_error(node, reading->err, "%s must be a query of at most %d bytes", key->path,
                          SQL_MAX_BYTES);
    *(const char **)field = keep(reading, text);
    return 0;
}

static int read_bool(struct reading *reading, const struct key *key, const struct yaml_node *node,
                     void *field)
{
    return value_bool(node, key->path, field, reading->err);
}

static int read_int(struct reading *reading, const struct key *key, const struct yaml_node *node, void *field)
{
    return value_int(node, key->path, (int)key->min, (int)key->max, field, reading->err);
}

static int read_milliseconds(struct reading *reading, const struct key *key, const struct yaml_node *node,
                             void *field)
{
    int64_t ms;
    if (value_interval(node, key->path, key->min, key->max, &ms, reading->err) < 0)
        return -1;
    *(int *)field = (int)ms;
    return 0;
}

static int read_seconds(struct reading *reading, const struct key *key, const struct yaml_node *node,
                        void *field)
{
    int64_t ms;
    if (value_interval(node, key->path, key->min, key->max, &ms, reading->err) < 0)
        return -1;
    if (ms % SECOND != 0)
        return yaml_error(node, reading->err, "%s counts in whole seconds", key->path);
    *(int *)field = (int)(ms / SECOND);
    return 0;
}

static int read_time(struct reading *reading, const struct key *key, const struct yaml_node *node,
                     void *field)
{
    return value_time(node, key->path, field, reading->err);
}

static size_t count_names(const char *const *names)
{
    size_t count = 0;
    while (names[count] != NULL)
        count++;
    return count;
}

// The number of the name.
static int read_choice(struct reading *reading, const struct key *key, const struct yaml_node *node,
                       void *field)
{
    return value_choice(node, key->path, key->names, count_names(key->names), field, reading->err);
}

// The name itself.
static int read_word(struct reading *reading, const struct key *key, const struct yaml_node *node,
                     void *field)
{
    int number;
    if (read_choice(reading, key, node, &number) < 0)
        return -1;
    *(const char **)field = key->names[number];
    return 0;
}

static int read_level(struct reading *reading, const struct key *key, const struct yaml_node *node,
                      void *field)
{
    int number;
    if (read_choice(reading, key, node, &number) < 0)
        return -1;
    *(int *)field = LOG_LEVEL_ERROR + number;
    return 0;
}

// libmosquitto's number for MQTT 3.1.1 is 4, as in the protocol itself.
static int read_mqtt_version(struct reading *reading, const struct key *key, const struct yaml_node *node,
                             void *field)
{
    int number;
    if (read_choice(reading, key, node, &number) < 0)
        return -1;
    *(int *)field = number == 0 ? 5 : 4;
    return 0;
}

static int read_content(struct reading *reading, const struct key *key, const struct yaml_node *node,
                        void *field)
{
    int number;
    if (read_choice(reading, key, node, &number) < 0)
        return -1;
    *(bool *)field = number == 1;
    return 0;
}

static int read_site(struct reading *reading, const struct key *key, const struct yaml_node *node,
                     void *field)
{
    const char *text;
    if (value_text(node, key->path, 63, &text, reading->err) < 0)
        return -1;
    if (text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
        return yaml_error(node, reading->err,
                          "site may hold a-z, 0-9 and - only; it stands in topics and "
                          "Message-IDs");
    *(const char **)field = keep(reading, text);
    return 0;
}

static int read_zone(struct reading *reading, const struct key *key, const struct yaml_node *node,
                     void *field)
{
    const char *text;
    struct zone *zone;
    struct error inner;
    if (value_text(node, key->path, TEXT_MAX_BYTES, &text, reading->err) < 0)
        return -1;
    if (zone_load(text, &zone, &inner) < 0)
        return yaml_error(node, reading->err, "zone: %s", inner.text);
    zone_free(zone);
    *(const char **)field = keep(reading, text);
    return 0;
}

static int read_address(struct reading *reading, const struct key *key, const struct yaml_node *node,
                        void *field)
{
    const char *text;
    if (value_text(node, key->path, TEXT_MAX_BYTES, &text, reading->err) < 0)
        return -1;
    if (!message_address_is_sound(text))
        return yaml_error(node, reading->err, "%s must be a plain mail address such as frister@example.dk",
                          key->path);
    *(const char **)field = keep(reading, text);
    return 0;
}

// A host stands on the wire and in log lines.
static int read_host(struct reading *reading, const struct key *key, const struct yaml_node *node,
                     void *field)
{
    const char *text;
    if (value_text(node, key->path, 255, &text, reading->err) < 0)
        return -1;
    if (strpbrk(text, " \"'<>@,;") != NULL)
        return yaml_error(node, reading->err, "%s must be a name or an address alone, without port or scheme",
                          key->path);
    *(const char **)field = keep(reading, text);
    return 0;
}

static int read_link(struct reading *reading, const struct key *key, const struct yaml_node *node,
                     void *field)
{
    static const char hole[] = "{case}";
    const char *text;
    if (value_text(node, key->path, TEXT_MAX_BYTES, &text, reading->err) < 0)
        return -1;
    const char *at = strstr(text, hole);
    bool is_web = strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
    if (!is_web || at == NULL || strpbrk(at + strlen(hole), "{}") != NULL ||
        strcspn(text, "{}") < (size_t)(at - text) || strpbrk(text, " \"<>") != NULL)
        return yaml_error(node, reading->err,
                          "link must be a web address with {case} once where the case id belongs, such as "
                          "https://sager.example.dk/sag/{case}");
    *(const char **)field = keep(reading, text);
    return 0;
}

static const char *resolve_path(struct reading *reading, const char *text)
{
    return text[0] == '/' ? keep(reading, text)
                          : arena_format(&reading->config->arena, "%s/%s", reading->directory, text);
}

// A folder; what is in it is looked at by who reads it.
static int read_directory(struct reading *reading, const struct key *key, const struct yaml_node *node,
                          void *field)
{
    const char *text;
    if (value_text(node, key->path, TEXT_MAX_BYTES, &text, reading->err) < 0)
        return -1;
    *(const char **)field = resolve_path(reading, text);
    return 0;
}

// A file that a library opens later, when it is too late to complain.
static int read_file_path(struct reading *reading, const struct key *key, const struct yaml_node *node,
                          void *field)
{
    if (read_directory(reading, key, node, field) < 0)
        return -1;
    const char *path = *(const char **)field;
    if (access(path, R_OK) < 0)
        return yaml_error(node, reading->err, "%s: %s cannot be read: %s", key->path, path, strerror(errno));
    return 0;
}

// --- secrets ---

static bool is_below(const char *path, const char *directory)
{
    size_t length = directory ? strlen(directory) : 0;
    return length > 0 && strncmp(path, directory, length) == 0 && path[length] == '/';
}

// Without the line end that editors put behind it.
static int check_secret(struct reading *reading, const struct key *key, const struct yaml_node *node,
                        const char *path, struct buffer *secret)
{
    if (secret->length > 0 && secret->data[secret->length - 1] == '\n')
        secret->data[--secret->length] = '\0';
    if (secret->length > 0 && secret->data[secret->length - 1] == '\r')
        secret->data[--secret->length] = '\0';
    if (secret->length == 0)
        return yaml_error(node, reading->err, "%s: %s is empty", key->path, path);
    for (size_t i = 0; i < secret->length; i++)
        if ((unsigned char)secret->data[i] < ' ' || secret->data[i] == 0x7f)
            return yaml_error(node, reading->err,
                              "%s: %s must hold the secret alone, on one line without control characters",
                              key->path, path);
    return 0;
}

static int load_secret(struct reading *reading, const struct key *key, const struct yaml_node *node,
                       const char *path, const char **field)
{
    if (*field != NULL)
        return yaml_error(node, reading->err,
                          "a password_file and a password_credential are named; one is enough");
    struct buffer secret = {0};
    struct stat st = {0};
    struct error inner;
    int result = 0;
    if (file_read(path, SECRET_MAX_BYTES, &secret, &st, &inner) < 0)
        result = yaml_error(node, reading->err, "%s: %s", key->path, inner.text);
    else if ((st.st_mode & S_IRWXO) != 0 && !is_below(path, getenv("CREDENTIALS_DIRECTORY")))
        result = yaml_error(node, reading->err,
                            "%s: everybody may read %s; run chmod 600 on it, as the user of the service",
                            key->path, path);
    else
        result = check_secret(reading, key, node, path, &secret);
    if (result == 0)
        *field = arena_copy(&reading->config->arena, secret.data, secret.length);
    if (secret.data)
        explicit_bzero(secret.data, secret.capacity);
    buffer_done(&secret);
    return result;
}

static int read_secret_file(struct reading *reading, const struct key *key, const struct yaml_node *node,
                            void *field)
{
    const char *text;
    if (value_text(node, key->path, TEXT_MAX_BYTES, &text, reading->err) < 0)
        return -1;
    return load_secret(reading, key, node, resolve_path(reading, text), field);
}

static int read_secret_credential(struct reading *reading, const struct key *key,
                                  const struct yaml_node *node, void *field)
{
    const char *name;
    if (value_text(node, key->path, 255, &name, reading->err) < 0)
        return -1;
    if (strchr(name, '/') != NULL || name[0] == '.')
        return yaml_error(node, reading->err, "%s is the name of a credential, without a path", key->path);
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (directory == NULL || directory[0] == '\0')
        return yaml_error(node, reading->err,
                          "%s: there are no credentials here; the unit file must say LoadCredential=%s:FILE",
                          key->path, name);
    return load_secret(reading, key, node, arena_format(&reading->config->arena, "%s/%s", directory, name),
                       field);
}

static int refuse_password(struct reading *reading, const struct key *key, const struct yaml_node *node,
                           void *field)
{
    (void)field;
    return yaml_error(
        node, reading->err,
        "%s: a secret does not stand in this file; put it into a file of its own (chmod 600) and "
        "name that as password_file",
        key->path);
}

// --- office hours ---

static int parse_hours(struct reading *reading, const char *what, const struct yaml_node *node,
                       struct office_hours *ret_hours)
{
    const char *text;
    struct error inner;
    if (value_text(node, what, TEXT_MAX_BYTES, &text, reading->err) < 0)
        return -1;
    if (office_hours_parse(text, ret_hours, &inner) < 0)
        return yaml_error(node, reading->err, "%s: %s", what, inner.text);
    return 0;
}

static int read_hours(struct reading *reading, const struct key *key, const struct yaml_node *node,
                      void *field)
{
    return parse_hours(reading, key->path, node, field);
}

// Which units there are only the case database knows.
static int read_unit_hours(struct reading *reading, const struct key *key, const struct yaml_node *node,
                           void *field)
{
    (void)field;
    struct rhythm *rhythm = &reading->config->rhythm;
    const char *text = yaml_text(node, NULL);
    if (text && text[0] == '\0') // all of them are commented out
        return 0;
    if (!yaml_is_map(node))
        return yaml_error(node, reading->err, "%s must be a map from units to hours", key->path);
    struct unit_hours *units = arena_alloc(&reading->config->arena, yaml_count(node) * sizeof *units);
    for (size_t i = 0; i < yaml_count(node); i++) {
        const struct yaml_node *name = yaml_key(node, i);
        units[i].unit = keep(reading, yaml_text(name, NULL));
        units[i].place = yaml_place(name);
        units[i].place.file = reading->config->path;
        if (parse_hours(reading, key->path, yaml_value(node, i), &units[i].hours) < 0)
            return -1;
    }
    rhythm->units = units;
    rhythm->unit_count = yaml_count(node);
    return 0;
}

// --- the table ---

static const char *const languages[] = {[LANGUAGE_DA] = "da", [LANGUAGE_EN] = "en", NULL};
static const char *const rule_changes[] = {
    [RULE_CHANGES_CONFIRM] = "confirm", [RULE_CHANGES_TAKE] = "take", NULL};
static const char *const tls_names[] = {
    [SMTP_STARTTLS] = "starttls", [SMTP_IMPLICIT_TLS] = "implicit", [SMTP_NO_TLS] = "none", NULL};
static const char *const mqtt_versions[] = {"5", "3.1.1", NULL};
static const char *const mqtt_contents[] = {"structured", "binary", NULL};
static const char *const levels[] = {"error", "warning", "notice", "info", "debug", NULL};
static const char *const sslmodes[] = {"disable",   "allow",       "prefer", "require",
                                       "verify-ca", "verify-full", NULL};

_Static_assert(sizeof(enum language) == sizeof(int) && sizeof(enum smtp_tls) == sizeof(int),
               "choices are written as int");

#define AT(member) .offset = offsetof(struct config, member)

// Three ways to name one secret; the last is refused with advice.
#define SECRET_KEYS(section, member, can_reload)                                                             \
    {section ".password_file", .read = read_secret_file, AT(member), .reloadable = can_reload},              \
        {section ".password_credential", .read = read_secret_credential, AT(member),                         \
         .reloadable = can_reload},                                                                          \
    {                                                                                                        \
        section ".password", .read = refuse_password, AT(member), .reloadable = can_reload                   \
    }

#define SERVER_KEYS(section, member)                                                                         \
    {section ".host", .read = read_host, AT(member.host)},                                                   \
        {section ".port", .read = read_int, AT(member.port), FIELD_INT, "5432", 1, 65535},                   \
        {section ".database", "the name of the database", read_text, AT(member.database), .required = true}, \
        {section ".user", .read = read_text, AT(member.user)}, SECRET_KEYS(section, member.password, false), \
        {section ".sslmode", .read = read_word, AT(member.sslmode), .fallback = "verify-full",               \
         .names = sslmodes},                                                                                 \
        {section ".sslrootcert", .read = read_file_path, AT(member.sslrootcert)},                            \
        {section ".sslcert", .read = read_file_path, AT(member.sslcert)},                                    \
        {section ".sslkey", .read = read_file_path, AT(member.sslkey)},                                      \
        {section ".connect_timeout",                                                                         \
         .read = read_milliseconds,                                                                          \
         AT(member.connect_timeout_ms),                                                                      \
         FIELD_INT,                                                                                          \
         "10 seconds",                                                                                       \
         100,                                                                                                \
         10 * MINUTE},                                                                                       \
    {                                                                                                        \
        section ".request_timeout", .read = read_milliseconds, AT(member.request_timeout_ms), FIELD_INT,     \
                                    "60 seconds", 100, DAY                                                   \
    }

static const struct key keys[] = {
    {"site", "a short name of this municipality, a-z, 0-9 and -", read_site, AT(site), .required = true},
    {"zone", .read = read_zone, AT(zone), .fallback = "Europe/Copenhagen"},
    {"language", .read = read_choice, AT(language), FIELD_INT, "da", .names = languages, .reloadable = true},
    {"rules", .read = read_directory, AT(rules_dir), .fallback = "rules", .reloadable = true},
    {"rule_changes", .read = read_choice, AT(rule_changes), FIELD_INT, "confirm", .names = rule_changes,
     .reloadable = true},
    {"templates", .read = read_directory, AT(templates_dir), .fallback = "templates", .reloadable = true},
    {"reports", .read = read_directory, AT(reports), .reloadable = true},
    {"link", .read = read_link, AT(link), .reloadable = true},
    {"operators", "the mail address that hears of what reached nobody", read_address, AT(operators),
     .required = true, .reloadable = true},
    {"data_quality", .read = read_address, AT(data_quality), .reloadable = true},
    {"small_counts", .read = read_int, AT(small_counts), FIELD_INT, "3", 1, 100, .reloadable = true},

    SERVER_KEYS("casedb", casedb.server),
    {"casedb.queries.cases", .read = read_sql, AT(casedb.cases)},
    {"casedb.queries.events", .read = read_sql, AT(casedb.events)},
    {"casedb.queries.people", .read = read_sql, AT(casedb.people)},
    {"casedb.queries.units", .read = read_sql, AT(casedb.units)},
    {"casedb.queries.cursor", .read = read_sql, AT(casedb.cursor)},
    {"casedb.queries.changes", .read = read_sql, AT(casedb.changes)},
    {"casedb.notify_channel", .read = read_text, AT(casedb.notify_channel)},
    {"casedb.poll_interval", .read = read_milliseconds, AT(poll_interval_ms), FIELD_INT, "30 seconds", 100,
     DAY, .reloadable = true},
    {"casedb.reconcile_at", .read = read_time, AT(reconcile_at), FIELD_INT, "03:30", .reloadable = true},

    SERVER_KEYS("journal", journal),

    {"mail.host", "the mail server", read_host, AT(mail.server.host), .required = true, .reloadable = true},
    {"mail.port", .read = read_int, AT(mail.server.port), FIELD_INT, .min = 1, .max = 65535,
     .reloadable = true},
    {"mail.tls", .read = read_choice, AT(mail.server.tls), FIELD_INT, "starttls", .names = tls_names,
     .reloadable = true},
    {"mail.ca_file", .read = read_file_path, AT(mail.server.ca_file), .reloadable = true},
    {"mail.user", .read = read_text, AT(mail.server.user), .reloadable = true},
    SECRET_KEYS("mail", mail.server.password, true),
    {"mail.hello", .read = read_host, AT(mail.server.hello), .reloadable = true},
    {"mail.from", "the sender's address", read_address, AT(mail_from), .required = true, .reloadable = true},
    {"mail.bounces", .read = read_address, AT(mail_bounces), .reloadable = true},
    {"mail.from_name", .read = read_text, AT(mail_from_name), .reloadable = true},
    {"mail.message_host", .read = read_host, AT(mail_host), .reloadable = true},
    {"mail.connections", .read = read_int, AT(mail.connections), FIELD_INT, "3", 1, 50, .reloadable = true},
    {"mail.messages_per_connection", .read = read_int, AT(mail.messages_per_connection), FIELD_INT, "100", 1,
     100000, .reloadable = true},
    {"mail.messages_per_minute", .read = read_int, AT(mail.messages_per_minute), FIELD_INT, "30", 0, 1000000,
     .reloadable = true},
    {"mail.idle_timeout", .read = read_milliseconds, AT(mail.idle_timeout_ms), FIELD_INT, "10 seconds", 100,
     HOUR, .reloadable = true},
    {"mail.connect_timeout", .read = read_milliseconds, AT(mail.server.connect_timeout_ms), FIELD_INT,
     "15 seconds", 100, 10 * MINUTE, .reloadable = true},
    {"mail.reply_timeout", .read = read_milliseconds, AT(mail.server.reply_timeout_ms), FIELD_INT,
     "60 seconds", 100, HOUR, .reloadable = true},
    {"mail.retry.first", .read = read_seconds, AT(retry_first_s), FIELD_INT, "1 minute", SECOND, DAY,
     .reloadable = true},
    {"mail.retry.max", .read = read_seconds, AT(retry_max_s), FIELD_INT, "1 hour", SECOND, 7 * DAY,
     .reloadable = true},
    {"mail.retry.give_up_after", .read = read_seconds, AT(give_up_after_s), FIELD_INT, "2 days", SECOND,
     90 * DAY, .reloadable = true},

    {"notices.group_wait", .read = read_seconds, AT(rhythm.group_wait_s), FIELD_INT, "30 seconds", 0, HOUR,
     .reloadable = true},
    {"notices.hours", .read = read_hours, AT(rhythm.hours), .fallback = "mo-fr 08:00-16:00",
     .reloadable = true},
    {"notices.units", .read = read_unit_hours, AT(rhythm.units), .reloadable = true},
    {"notices.mails_per_day", .read = read_int, AT(rhythm.mails_per_day), FIELD_INT, "10", 0, 10000,
     .reloadable = true},
    {"notices.urgent_per_hour", .read = read_int, AT(rhythm.urgent_per_hour), FIELD_INT, "10", 0, 100000,
     .reloadable = true},
    {"notices.listed", .read = read_int, AT(rhythm.listed), FIELD_INT, "10", 1, RHYTHM_LISTED_MAX,
     .reloadable = true},

    {"mqtt.enabled", .read = read_bool, AT(mqtt_enabled), FIELD_BOOL, "true"},
    {"mqtt.host", .read = read_host, AT(mqtt.host)},
    {"mqtt.port", .read = read_int, AT(mqtt.port), FIELD_INT, .min = 1, .max = 65535},
    {"mqtt.version", .read = read_mqtt_version, AT(mqtt.version), FIELD_INT, "5", .names = mqtt_versions},
    {"mqtt.tls", .read = read_bool, AT(mqtt.tls), FIELD_BOOL, "true"},
    {"mqtt.ca_file", .read = read_file_path, AT(mqtt.ca_file)},
    {"mqtt.cert_file", .read = read_file_path, AT(mqtt.cert_file)},
    {"mqtt.key_file", .read = read_file_path, AT(mqtt.key_file)},
    {"mqtt.user", .read = read_text, AT(mqtt.user)},
    SECRET_KEYS("mqtt", mqtt.password, false),
    {"mqtt.client_id", .read = read_text, AT(mqtt.client_id)},
    {"mqtt.keepalive", .read = read_seconds, AT(mqtt.keepalive_s), FIELD_INT, "30 seconds", 5 * SECOND, HOUR},
    {"mqtt.rule_ids", .read = read_bool, AT(mqtt_rule_ids), FIELD_BOOL, "false"},
    {"mqtt.units_in_topics", .read = read_bool, AT(mqtt_units_in_topics), FIELD_BOOL, "false"},
    {"mqtt.content", .read = read_content, AT(mqtt_binary), FIELD_BOOL, "structured", .names = mqtt_contents},
    {"mqtt.event_expiry", .read = read_seconds, AT(mqtt_event_expiry_s), FIELD_INT, "7 days", MINUTE,
     3650 * DAY},

    {"log.level", .read = read_level, AT(log_level), FIELD_INT, "info", .names = levels, .reloadable = true},
};

// --- walking the file ---

static void *field_of(const struct config *config, const struct key *key)
{
    return (char *)config + key->offset;
}

static const struct key *find_key(const char *path)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (strcmp(keys[i].path, path) == 0)
            return &keys[i];
    return NULL;
}

static bool is_section(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (strncmp(keys[i].path, path, length) == 0 && keys[i].path[length] == '.')
            return true;
    return false;
}

// What may stand in a section ("" is the whole file), for the message: in the order of the table.
static int unknown_key(struct reading *reading, const char *section, const struct yaml_node *node)
{
    const char *names[COUNT_OF(keys)];
    size_t count = 0, prefix = section[0] ? strlen(section) + 1 : 0;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const char *rest = keys[i].path + prefix;
        if (keys[i].read == refuse_password || strncmp(keys[i].path, section, strlen(section)) != 0 ||
            (prefix > 0 && keys[i].path[prefix - 1] != '.'))
            continue;
        const char *name = arena_copy(&reading->config->arena, rest, strcspn(rest, "."));
        if (count == 0 || strcmp(names[count - 1], name) != 0) // a section's keys stand together
            names[count++] = name;
    }
    char what[64];
    snprintf(what, sizeof what, "key in %s", section[0] ? section : "the configuration");
    return yaml_unknown(node, what, names, count, reading->err);
}

#define PATH_SIZE 128

static int read_map(struct reading *reading, const char *section, const struct yaml_node *map)
{
    const char *text = yaml_text(map, NULL);
    if (text && text[0] == '\0' && section[0]) // all its keys are commented out
        return 0;
    if (!yaml_is_map(map))
        return yaml_error(map, reading->err, "%s must be a map of keys", section[0] ? section : "the file");
    for (size_t i = 0; i < yaml_count(map); i++) {
        const struct yaml_node *name = yaml_key(map, i), *value = yaml_value(map, i);
        char path[PATH_SIZE];
        int length =
            snprintf(path, sizeof path, "%s%s%s", section, section[0] ? "." : "", yaml_text(name, NULL));
        bool fits = length < PATH_SIZE && strchr(yaml_text(name, NULL), '.') == NULL;
        const struct key *key = fits ? find_key(path) : NULL;
        if (key) {
            if (key->read(reading, key, value, field_of(reading->config, key)) < 0)
                return -1;
        } else if (fits && is_section(path)) {
            if (read_map(reading, path, value) < 0)
                return -1;
        } else {
            return unknown_key(reading, section, name);
        }
    }
    return 0;
}

// The node of a key, or NULL; ret_near is then the innermost section that is there.
static const struct yaml_node *find_node(const struct yaml_node *root, const char *path,
                                         const struct yaml_node **ret_near)
{
    const struct yaml_node *node = root;
    *ret_near = root;
    while (node) {
        char name[PATH_SIZE];
        size_t length = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        node = yaml_get(node, name);
        if (path[length] == '\0')
            return node;
        if (node)
            *ret_near = node;
        path += length + 1;
    }
    return NULL;
}

static int read_fallback(struct reading *reading, const struct key *key)
{
    struct yaml *yaml;
    if (yaml_read_text("the default", key->fallback, strlen(key->fallback), &yaml, reading->err) < 0)
        return -1;
    int result = key->read(reading, key, yaml_root(yaml), field_of(reading->config, key));
    yaml_close(yaml);
    return result;
}

static int read_absent(struct reading *reading, const struct yaml_node *root)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const struct yaml_node *near;
        if (find_node(root, keys[i].path, &near))
            continue;
        if (keys[i].required)
            return yaml_error(near, reading->err, "%s is missing: %s", keys[i].path, keys[i].what);
        if (keys[i].fallback && read_fallback(reading, &keys[i]) < 0)
            return -1;
    }
    return 0;
}

// --- what shows only when all is read ---

static struct place place_of(const struct yaml_node *root, const char *path)
{
    const struct yaml_node *near, *node = find_node(root, path, &near);
    return yaml_place(node ? node : near);
}

static void warn(struct reading *reading, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void warn(struct reading *reading, struct place place, const char *format, ...)
{
    struct config *config = reading->config;
    struct buffer text = {0};
    va_list ap;
    va_start(ap, format);
    buffer_format(&text, "%s:%d:%d: ", place.file, place.line, place.column);
    buffer_vformat(&text, format, ap);
    va_end(ap);
    if (config->warning_count == reading->warning_capacity) {
        reading->warning_capacity = reading->warning_capacity ? 2 * reading->warning_capacity : 4;
        const char **larger = arena_alloc(&config->arena, reading->warning_capacity * sizeof *larger);
        if (config->warning_count > 0)
            memcpy(larger, config->warnings, config->warning_count * sizeof *larger);
        config->warnings = larger;
    }
    config->warnings[config->warning_count++] = keep(reading, text.data);
    buffer_done(&text);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static int check_pair(struct reading *reading, const struct yaml_node *root, const char *section,
                      const char *first, const char *first_name, const char *second, const char *second_name)
{
    if ((first == NULL) == (second == NULL))
        return 0;
    const char *there = first ? first_name : second_name, *missing = first ? second_name : first_name;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s.%s", section, there);
    return place_error(place_of(root, path), reading->err, "%s.%s needs %s.%s beside it", section, there,
                       section, missing);
}

static int check_server(struct reading *reading, const struct yaml_node *root, const char *section,
                        struct postgres_options *server)
{
    server->name = section;
    if (check_pair(reading, root, section, server->sslcert, "sslcert", server->sslkey, "sslkey") < 0)
        return -1;
    if (server->host == NULL || server->host[0] == '/' || is_loopback(server->host))
        return 0;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s.sslmode", section);
    if (strncmp(server->sslmode, "verify-", 7) != 0)
        warn(reading, place_of(root, path),
             "sslmode %s: who answers under this name is not checked; use verify-full", server->sslmode);
    else if (server->sslrootcert == NULL)
        return place_error(place_of(root, path), reading->err,
                           "%s.sslrootcert is missing: the certificates to check the server against, such as "
                           "/etc/ssl/certs/ca-certificates.crt",
                           section);
    return 0;
}

static int check_mail(struct reading *reading, const struct yaml_node *root)
{
    struct config *config = reading->config;
    const struct smtp_options *server = &config->mail.server;
    if (check_pair(reading, root, "mail", server->user, "user", server->password, "password_file") < 0)
        return -1;
    if (config->retry_max_s < config->retry_first_s)
        return place_error(place_of(root, "mail.retry.max"), reading->err,
                           "mail.retry.max is less than mail.retry.first");
    if (config->mail_bounces == NULL)
        config->mail_bounces = config->mail_from;
    if (config->mail_host == NULL)
        config->mail_host = strrchr(config->mail_from, '@') + 1;
    if (server->tls == SMTP_NO_TLS && !is_loopback(server->host))
        warn(reading, place_of(root, "mail.tls"), "mail to %s goes in the clear; use starttls or implicit",
             server->host);
    return 0;
}

static int check_mqtt(struct reading *reading, const struct yaml_node *root)
{
    struct config *config = reading->config;
    struct mqtt_options *mqtt = &config->mqtt;
    if (mqtt->client_id == NULL)
        mqtt->client_id = arena_format(&config->arena, "fristd-%s", config->site);
    if (!config->mqtt_enabled)
        return 0;
    if (mqtt->host == NULL)
        return place_error(place_of(root, "mqtt.host"), reading->err,
                           "mqtt.host is missing: the broker; or say mqtt: {enabled: false}");
    if (mqtt->password && mqtt->user == NULL)
        return place_error(place_of(root, "mqtt.password_file"), reading->err,
                           "mqtt.password_file needs mqtt.user beside it");
    if (check_pair(reading, root, "mqtt", mqtt->cert_file, "cert_file", mqtt->key_file, "key_file") < 0)
        return -1;
    if (config->mqtt_binary && mqtt->version != 5)
        return place_error(
            place_of(root, "mqtt.content"), reading->err,
            "mqtt.content: binary needs the properties of MQTT 5; choose version 5 or structured");
    if (!mqtt->tls && !is_loopback(mqtt->host))
        warn(reading, place_of(root, "mqtt.tls"), "events to %s go in the clear; use tls: true", mqtt->host);
    return 0;
}

static int check_whole(struct reading *reading, const struct yaml_node *root)
{
    struct config *config = reading->config;
    if (config->data_quality == NULL)
        config->data_quality = config->operators;
    if (check_server(reading, root, "casedb", &config->casedb.server) < 0 ||
        check_server(reading, root, "journal", &config->journal) < 0 || check_mail(reading, root) < 0)
        return -1;
    return check_mqtt(reading, root);
}

// --- loading and ending ---

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return memory_copy(".", 1);
    return memory_copy(path, slash == path ? 1 : (size_t)(slash - path));
}

static int read_config(struct reading *reading, const struct yaml *yaml)
{
    const struct yaml_node *root = yaml_root(yaml);
    if (root == NULL)
        return error_set(reading->err, "%s: the file is empty", reading->config->path);
    if (read_map(reading, "", root) < 0 || read_absent(reading, root) < 0)
        return -1;
    return check_whole(reading, root);
}

int config_load(const char *path, struct config *ret_config, struct error *err)
{
    struct config config = {0};
    struct yaml *yaml;
    if (yaml_read_file(path, &yaml, err) < 0)
        return -1;
    config.path = arena_string(&config.arena, path);
    struct reading reading = {.config = &config, .directory = directory_of(path), .err = err};
    int result = read_config(&reading, yaml);
    free(reading.directory);
    yaml_close(yaml);
    if (result < 0) {
        config_done(&config);
        return -1;
    }
    *ret_config = config;
    return 0;
}

void config_done(struct config *config)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (keys[i].read == read_secret_file) {
            char *secret = *(char **)field_of(config, &keys[i]);
            if (secret)
                explicit_bzero(secret, strlen(secret));
        }
    arena_done(&config->arena);
    *config = (struct config){0};
}

const char *config_key(size_t index)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (keys[i].read != refuse_password && index-- == 0)
            return keys[i].path;
    return NULL;
}

// --- reload ---

static bool differs(const struct key *key, const struct config *old, const struct config *new)
{
    const void *a = field_of(old, key), *b = field_of(new, key);
    if (key->field == FIELD_BOOL)
        return *(const bool *)a != *(const bool *)b;
    if (key->field == FIELD_INT)
        return *(const int *)a != *(const int *)b;
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    return x == NULL || y == NULL ? x != y : strcmp(x, y) != 0;
}

int config_reload_refusal(const struct config *old, const struct config *new, struct error *err)
{
    struct buffer list = {0};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        // All three names of a secret lead to one field: the first speaks for them.
        bool speaks = keys[i].read != read_secret_credential && keys[i].read != refuse_password;
        if (speaks && !keys[i].reloadable && differs(&keys[i], old, new))
            buffer_format(&list, "%s%s", list.length > 0 ? ", " : "", keys[i].path);
    }
    if (list.length == 0)
        return 0;
    error_set(err, "%s: a restart is needed to change %s", new->path, list.data);
    buffer_done(&list);
    return -1;
}
