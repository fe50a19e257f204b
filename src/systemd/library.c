/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds libsystemd at run time; see systemd_private.h for why. Keeps no state.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifdef HAVE_SYSTEMD

#include <dlfcn.h>
#include <stddef.h>

#include "systemd/systemd_private.h"

void *systemd_symbol(const char *name)
{
    void *library = dlopen("libsystemd.so.0", RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL)
        return NULL;
    void *symbol = dlsym(library, name);
    /* NODELETE keeps it mapped; closing only keeps the linker's count of openings even. */
    dlclose(library);
    return symbol;
}

#endif
