#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# The system tests: the daemon as a process, its files, signals and systemd.
exec "$srcdir/tests/pytest.sh" "$srcdir/tests/system"
