/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How this folder reaches libsystemd: by name, at the first call that needs it.
 *
 * Linked at build time the library costs every start half a millisecond and 1.1 MiB
 * of resident memory (it brings libgcrypt, liblzma, libzstd, liblz4 and libcap with
 * it), also where no systemd is near; an empty server's whole budget is 6 ms and
 * 5 MiB. So the callers look into the environment first, which says whether there is
 * anything to do, and only then ask here. The dynamic linker keeps the one handle;
 * asking again costs a look-up by name, well under a microsecond of what any of
 * these calls costs.
 */
#pragma once

/* The function NAME of libsystemd, or NULL if the library is not there. It is never unloaded. */
void *systemd_symbol(const char *name);

/* FN = the function of libsystemd of that name, typed as its header declares it. */
#define SYSTEMD_FUNCTION(variable, name)                                                                     \
    __typeof__(name) *variable = (__typeof__(name) *)systemd_symbol(#name)
