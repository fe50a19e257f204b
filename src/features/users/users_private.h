/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sections as they are loaded (users_section.c) and as they are asked (users.c).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "config/config_section.h"

enum users_access { USERS_FULL, USERS_READ_ONLY };

/* A section's values. Each list is a condition if it is not empty: one of its words has to fit. */
struct users_record {
    struct config_list peer_uid; /* names or numbers */
    struct config_list peer_gid;
    struct config_list peer_unit;
    int access;
};

/* The number of the user (or GROUP) that WORD names or is. 0, or MR_E_CONFIG with the reason
 * appended to WHY. Asks the system's databases. */
int users_resolve(const char *word, bool group, uint32_t *ret_id, struct buf *why);
