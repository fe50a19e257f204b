/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a process runs in a unit, told from its control group. Needs no libsystemd.
 *
 * A unit is named as its manager names it, "nginx.service"; one of a user's own manager
 * behind that manager's unit, "user@1000.service/app.service". The path of a control
 * group is read from its root: slices, the unit, and what that unit does with its own
 * subtree. Only the outermost unit is the system manager's word. Further in, whoever the
 * subtree was delegated to names groups as they like: a user can run an "nginx.service",
 * and so can a container. Hence a name never matches deeper than where it stands in UNIT.
 *
 *   /system.slice/nginx.service/worker                            nginx.service
 *   /user.slice/user-1000.slice/session-3.scope                   session-3.scope
 *   /user.slice/user-1000.slice/user@1000.service/app.slice/nginx.service
 *                                       user@1000.service, user@1000.service/nginx.service
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whether TEXT can be such a name. */
bool process_unit_is_name(const char *text);

/* Whether the control group at PATH belongs to UNIT. */
bool process_unit_has_path(const char *unit, const char *path);

/* Where to look; the fields of process_unit_here are the kernel's own mount points. */
struct process_unit_place {
    const char *proc;
    const char *cgroup;
};
extern const struct process_unit_place process_unit_here;

/* Whether process PID belongs to UNIT. Reads /proc/PID/cgroup; where other users' processes
 * are hidden (ProtectProc=), the lists of processes in UNIT's own control groups. A path
 * that cannot be read is no match. */
bool process_unit_has(const struct process_unit_place *place, const char *unit, pid_t pid);
