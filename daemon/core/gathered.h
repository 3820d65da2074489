// SPDX-License-Identifier: MPL-2.0
// The mail that carries several notices: from their facts to subject, plain text and HTML. For wording.c.
#ifndef FRISTD_CORE_GATHERED_H
#define FRISTD_CORE_GATHERED_H

#include "core/wording.h"

int gathered_load(wording_read read, void *data, struct mail_templates *ret_templates,
                  struct error *err) MUST_CHECK;
void gathered_render(const struct mail_templates *templates, struct desk *desk,
                     const struct gathered_facts *facts, struct mail_text *into);

#endif
