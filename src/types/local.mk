noinst_LIBRARIES += libtypes.a
libtypes_a_SOURCES = \
	src/types/string/bitmap.def \
	src/types/string/bitmap.h \
	src/types/string/bitmap_cmds.c \
	src/types/string/bitmap_field.c \
	src/types/string/bitmap_op.c \
	src/types/string/bitmap_private.h \
	src/types/string/bits.c \
	src/types/string/bits.h \
	src/types/string/bits_avx2.c \
	src/types/string/bits_avx512.c \
	src/types/string/bits_field.c \
	src/types/string/bits_kernels.h \
	src/types/string/bits_portable.c \
	src/types/string/bits_private.h \
	src/types/string/hll.def \
	src/types/string/hll.h \
	src/types/string/hll_cmds.c \
	src/types/string/hll_cmds.h \
	src/types/string/hll_debug.c \
	src/types/string/hll_dense.c \
	src/types/string/hll_estimate.c \
	src/types/string/hll_private.h \
	src/types/string/hll_selftest.c \
	src/types/string/hll_sketch.c \
	src/types/string/hll_sparse.c \
	src/types/string/string.def \
	src/types/string/string.h \
	src/types/string/string_cmds.c \
	src/types/string/string_digest.c \
	src/types/string/string_increx.c \
	src/types/string/string_lcs.c \
	src/types/string/string_many.c \
	src/types/string/string_number.c \
	src/types/string/string_object.c \
	src/types/string/string_options.c \
	src/types/string/string_private.h \
	src/types/string/string_range.c
libtypes_a_CFLAGS = $(AM_CFLAGS) $(XXHASH_CFLAGS)
