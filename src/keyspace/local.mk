noinst_LIBRARIES += libkeyspace.a
libkeyspace_a_SOURCES = \
	src/keyspace/db.c \
	src/keyspace/db_expire.c \
	src/keyspace/db_load.c \
	src/keyspace/entry.c \
	src/keyspace/entry.h \
	src/keyspace/entry_private.h \
	src/keyspace/keyspace.c \
	src/keyspace/keyspace.h \
	src/keyspace/keyspace_ops.h \
	src/keyspace/keyspace_private.h \
	src/keyspace/object.c \
	src/keyspace/object.h \
	src/keyspace/siphash.h
libkeyspace_a_CFLAGS = $(AM_CFLAGS)
