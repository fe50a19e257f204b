/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See string_fixture.h.
 */
#include "types/string_fixture.h"

#include "base/clock.h"
#include "types/string/string.h"

void string_set_up(void)
{
    type_set_up(1);
    clock_freeze_ms(STRING_NOW);
    string_register(type_fixture.registry);
    type_observe(EVENT_STRING | EVENT_GENERIC | EVENT_EXPIRED);
}

int64_t string_expiry(void)
{
    const struct entry *e = type_find(type_fixture.db, "k");
    return e == NULL ? -2 : entry_expiry(e);
}
