/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See session.h: the texts that a client gives itself. They stand unquoted in the
 * lines of CLIENT LIST, so what would break such a line is not taken.
 */
#include "command/session.h"

#include "base/heap.h"

bool session_text_valid(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '!' || text.ptr[i] > '~')
            return false;
    return true;
}

void session_set_text(char **text, struct slice to)
{
    heap_free(*text);
    *text = to.len == 0 ? NULL : heap_memdup(to.ptr, to.len);
}
