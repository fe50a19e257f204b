# The manual. A page is NAME.in with the directories of this build in it and, in the
# place of a line @PIECE@, the generated piece. Pieces are the same everywhere, and are
# shipped.
nodist_man_MANS = man/miniredis.8 man/miniredis.conf.5 man/miniredis-commands.7
man_pieces = man/options.mdoc man/commands.mdoc
EXTRA_DIST += $(nodist_man_MANS:=.in) $(man_pieces)
CLEANFILES += $(nodist_man_MANS)
MAINTAINERCLEANFILES += $(man_pieces)

man/options.mdoc: $(tablegen_inputs) | src/tools/tablegen$(EXEEXT)
	$(run_tablegen) options >$@.new && mv $@.new $@

man/commands.mdoc: $(tablegen_inputs) | src/tools/tablegen$(EXEEXT)
	$(run_tablegen) commands >$@.new && mv $@.new $@

fill_in = $(SED) -e 's|[@]sysconfdir[@]|$(sysconfdir)|g'
# The piece, which comes first among the prerequisites, is read in by sed as it is.
fill_in_piece = $(fill_in) -e "/^@PIECE@$$/{r $<" -e 'd' -e '}'

man/miniredis.8: man/miniredis.8.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(fill_in) $(srcdir)/man/miniredis.8.in >$@.new && mv $@.new $@

man/miniredis.conf.5: man/options.mdoc man/miniredis.conf.5.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(fill_in_piece) $(srcdir)/man/miniredis.conf.5.in >$@.new && mv $@.new $@

man/miniredis-commands.7: man/commands.mdoc man/miniredis-commands.7.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(fill_in_piece) $(srcdir)/man/miniredis-commands.7.in >$@.new && mv $@.new $@
