#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# Replays every harness's corpus; a harness without one fails.
status=0
for name in $FUZZ; do
    printf '%s: ' "$name"
    "$BUILDDIR/tests/fuzz/fuzz_$name" "$srcdir/tests/fuzz/corpus/$name" || status=1
done
exit $status
