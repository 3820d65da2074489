// SPDX-License-Identifier: MPL-2.0
// The main function where there is no fuzzer: gives every file of the named folders to the target. An empty
// or absent folder is a failure, since then nothing was tested.
#include "fuzz.h"

#include "core/memory.h"
#include "shell/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (64 * 1024 * 1024)

static int replay_file(const char *path)
{
    struct buffer input = {0};
    struct error err;
    if (file_read(path, INPUT_MAX, &input, NULL, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    // A copy of just this size, so that the sanitizer sees a read beyond the end.
    uint8_t *bytes = memory_alloc(input.length);
    for (size_t i = 0; i < input.length; i++)
        bytes[i] = (uint8_t)input.data[i];
    LLVMFuzzerTestOneInput(bytes, input.length);
    free(bytes);
    buffer_done(&input);
    return 0;
}

static int replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        perror(folder);
        return -1;
    }
    int count = 0, result = 0;
    struct buffer path = {0};
    for (struct dirent *entry; result == 0 && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        buffer_clear(&path);
        buffer_format(&path, "%s/%s", folder, entry->d_name);
        result = replay_file(path.data);
        count++;
    }
    closedir(dir);
    buffer_done(&path);
    printf("%s: %d inputs\n", folder, count);
    return count == 0 ? -1 : result;
}

int main(int argc, char **argv)
{
    int status = argc < 2 ? EXIT_FAILURE : EXIT_SUCCESS;
    for (int i = 1; i < argc; i++)
        if (replay_folder(argv[i]) < 0)
            status = EXIT_FAILURE;
    return status;
}
