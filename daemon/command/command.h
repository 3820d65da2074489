// SPDX-License-Identifier: MPL-2.0
// The sub-commands of fristd, one file each. argv[0] is the sub-command's name.
#ifndef FRISTD_COMMAND_COMMAND_H
#define FRISTD_COMMAND_COMMAND_H

// Where the configuration is unless --config says otherwise.
#define DEFAULT_CONFIG "/etc/fristd/fristd.yaml"

// What every sub-command returns.
enum { EXIT_GOOD = 0, EXIT_FOUND = 1, EXIT_USAGE = 2 };

int command_ack(int argc, char **argv);
int command_check(int argc, char **argv);
int command_run(int argc, char **argv);
int command_silence(int argc, char **argv);
int command_status(int argc, char **argv);
int command_migrate(int argc, char **argv);
int command_evaluate(int argc, char **argv);
int command_rules(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_report(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_events(int argc, char **argv);
int command_mqtt(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_render(int argc, char **argv);

#endif
