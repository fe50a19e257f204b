noinst_LIBRARIES += libkeyspace.a
libkeyspace_a_SOURCES = \
	src/keyspace/background.c \
	src/keyspace/background_private.h \
	src/keyspace/db.c \
	src/keyspace/db_event.c \
	src/keyspace/db_expire.c \
	src/keyspace/db_load.c \
	src/keyspace/db_walk.c \
	src/keyspace/db_write.c \
	src/keyspace/defrag.c \
	src/keyspace/defrag.h \
	src/keyspace/defrag_state.h \
	src/keyspace/entry.c \
	src/keyspace/entry.h \
	src/keyspace/entry_private.h \
	src/keyspace/entry_value.h \
	src/keyspace/evict.c \
	src/keyspace/evict.h \
	src/keyspace/evict_private.h \
	src/keyspace/evict_stamp.c \
	src/keyspace/evict_state.h \
	src/keyspace/expiring.c \
	src/keyspace/expiring.h \
	src/keyspace/keyspace.c \
	src/keyspace/keyspace.h \
	src/keyspace/keyspace_free.c \
	src/keyspace/keyspace_ops.h \
	src/keyspace/keyspace_private.h \
	src/keyspace/keyspace_state.h \
	src/keyspace/keyspace_stats.c \
	src/keyspace/object.c \
	src/keyspace/object.h \
	src/keyspace/observer.c \
	src/keyspace/observer.h \
	src/keyspace/rewrite.c \
	src/keyspace/rewrite.h \
	src/keyspace/siphash.h
libkeyspace_a_CFLAGS = $(AM_CFLAGS)
