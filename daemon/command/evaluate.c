// SPDX-License-Identifier: MPL-2.0
// fristd evaluate: RULES, section 7. No database, no network.
#include "command/command.h"

#include <stdio.h>

int command_evaluate(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fputs("fristd evaluate: not built yet\n", stderr);
    return EXIT_USAGE;
}
