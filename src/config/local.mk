noinst_LIBRARIES += libconfig.a
libconfig_a_SOURCES = \
	src/config/config.c \
	src/config/config.h \
	src/config/config_args.c \
	src/config/config_confuse.c \
	src/config/config_file.c \
	src/config/config_known.c \
	src/config/config_load.c \
	src/config/config_load.h \
	src/config/config_overlay.c \
	src/config/config_part.c \
	src/config/config_print.c \
	src/config/config_private.h \
	src/config/config_read_private.h \
	src/config/config_redis.c \
	src/config/config_reload.c \
	src/config/config_resolve.c \
	src/config/config_resolve_private.h \
	src/config/config_scan.c \
	src/config/config_secret.c \
	src/config/config_section.h \
	src/config/config_set.c \
	src/config/config_statement.c \
	src/config/config_value.c
libconfig_a_CFLAGS = $(AM_CFLAGS) $(CONFUSE_CFLAGS)
