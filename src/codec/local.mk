noinst_LIBRARIES += libcodec.a
libcodec_a_SOURCES = \
	src/codec/compress.c \
	src/codec/compress.h \
	src/codec/rdb_reader.c \
	src/codec/rdb_reader.h \
	src/codec/rdb_writer.c \
	src/codec/rdb_writer.h \
	src/codec/resp_reader.c \
	src/codec/resp_reader.h \
	src/codec/resp_writer.c \
	src/codec/resp_writer.h \
	src/codec/ziplist.c \
	src/codec/ziplist.h
libcodec_a_CFLAGS = $(AM_CFLAGS) $(LZF_CFLAGS)
