noinst_LIBRARIES += libnet.a
libnet_a_SOURCES = \
	src/net/address.c \
	src/net/conn.c \
	src/net/conn_private.h \
	src/net/flush.c \
	src/net/listen.c \
	src/net/listen_private.h \
	src/net/net.c \
	src/net/net.h \
	src/net/net_private.h \
	src/net/options.c \
	src/net/peer.c \
	src/net/peer.h \
	src/net/plan.c \
	src/net/spare.c \
	src/net/stats.c \
	src/net/turn.c
libnet_a_CFLAGS = $(AM_CFLAGS)
