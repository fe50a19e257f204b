/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command CLIENT: what a connection says about itself, the list of connections
 * with filters, closing them, and holding all of them back for a time. With it D becomes able
 * to block (command/block.h).
 */
#pragma once

struct clients;
struct dispatch;
struct loop;

/* Adds its commands and its gate to D; both arguments must outlive it, and it must
 * outlive D's sessions. LOOP is for the timers of CLIENT PAUSE and of those who wait; it must
 * outlive D. */
struct clients *clients_new(struct dispatch *d, struct loop *loop);
void clients_free(struct clients *c);
