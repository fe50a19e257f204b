noinst_LIBRARIES += libpersist.a
libpersist_a_SOURCES = \
	src/persist/kept.c \
	src/persist/kept.h \
	src/persist/loading.c \
	src/persist/loading.h \
	src/persist/loading_options.c \
	src/persist/rdb_items.c \
	src/persist/rdb_load.c \
	src/persist/rdb_load.h \
	src/persist/rdb_names.c \
	src/persist/rdb_private.h \
	src/persist/rdb_save.c \
	src/persist/rdb_save.h \
	src/persist/saving.c \
	src/persist/saving.def \
	src/persist/saving.h
libpersist_a_CFLAGS = $(AM_CFLAGS)
