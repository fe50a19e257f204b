noinst_LIBRARIES += libloop.a
libloop_a_SOURCES = \
	src/loop/loop.c \
	src/loop/loop.h \
	src/loop/loop_epoll.c \
	src/loop/loop_poll.c \
	src/loop/loop_private.h \
	src/loop/timer.c
libloop_a_CFLAGS = $(AM_CFLAGS)
