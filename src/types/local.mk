noinst_LIBRARIES += libtypes.a
libtypes_a_SOURCES = \
	src/types/string/string.def \
	src/types/string/string.h \
	src/types/string/string_cmds.c \
	src/types/string/string_object.c \
	src/types/string/string_private.h
libtypes_a_CFLAGS = $(AM_CFLAGS) $(XXHASH_CFLAGS)
