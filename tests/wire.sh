#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# The wire tests: the daemon over its sockets, alone and beside the oracle.
exec "$srcdir/tests/pytest.sh" "$srcdir/tests/wire"
