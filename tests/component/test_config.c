// SPDX-License-Identifier: MPL-2.0
// The configuration: the sample, defaults, secrets, each refusal in its words, and what a reload may change.
#include "shell/config.h"
#include "shell/file.h"
#include "shell/log.h"
#include "shell/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// The least that is needed.
#define SITE    "site: prøve\n"
#define MINIMUM "site: test\noperators: drift@example.dk\n"
#define CASEDB  "casedb: {database: sager}\n"
#define JOURNAL "journal: {database: fristd}\n"
#define MAIL    "mail: {host: localhost, from: frist@example.dk}\n"
#define MQTT    "mqtt: {host: localhost}\n"
#define ALL     MINIMUM CASEDB JOURNAL MAIL MQTT

// Each test has a folder of its own, the working directory meanwhile.
static int enter_folder(void **state)
{
    char *folder = strdup("/tmp/fristd-test-config-XXXXXX");
    *state = folder;
    unsetenv("CREDENTIALS_DIRECTORY");
    return mkdtemp(folder) == NULL || chdir(folder) < 0 ? -1 : 0;
}

static int leave_folder(void **state)
{
    char *folder = *state;
    static const char *const files[] = {"c.yaml", "secret", "ca.pem"};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        unlink(files[i]);
    int result = chdir("/") < 0 || rmdir(folder) < 0 ? -1 : 0;
    free(folder);
    return result;
}

static void put(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(name, mode), 0);
}

static struct config load_good(const char *text)
{
    struct config config = {0};
    struct error err = {{0}};
    put("c.yaml", text, 0644);
    if (config_load("c.yaml", &config, &err) < 0)
        fail_msg("%s", err.text);
    return config;
}

static void assert_refused(const char *text, const char *message)
{
    struct config config = {0};
    struct error err = {{0}};
    put("c.yaml", text, 0644);
    assert_int_equal(config_load("c.yaml", &config, &err), -1);
    assert_string_equal(err.text, message);
}

static void defaults_are_those_of_the_header(void **state)
{
    (void)state;
    struct config config = load_good(ALL);
    assert_string_equal(config.path, "c.yaml");
    assert_string_equal(config.site, "test");
    assert_string_equal(config.zone, "Europe/Copenhagen");
    assert_int_equal(config.language, LANGUAGE_DA);
    assert_string_equal(config.rules_dir, "./rules");
    assert_string_equal(config.templates_dir, "./templates");
    assert_null(config.link);
    assert_string_equal(config.data_quality, "drift@example.dk");
    assert_string_equal(config.casedb.server.name, "casedb");
    assert_null(config.casedb.server.host);
    assert_int_equal(config.casedb.server.port, 5432);
    assert_string_equal(config.casedb.server.sslmode, "verify-full");
    assert_int_equal(config.casedb.server.connect_timeout_ms, 10000);
    assert_int_equal(config.casedb.server.request_timeout_ms, 60000);
    assert_null(config.casedb.cases);
    assert_int_equal(config.poll_interval_ms, 30000);
    assert_int_equal(config.reconcile_at, 3 * 3600 + 30 * 60);
    assert_string_equal(config.journal.name, "journal");
    assert_string_equal(config.journal.database, "fristd");
    assert_int_equal(config.mail.server.tls, SMTP_STARTTLS);
    assert_int_equal(config.mail.server.port, 0);
    assert_int_equal(config.mail.server.connect_timeout_ms, 15000);
    assert_int_equal(config.mail.connections, 3);
    assert_int_equal(config.mail.messages_per_connection, 100);
    assert_int_equal(config.mail.messages_per_minute, 30);
    assert_int_equal(config.mail.idle_timeout_ms, 10000);
    assert_string_equal(config.mail_host, "example.dk");
    assert_int_equal(config.retry_first_s, 60);
    assert_int_equal(config.retry_max_s, 3600);
    assert_int_equal(config.give_up_after_s, 172800);
    assert_true(config.mqtt_enabled);
    assert_true(config.mqtt.tls);
    assert_int_equal(config.mqtt.version, 5);
    assert_string_equal(config.mqtt.client_id, "fristd-test");
    assert_int_equal(config.mqtt.keepalive_s, 30);
    assert_false(config.mqtt_rule_ids);
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    assert_int_equal(config.warning_count, 0);
    config_done(&config);
}

static void every_kind_of_value_is_read(void **state)
{
    char *folder = *state;
    put("ca.pem", "", 0644);
    struct buffer text = {0};
    buffer_format(
        &text,
        "site: by-1\nzone: America/Nuuk\nlanguage: en\nrules: %s/r\ntemplates: t\n"
        "link: https://sager.example.dk/{case}?x=1\noperators: o@example.dk\ndata_quality: q@example.dk\n"
        "casedb: {host: 127.0.0.1, port: 6000, database: d, user: u, sslmode: disable, sslrootcert: ca.pem,\n"
        "  connect_timeout: 500 milliseconds, request_timeout: 1 minute, notify_channel: n,\n"
        "  poll_interval: 2 seconds, reconcile_at: 23:59,\n"
        "  queries: {cases: a, events: b, people: c, units: d, cursor: e, changes: f}}\n"
        "journal: {host: /run/pg, database: j}\n"
        "mail: {host: 127.0.0.1, port: 2525, tls: none, from: f@a.example.dk, from_name: Fristovervågning,\n"
        "  message_host: m.example.dk, hello: h, connections: 5, messages_per_connection: 7,\n"
        "  messages_per_minute: 0, retry: {first: 1 second, max: 2 minutes, give_up_after: 3 hours}}\n"
        "mqtt: {host: '::1', port: 1, version: 3.1.1, tls: false, user: m, client_id: c, keepalive: 10 "
        "seconds,\n"
        "  rule_ids: true}\n"
        "log: {level: debug}\n",
        folder);
    struct config config = load_good(text.data);
    char rules[128];
    snprintf(rules, sizeof rules, "%s/r", folder);
    assert_string_equal(config.rules_dir, rules);
    assert_string_equal(config.templates_dir, "./t");
    assert_int_equal(config.language, LANGUAGE_EN);
    assert_string_equal(config.data_quality, "q@example.dk");
    assert_int_equal(config.casedb.server.port, 6000);
    assert_string_equal(config.casedb.server.sslmode, "disable");
    assert_string_equal(config.casedb.server.sslrootcert, "./ca.pem");
    assert_int_equal(config.casedb.server.connect_timeout_ms, 500);
    assert_string_equal(config.casedb.changes, "f");
    assert_int_equal(config.poll_interval_ms, 2000);
    assert_int_equal(config.reconcile_at, 86340);
    assert_int_equal(config.mail.server.tls, SMTP_NO_TLS);
    assert_int_equal(config.mail.messages_per_minute, 0);
    assert_string_equal(config.mail_host, "m.example.dk");
    assert_int_equal(config.retry_first_s, 1);
    assert_int_equal(config.retry_max_s, 120);
    assert_int_equal(config.give_up_after_s, 10800);
    assert_int_equal(config.mqtt.version, 4);
    assert_false(config.mqtt.tls);
    assert_true(config.mqtt_rule_ids);
    assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config.warning_count, 0); // all of it on this machine
    config_done(&config);
    buffer_done(&text);
}

static void refuses_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "c.yaml: the file is empty"},
        {"[a]\n", "c.yaml:1:1: the file must be a map of keys"},
        {SITE, "c.yaml:1:7: site may hold a-z, 0-9 and - only; it stands in topics and Message-IDs"},
        {"sites: x\n",
         "c.yaml:1:1: unknown key in the configuration \"sites\"; did you mean \"site\"? Allowed: "
         "site, zone, language, rules, rule_changes, templates, reports, link, operators, data_quality, "
         "small_counts, "
         "casedb, "
         "journal, "
         "mail, notices, mqtt, log"},
        {"log: {leve: info}\n",
         "c.yaml:1:7: unknown key in log \"leve\"; did you mean \"level\"? Allowed: level"},
        {"log.level: info\n",
         "c.yaml:1:1: unknown key in the configuration \"log.level\"; allowed: site, zone, "
         "language, rules, rule_changes, templates, reports, link, operators, data_quality, small_counts, "
         "casedb, "
         "journal, mail, notices, mqtt, log"},
        {"mail: {retry: {frist: 1 minute}}\n",
         "c.yaml:1:16: unknown key in mail.retry \"frist\"; did you mean "
         "\"first\"? Allowed: first, max, give_up_after"},
        {"mail: {tsl: none}\n",
         "c.yaml:1:8: unknown key in mail \"tsl\"; did you mean \"tls\"? Allowed: host, port, tls, ca_file, "
         "user, password_file, password_credential, hello, from, bounces, from_name, message_host, "
         "connections, "
         "messages_per_connection, messages_per_minute, idle_timeout, connect_timeout, reply_timeout, retry"},
        {"log: info\n", "c.yaml:1:6: log must be a map of keys"},
        {"site: [x]\n", "c.yaml:1:7: site must be a single value, not a list"},
        {"zone: Europe/Kobenhavn\n", "c.yaml:1:7: zone: time zone Europe/Kobenhavn: "
                                     "/usr/share/zoneinfo/Europe/Kobenhavn: No such file or "
                                     "directory; is the name right, and the package tzdata installed?"},
        {"language: dk\n", "c.yaml:1:11: unknown language \"dk\"; allowed: da, en"},
        {"link: https://sager/\n",
         "c.yaml:1:7: link must be a web address with {case} once where the case id belongs, such as "
         "https://sager.example.dk/sag/{case}"},
        {"link: 'https://sager/{case}/{case}'\n",
         "c.yaml:1:7: link must be a web address with {case} once where the case id belongs, such as "
         "https://sager.example.dk/sag/{case}"},
        {"operators: drift\n",
         "c.yaml:1:12: operators must be a plain mail address such as frister@example.dk"},
        {"operators: \"a@b.dk\\r\\nBcc: x\"\n",
         "c.yaml:1:12: operators holds a line end or another control character"},
        {"casedb: {port: 70000}\n",
         "c.yaml:1:16: casedb.port must be a whole number from 1 to 65535, not \"70000\""},
        {"casedb: {port: 54x}\n",
         "c.yaml:1:16: casedb.port must be a whole number from 1 to 65535, not \"54x\""},
        {"casedb: {host: 'db:5432/x y'}\n",
         "c.yaml:1:16: casedb.host must be a name or an address alone, without port or scheme"},
        {"casedb: {sslmode: verify_full}\n", "c.yaml:1:19: unknown casedb.sslmode \"verify_full\"; did you "
                                             "mean \"verify-full\"? Allowed: disable, "
                                             "allow, prefer, require, verify-ca, verify-full"},
        {"casedb: {sslrootcert: absent.pem}\n",
         "c.yaml:1:23: casedb.sslrootcert: ./absent.pem cannot be read: "
         "No such file or directory"},
        {"casedb: {poll_interval: 30}\n", "c.yaml:1:25: casedb.poll_interval must be a number and "
                                          "milliseconds, seconds, minutes, hours or days, "
                                          "from 100 milliseconds to 1 day, not \"30\""},
        {"casedb: {poll_interval: 2 days}\n", "c.yaml:1:25: casedb.poll_interval must be a number and "
                                              "milliseconds, seconds, minutes, hours or days, "
                                              "from 100 milliseconds to 1 day, not \"2 days\""},
        {"casedb: {poll_interval: 99999999999999999999 days}\n",
         "c.yaml:1:25: casedb.poll_interval must be a number and milliseconds, seconds, minutes, hours or "
         "days, "
         "from 100 milliseconds to 1 day, not \"99999999999999999999 days\""},
        {"casedb: {reconcile_at: 3:30}\n",
         "c.yaml:1:24: casedb.reconcile_at must be a time of day such as 08:00, not \"3:30\""},
        {"casedb: {queries: {cases: ''}}\n",
         "c.yaml:1:27: casedb.queries.cases must be a query of at most 20000 bytes"},
        {"mail: {retry: {first: 1500 milliseconds}}\n",
         "c.yaml:1:23: mail.retry.first counts in whole seconds"},
        {"mqtt: {tls: yes}\n", "c.yaml:1:13: mqtt.tls must be true or false, not \"yes\""},
        {"mail: {password: hunter2}\n", "c.yaml:1:18: mail.password: a secret does not stand in this file; "
                                        "put it into a file of its own (chmod "
                                        "600) and name that as password_file"},
        // What is missing.
        {"operators: a@b.dk\n",
         "c.yaml:1:1: site is missing: a short name of this municipality, a-z, 0-9 and -"},
        {"site: x\n", "c.yaml:1:1: operators is missing: the mail address that hears of what reached nobody"},
        {MINIMUM "casedb:\n  user: u\n", "c.yaml:4:3: casedb.database is missing: the name of the database"},
        {MINIMUM CASEDB JOURNAL "mail: {host: h}\n",
         "c.yaml:5:7: mail.from is missing: the sender's address"},
        {MINIMUM CASEDB JOURNAL MAIL,
         "c.yaml:1:1: mqtt.host is missing: the broker; or say mqtt: {enabled: false}"},
        // What does not fit together.
        {MINIMUM "casedb: {database: d, host: db.example.dk}\n" JOURNAL MAIL MQTT,
         "c.yaml:3:9: casedb.sslrootcert is missing: the certificates to check the server against, such as "
         "/etc/ssl/certs/ca-certificates.crt"},
        {MINIMUM "casedb: {database: d, sslcert: c.yaml}\n" JOURNAL MAIL MQTT,
         "c.yaml:3:32: casedb.sslcert needs casedb.sslkey beside it"},
        {MINIMUM CASEDB JOURNAL "mail: {host: localhost, from: a@b.dk, user: u}\n" MQTT,
         "c.yaml:5:45: mail.user needs mail.password_file beside it"},
        {MINIMUM CASEDB JOURNAL
         "mail: {host: localhost, from: a@b.dk, retry: {first: 1 hour, max: 1 minute}}\n" MQTT,
         "c.yaml:5:67: mail.retry.max is less than mail.retry.first"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_refused(cases[i].text, cases[i].message);
}

static void refuses_an_absent_file(void **state)
{
    (void)state;
    struct config config;
    struct error err = {{0}};
    assert_int_equal(config_load("absent.yaml", &config, &err), -1);
    assert_string_equal(err.text, "absent.yaml: cannot be opened: No such file or directory");
}

static void warns_of_what_goes_in_the_clear(void **state)
{
    (void)state;
    struct config config =
        load_good(MINIMUM "casedb: {database: d, host: db.example.dk, sslmode: prefer}\n" JOURNAL
                          "mail: {host: mx.example.dk, from: a@b.dk, tls: none}\n"
                          "mqtt: {host: 10.0.0.1, tls: false}\n");
    assert_int_equal(config.warning_count, 3);
    assert_string_equal(config.warnings[0], "c.yaml:3:53: sslmode prefer: who answers under this name is not "
                                            "checked; use verify-full");
    assert_string_equal(config.warnings[1],
                        "c.yaml:5:48: mail to mx.example.dk goes in the clear; use starttls or implicit");
    assert_string_equal(config.warnings[2], "c.yaml:6:29: events to 10.0.0.1 go in the clear; use tls: true");
    config_done(&config);
}

static void mqtt_may_be_switched_off(void **state)
{
    (void)state;
    struct config config = load_good(MINIMUM CASEDB JOURNAL MAIL "mqtt: {enabled: false}\n");
    assert_false(config.mqtt_enabled);
    config_done(&config);
}

static void a_secret_comes_from_a_file_of_its_own(void **state)
{
    (void)state;
    static const char *const texts[] = {"hunter2", "hunter2\n", "hunter2\r\n"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        put("secret", texts[i], 0600);
        struct config config =
            load_good(MINIMUM "casedb: {database: d, password_file: secret}\n" JOURNAL MAIL MQTT);
        assert_string_equal(config.casedb.server.password, "hunter2");
        config_done(&config);
    }
}

#define WITH_SECRET MINIMUM "casedb: {database: sager, password_file: secret}\n" JOURNAL MAIL MQTT

static void refuses_an_unsound_secret(void **state)
{
    (void)state;
    static const struct {
        const char *secret;
        mode_t mode;
        const char *message;
    } cases[] = {
        {"hunter2", 0604,
         "c.yaml:3:42: casedb.password_file: everybody may read ./secret; run chmod 600 on it, "
         "as the user of the service"},
        {"", 0600, "c.yaml:3:42: casedb.password_file: ./secret is empty"},
        {"\n", 0600, "c.yaml:3:42: casedb.password_file: ./secret is empty"},
        {"hunter2\nmore\n", 0600,
         "c.yaml:3:42: casedb.password_file: ./secret must hold the secret alone, on "
         "one line without control characters"},
    };
    assert_refused(WITH_SECRET,
                   "c.yaml:3:42: casedb.password_file: ./secret: cannot be opened: No such file or "
                   "directory");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put("secret", cases[i].secret, cases[i].mode);
        assert_refused(WITH_SECRET, cases[i].message);
    }
    put("secret", "hunter2", 0600);
    assert_refused(
        "mail: {password_file: secret, password_credential: mail}\n",
        "c.yaml:1:52: mail.password_credential: there are no credentials here; the unit file must say "
        "LoadCredential=mail:FILE");
}

static void a_credential_comes_from_systemds_folder(void **state)
{
    char *folder = *state;
    put("secret", "hunter2\n", 0444); // systemd guards the folder, not the file
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    struct config config =
        load_good(MINIMUM CASEDB JOURNAL
                  "mail: {host: localhost, from: a@b.dk, user: u, password_credential: secret}\n" MQTT);
    assert_string_equal(config.mail.server.password, "hunter2");
    config_done(&config);
    assert_refused("mail: {password_credential: ../secret}\n",
                   "c.yaml:1:29: mail.password_credential is the name of a credential, without a path");
    put("secret", "hunter2\n", 0600);
    assert_refused("mail: {password_file: secret, password_credential: secret}\n",
                   "c.yaml:1:52: a password_file and a password_credential are named; one is enough");
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void a_reload_takes_what_it_can(void **state)
{
    (void)state;
    static const struct {
        const char *text, *refusal; // NULL: none
    } cases[] = {
        {ALL, NULL},
        {ALL "log: {level: debug}\nrules: other\nlanguage: en\nlink: 'https://x/{case}'\n", NULL},
        {MINIMUM CASEDB JOURNAL MQTT "mail: {host: other, from: a@b.dk, connections: 1}\n", NULL},
        {MINIMUM
         "casedb: {database: sager, poll_interval: 1 second, reconcile_at: 04:00}\n" JOURNAL MAIL MQTT,
         NULL},
        {"site: new\noperators: drift@example.dk\n" CASEDB JOURNAL MAIL MQTT,
         "c.yaml: a restart is needed to change site, mqtt.client_id"},
        {MINIMUM "casedb: {database: new, port: 1}\n" JOURNAL MAIL
                 "mqtt: {enabled: false, host: localhost}\n",
         "c.yaml: a restart is needed to change casedb.port, casedb.database, mqtt.enabled"},
        {WITH_SECRET, "c.yaml: a restart is needed to change casedb.password_file"},
    };
    put("secret", "hunter2", 0600);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config old = load_good(ALL), new = load_good(cases[i].text);
        struct error err = {{0}};
        int result = config_reload_refusal(&old, &new, &err);
        assert_string_equal(err.text, cases[i].refusal ? cases[i].refusal : "");
        assert_int_equal(result, cases[i].refusal ? -1 : 0);
        config_done(&old);
        config_done(&new);
    }
}

static void the_sample_loads(void **state)
{
    (void)state;
    struct config config;
    struct error err = {{0}};
    if (config_load(FRISTD_SOURCE_DIR "/config/fristd.yaml", &config, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(config.rules_dir, FRISTD_SOURCE_DIR "/config/rules");
    assert_int_equal(config.warning_count, 0);
    config_done(&config);
}

// Takes the comment sign from every line that comments out a key.
static void uncomment(const char *text, struct buffer *into)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        size_t indent = strspn(text, " ");
        const char *rest = text + indent;
        size_t inner = rest[0] == '#' && rest[1] == ' ' ? strspn(rest + 2, " ") : 0;
        size_t name = rest[0] == '#' && rest[1] == ' '
                          ? strspn(rest + 2 + inner, "abcdefghijklmnopqrstuvwxyz_0123456789")
                          : 0;
        bool is_key = name > 0 && rest[2 + inner + name] == ':';
        buffer_add(into, text, indent);
        buffer_add(into, rest + (is_key ? 2 : 0), length - indent - (is_key ? 2 : 0));
        buffer_add_char(into, '\n');
        text += length + (text[length] == '\n');
    }
}

static void the_sample_shows_every_key_and_its_default(void **state)
{
    (void)state;
    struct buffer sample = {0}, full = {0};
    struct error err = {{0}};
    struct yaml *yaml = NULL;
    assert_int_equal(file_read(FRISTD_SOURCE_DIR "/config/fristd.yaml", 100000, &sample, NULL, &err), 0);
    uncomment(sample.data, &full);
    if (yaml_read_text("fristd.yaml", full.data, full.length, &yaml, &err) < 0)
        fail_msg("%s", err.text);
    size_t count = 0;
    for (const char *key; (key = config_key(count)) != NULL; count++) {
        const struct yaml_node *node = yaml_root(yaml);
        for (const char *at = key; at && node; at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "."), at);
            node = yaml_get(node, name);
        }
        if (node == NULL)
            fail_msg("config/fristd.yaml does not show %s", key);
    }
    assert_true(count > 60);
    yaml_close(yaml);
    buffer_done(&sample);
    buffer_done(&full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults_are_those_of_the_header, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(every_kind_of_value_is_read, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(refuses_in_words, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(refuses_an_absent_file, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(warns_of_what_goes_in_the_clear, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(mqtt_may_be_switched_off, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(a_secret_comes_from_a_file_of_its_own, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(refuses_an_unsound_secret, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(a_credential_comes_from_systemds_folder, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(a_reload_takes_what_it_can, enter_folder, leave_folder),
        cmocka_unit_test(the_sample_loads),
        cmocka_unit_test(the_sample_shows_every_key_and_its_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
