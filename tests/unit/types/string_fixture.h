/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fixture of types with the rows of the string commands and their events, and the clock frozen
 * at STRING_NOW.
 */
#pragma once

#include "types/type_fixture.h"

#define STRING_NOW 1700000000000

void string_set_up(void);
/* The expiry of the key "k", -1 if it has none, -2 if there is no such key. */
int64_t string_expiry(void);
