/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops over many bytes for an x86 processor that has AVX2.
 */
#include "types/string/bits_private.h"

#ifdef BITS_X86
#include <immintrin.h>

#define BITS_KERNELS     bits_kernels_avx2
#define BITS_WIDTH       32
#define BITS_TARGET      __attribute__((target("avx2,popcnt")))
#define BITS_POPCOUNT(w) (unsigned)__builtin_popcountll(w)
#define BITS_ANY(v)      !_mm256_testz_si256((__m256i)(v), (__m256i)(v))
#include "types/string/bits_kernels.h"
#endif
