// SPDX-License-Identifier: MPL-2.0
// Typed values out of YAML texts: numbers, booleans, times, dates, choices, durations. Every function refuses
// a node that is no text or no such value with its place, what is allowed and `what` the value is for.
#ifndef FRISTD_SHELL_YAML_VALUE_H
#define FRISTD_SHELL_YAML_VALUE_H

#include "core/civil.h"
#include "core/duration.h"
#include "shell/yaml.h"

// A text that is not empty, has no control characters and at most `max` bytes. It lives as long as the yaml.
int value_text(const struct yaml_node *node, const char *what, size_t max, const char **ret_text,
               struct error *err) MUST_CHECK;
int value_bool(const struct yaml_node *node, const char *what, bool *ret_value,
               struct error *err) MUST_CHECK; // true or false and nothing else
int value_int(const struct yaml_node *node, const char *what, int min, int max, int *ret_value,
              struct error *err) MUST_CHECK;
int value_choice(const struct yaml_node *node, const char *what, const char *const *names, size_t count,
                 int *ret_index, struct error *err) MUST_CHECK;
int value_time(const struct yaml_node *node, const char *what, int *ret_second,
               struct error *err) MUST_CHECK; // "HH:MM", as second of the day
int value_date(const struct yaml_node *node, const char *what, civil_date *ret_date,
               struct error *err) MUST_CHECK; // "YYYY-MM-DD"
int value_month_day(const struct yaml_node *node, const char *what, int *ret_month, int *ret_day,
                    struct error *err) MUST_CHECK; // "MM-DD", 02-29 included
int value_duration(const struct yaml_node *node, const char *what, struct duration *ret_duration,
                   struct error *err) MUST_CHECK; // as rules write them

// "30 seconds", "2 days": a length of time in configuration, where a day is 24 hours. Units milliseconds,
// seconds, minutes, hours, days; within min_ms and max_ms.
int value_interval(const struct yaml_node *node, const char *what, int64_t min_ms, int64_t max_ms,
                   int64_t *ret_ms, struct error *err) MUST_CHECK;

#endif
