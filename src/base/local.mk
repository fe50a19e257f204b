noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/base/arena.c \
	src/base/arena.h \
	src/base/arena_evacuate.c \
	src/base/arena_map.c \
	src/base/arena_private.h \
	src/base/arena_runs.c \
	src/base/arena_seal.c \
	src/base/buf.c \
	src/base/buf.h \
	src/base/checksum.c \
	src/base/checksum.h \
	src/base/clock.c \
	src/base/clock.h \
	src/base/counter.c \
	src/base/counter.h \
	src/base/error.c \
	src/base/error.h \
	src/base/heap.c \
	src/base/heap.h \
	src/base/little.h \
	src/base/log.c \
	src/base/log.h \
	src/base/log_event.c \
	src/base/log_event.def \
	src/base/number.c \
	src/base/number.h \
	src/base/random.c \
	src/base/random.h \
	src/base/slice.h \
	src/base/text.c \
	src/base/text.h
libbase_a_CFLAGS = $(AM_CFLAGS)
