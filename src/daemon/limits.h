/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The limit of open descriptors, against the number of clients that are wanted.
 */
#pragma once

#include <stdint.h>

/* Descriptors beside the clients': listeners, files, the loop's own, standard ones. */
#define LIMITS_RESERVED 32

/* Raises the process's limit so that CLIENTS fit beside LIMITS_RESERVED. Returns how many
 * clients fit: CLIENTS, or fewer where the limit could not be raised, 0 if none does. A limit
 * that is higher already is left alone. *RET_LIMIT: the limit as it is then. */
int64_t limits_fit_clients(int64_t clients, uint64_t *ret_limit);

/* Sets *CLIENTS to FIT, what LIMIT open files have room for, and says so in the log. */
void limits_lower_clients(int64_t *clients, int64_t fit, uint64_t limit);
