/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command CLIENT: what a connection says about itself, the list of connections
 * with filters, closing them, and holding all of them back for a time.
 */
#pragma once

struct clients;
struct dispatch;
struct loop;

/* Adds its commands and its gate to D; both arguments must outlive it, and it must
 * outlive D's sessions. LOOP is for the timer of CLIENT PAUSE. */
struct clients *clients_new(struct dispatch *d, struct loop *loop);
void clients_free(struct clients *c);
