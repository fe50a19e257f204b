# The generator of what the manual and the completion take from the tables. It is no
# part of an installation. The daemon's own table of options is not in a library.
noinst_PROGRAMS += src/tools/tablegen
src_tools_tablegen_SOURCES = \
	src/daemon/modules.def \
	src/daemon/options.c \
	src/daemon/options.h \
	src/tools/mdoc.c \
	src/tools/mdoc.h \
	src/tools/tablegen.c \
	src/tools/tablegen.h \
	src/tools/tablegen_commands.c \
	src/tools/tablegen_options.c
src_tools_tablegen_CFLAGS = $(AM_CFLAGS)
src_tools_tablegen_LDADD = $(layer_libs) $(layer_deps)

# What its output depends on. The program itself is not among it, so that pieces that came
# with a tarball are taken as they are, also where the program cannot run.
tablegen_inputs = $(src_tools_tablegen_SOURCES) $(libconfig_a_SOURCES) $(libnet_a_SOURCES) $(libcommand_a_SOURCES) \
	$(libtypes_a_SOURCES) $(libfeatures_a_SOURCES) $(libpersist_a_SOURCES)
run_tablegen = $(AM_V_GEN)$(MKDIR_P) $(@D) && src/tools/tablegen$(EXEEXT)
