#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs pytest over a folder, in as many processes as there are processors; exit
# status 77 (skipped) where there is no pytest.
for python in "${PYTHON:-python3}" /usr/bin/python3; do
    if "$python" -c 'import pytest, redis' 2>/dev/null; then
        parallel=
        "$python" -c 'import xdist' 2>/dev/null && parallel="-n $(nproc)"
        # shellcheck disable=SC2086
        exec "$python" -B -m pytest -q -p no:cacheprovider $parallel "$@"
    fi
done
echo "python3-pytest or python3-redis is not installed"
exit 77
