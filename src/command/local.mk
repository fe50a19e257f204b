noinst_LIBRARIES += libcommand.a
libcommand_a_SOURCES = \
	src/command/block.c \
	src/command/block.h \
	src/command/block_lines.c \
	src/command/block_private.h \
	src/command/command.h \
	src/command/command_flags.h \
	src/command/command_log.c \
	src/command/command_log.h \
	src/command/dispatch.c \
	src/command/dispatch.h \
	src/command/dispatch_batch.c \
	src/command/dispatch_block.c \
	src/command/dispatch_private.h \
	src/command/dispatch_reply.c \
	src/command/dispatch_stats.c \
	src/command/element_expire.c \
	src/command/element_expire.h \
	src/command/keys.c \
	src/command/registry.c \
	src/command/registry.h \
	src/command/scan.c \
	src/command/scan.h \
	src/command/session.c \
	src/command/session.h
libcommand_a_CFLAGS = $(AM_CFLAGS)
