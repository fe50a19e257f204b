/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LZF by liblzf, whose lengths are of 32 bits.
 */
#include "codec/compress.h"

#include <lzf.h>

size_t compress_pack(struct slice bytes, void *to, size_t room)
{
    if (bytes.len > UINT32_MAX || bytes.len == 0 || room == 0)
        return 0;
    return lzf_compress(bytes.ptr, (unsigned)bytes.len, to, room > UINT32_MAX ? UINT32_MAX : (unsigned)room);
}

bool compress_unpack(struct slice packed, void *to, size_t len)
{
    return packed.len <= UINT32_MAX && len <= UINT32_MAX &&
           lzf_decompress(packed.ptr, (unsigned)packed.len, to, (unsigned)len) == len;
}
