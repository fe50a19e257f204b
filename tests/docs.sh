#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# The manual, the completion, the installed configuration and the README, against the program.
exec "$srcdir/tests/pytest.sh" "$srcdir/tests/docs"
