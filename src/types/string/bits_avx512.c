/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops over many bytes for an x86 processor that counts bits in vectors of AVX-512.
 */
#include "types/string/bits_private.h"

#ifdef BITS_X86
#include <immintrin.h>

#define BITS_KERNELS     bits_kernels_avx512
#define BITS_WIDTH       64
#define BITS_TARGET      __attribute__((target("avx512f,avx512vpopcntdq,popcnt")))
#define BITS_POPCOUNT(w) (unsigned)__builtin_popcountll(w)
#define BITS_ANY(v)      _mm512_test_epi64_mask((__m512i)(v), (__m512i)(v)) != 0
#define BITS_LANES(v)    (bits_vector) _mm512_popcnt_epi64((__m512i)(v))
#include "types/string/bits_kernels.h"
#endif
