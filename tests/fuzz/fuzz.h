// SPDX-License-Identifier: MPL-2.0
// What a fuzz target defines: it takes any bytes, and is wrong when it crashes, leaks or hangs.
#ifndef FRISTD_TESTS_FUZZ_H
#define FRISTD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); // always 0

#endif
