sbin_PROGRAMS += miniredis
miniredis_SOURCES = \
	src/daemon/arguments.c \
	src/daemon/arguments.h \
	src/daemon/background.c \
	src/daemon/background.h \
	src/daemon/daemon.c \
	src/daemon/daemon.h \
	src/daemon/daemon_config.c \
	src/daemon/daemon_private.h \
	src/daemon/daemon_start.c \
	src/daemon/ending.c \
	src/daemon/ending.h \
	src/daemon/housekeeping.c \
	src/daemon/housekeeping.h \
	src/daemon/idle.c \
	src/daemon/idle.h \
	src/daemon/limits.c \
	src/daemon/limits.h \
	src/daemon/logging.c \
	src/daemon/logging.h \
	src/daemon/main.c \
	src/daemon/modules.def \
	src/daemon/options.c \
	src/daemon/options.h \
	src/daemon/pidfile.c \
	src/daemon/pidfile.h \
	src/daemon/progress.c \
	src/daemon/progress.h \
	src/daemon/reload.c \
	src/daemon/reload.h \
	src/daemon/types.c \
	src/daemon/types.h \
	src/daemon/watchdog.c \
	src/daemon/watchdog.h
miniredis_CFLAGS = $(AM_CFLAGS)
miniredis_LDADD = $(layer_libs) $(layer_deps)
