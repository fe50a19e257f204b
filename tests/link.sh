#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Links every layer's library whole against the libraries of lower ranks alone: a
# call upwards or sideways is an undefined symbol here.
set -u
libs="-lconfuse -llzf -lm -lpthread"
grep -q 'define HAVE_SYSTEMD 1' "$BUILDDIR/config.h" && libs="$libs -ldl"
case $(sed -n "s/^MR_LDFLAGS = //p" "$BUILDDIR/Makefile") in
*-fsanitize*) libs="$libs -fsanitize=address,undefined" ;;
esac
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
echo 'int main(void) { return 0; }' >"$dir/main.c"

status=0
check() {
    layer=$1
    shift
    lower=
    for l; do lower="$lower $BUILDDIR/lib$l.a"; done
    # shellcheck disable=SC2086
    if $CC -o "$dir/out" "$dir/main.c" -Wl,--whole-archive "$BUILDDIR/lib$layer.a" -Wl,--no-whole-archive \
        -Wl,--start-group $lower -Wl,--end-group $libs 2>"$dir/errors"; then
        echo "$layer: links against ${*:-nothing}"
    else
        echo "$layer: needs more than ${*:-nothing}"
        grep undefined "$dir/errors" | sort -u | head -5
        status=1
    fi
}
check base
check container base
check codec base
check config container codec base
check loop container codec base
check net loop config container codec base
check systemd loop config container codec base
check keyspace loop config container codec base
check command keyspace systemd net loop config container codec base
check types command keyspace systemd net loop config container codec base
check features command keyspace systemd net loop config container codec base
check persist command keyspace systemd net loop config container codec base
exit $status
