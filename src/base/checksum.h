/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CRC-64 of RDB files: the Jones polynomial 0xad93d23594c935a9, reflected in and
 * out, initial value 0, no final xor; of "123456789" it is 0xe9c6d914c4b8d9ca.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Continues CRC (0 at the start) over LEN bytes; about 1.5 GB/s on any recent 64-bit
 * machine, ten times that on x86-64 where the processor multiplies carry-less. */
uint64_t checksum_crc64(uint64_t crc, const void *data, size_t len);
/* That of FIRST's bytes with SECOND's, LEN of them, behind: what a head costs that is known last. */
uint64_t checksum_crc64_join(uint64_t first, uint64_t second, uint64_t len);
