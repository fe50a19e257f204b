noinst_LIBRARIES += libsystemd.a
libsystemd_a_SOURCES = \
	src/systemd/cgroup.c \
	src/systemd/cgroup.h \
	src/systemd/check_listen.c \
	src/systemd/check_listen.h \
	src/systemd/fds.c \
	src/systemd/journal.c \
	src/systemd/library.c \
	src/systemd/notify.c \
	src/systemd/process_unit.c \
	src/systemd/process_unit.h \
	src/systemd/reload_socket.c \
	src/systemd/reload_socket.h \
	src/systemd/systemd.h \
	src/systemd/systemd_private.h
libsystemd_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
