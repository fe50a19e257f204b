noinst_LIBRARIES += libcontainer.a
libcontainer_a_SOURCES = \
	src/container/btree.c \
	src/container/btree.h \
	src/container/btree_cut.c \
	src/container/btree_node.c \
	src/container/btree_node.h \
	src/container/btree_private.h \
	src/container/btree_walk.c \
	src/container/dict.c \
	src/container/dict.h \
	src/container/dict_inline.h \
	src/container/dict_private.h \
	src/container/dict_walk.c \
	src/container/intset.c \
	src/container/intset.h \
	src/container/listpack.c \
	src/container/listpack.h \
	src/container/listpack_check.c \
	src/container/listpack_find.c \
	src/container/listpack_inline.h \
	src/container/listpack_private.h \
	src/container/wheel.c \
	src/container/wheel.h
libcontainer_a_CFLAGS = $(AM_CFLAGS)
