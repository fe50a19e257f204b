/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops over many bytes for every processor.
 */
#include "types/string/bits_kernels.h"
