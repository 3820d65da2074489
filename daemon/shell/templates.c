// SPDX-License-Identifier: MPL-2.0
#include "shell/templates.h"

#include "shell/file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct folder {
    const char *common;
    char path[4096]; // with the language
    char file[4096 + 128];
    struct buffer text;
};

static int read_template(void *data, const char *file, struct template_source *ret_source, struct error *err)
{
    struct folder *folder = data;
    snprintf(folder->file, sizeof folder->file, "%s/%s", folder->path, file);
    if (strncmp(file, "parts/", 6) == 0 && access(folder->file, F_OK) != 0)
        snprintf(folder->file, sizeof folder->file, "%s/%s", folder->common, file);
    buffer_clear(&folder->text);
    buffer_add(&folder->text, "", 0); // an empty file is a text too
    if (file_read(folder->file, TEMPLATE_FILE_MAX, &folder->text, NULL, err) < 0)
        return -1;
    *ret_source = (struct template_source){folder->file, folder->text.data, folder->text.length};
    return 0;
}

static int open_folder(const char *directory, enum language language, struct folder *ret_folder,
                       struct error *err)
{
    static const char languages[][3] = {[LANGUAGE_DA] = "da", [LANGUAGE_EN] = "en"};
    *ret_folder = (struct folder){.common = directory};
    int length = snprintf(ret_folder->path, sizeof ret_folder->path, "%s/%s", directory, languages[language]);
    if ((size_t)length >= sizeof ret_folder->path)
        return error_set(err, "the path of the templates is longer than %zu bytes",
                         sizeof ret_folder->path - 1);
    return 0;
}

int templates_load(const char *directory, enum language language, struct wording **ret_wording,
                   struct error *err)
{
    struct folder folder;
    if (open_folder(directory, language, &folder, err) < 0)
        return -1;
    int result = wording_load(language, read_template, &folder, ret_wording, err);
    buffer_done(&folder.text);
    return result;
}

int templates_load_report(const char *directory, enum language language, const char *name,
                          struct report_templates **ret_templates, struct error *err)
{
    struct folder folder;
    if (open_folder(directory, language, &folder, err) < 0)
        return -1;
    int result = report_templates_load(read_template, &folder, name, ret_templates, err);
    buffer_done(&folder.text);
    return result;
}
