noinst_LIBRARIES += libcontainer.a
libcontainer_a_SOURCES = \
	src/container/dict.c \
	src/container/dict.h \
	src/container/dict_inline.h \
	src/container/dict_walk.c \
	src/container/wheel.c \
	src/container/wheel.h
libcontainer_a_CFLAGS = $(AM_CFLAGS)
