// SPDX-License-Identifier: MPL-2.0
#include "core/acknowledgement.h"

#include <string.h>

bool acknowledgement_holds_back(const struct acknowledgement *holding, const char *role)
{
    if (holding == NULL)
        return false;
    size_t length = strlen(role);
    for (const char *at = holding->told; *at; at += strcspn(at, ",") + 1)
        if (strncmp(at, role, length) == 0 && at[length] == ',')
            return true;
    return false;
}

static bool tells_nobody_new(const struct acknowledgement *holding, const struct stage *stage)
{
    for (int i = 0; i < stage->to_count; i++)
        if (!acknowledgement_holds_back(holding, stage->to[i]))
            return false;
    return true;
}

uint64_t acknowledgement_silent_stages(const struct acknowledgement *holding,
                                       const struct escalation *escalation)
{
    uint64_t silent = 0;
    for (int i = 0; holding && escalation && i < escalation->stage_count; i++)
        if (tells_nobody_new(holding, &escalation->stages[i]))
            silent |= (uint64_t)1 << i;
    return silent;
}
