// SPDX-License-Identifier: MPL-2.0
// Any bytes as the configuration: loaded, or refused with a place.
#include "fuzz.h"

#include "shell/config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    // A file in memory: paths in the configuration then count from a folder where there is nothing.
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert(fd >= 0);
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, data + done, size - done);
        assert(n > 0);
        done += (size_t)n;
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct config config;
    struct error err = {{0}};
    if (config_load(path, &config, &err) == 0) {
        assert(config.site && config.operators && config.mail_host);
        assert(config_reload_refusal(&config, &config, &err) == 0);
        config_done(&config);
    } else {
        assert(strncmp(err.text, path, strlen(path)) == 0);
    }
    close(fd);
    return 0;
}
