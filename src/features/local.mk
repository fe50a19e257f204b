noinst_LIBRARIES += libfeatures.a
libfeatures_a_SOURCES = \
	src/features/clients/clients.c \
	src/features/clients/clients.def \
	src/features/clients/clients.h \
	src/features/clients/clients_filter.c \
	src/features/clients/clients_kill.c \
	src/features/clients/clients_print.c \
	src/features/clients/clients_private.h \
	src/features/commands/commands.c \
	src/features/commands/commands.def \
	src/features/commands/commands.h \
	src/features/commands/commands_private.h \
	src/features/commands/docs.c \
	src/features/config/config_feature.c \
	src/features/config/config_feature.def \
	src/features/config/config_feature.h \
	src/features/connection/connection.c \
	src/features/connection/connection.def \
	src/features/connection/connection.h \
	src/features/info/info.c \
	src/features/info/info.def \
	src/features/info/info.h \
	src/features/info/info_absent.c \
	src/features/info/info_private.h \
	src/features/info/info_rows.c \
	src/features/keys/keys.c \
	src/features/keys/keys.def \
	src/features/keys/keys.h \
	src/features/keys/keys_expire.c \
	src/features/keys/keys_private.h \
	src/features/keys/keys_scan.c \
	src/features/memory/memory.c \
	src/features/memory/memory.h \
	src/features/memory/memory_limit.c \
	src/features/memory/memory_pressure.c \
	src/features/memory/memory_private.h \
	src/features/memory/memory_rows.c \
	src/features/server/debug.c \
	src/features/server/server.c \
	src/features/server/server.def \
	src/features/server/server.h \
	src/features/server/server_private.h \
	src/features/users/users.c \
	src/features/users/users.h \
	src/features/users/users_private.h \
	src/features/users/users_section.c
libfeatures_a_CFLAGS = $(AM_CFLAGS)
