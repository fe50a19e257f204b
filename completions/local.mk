# The completion for bash: the handwritten functions and, in the place of a line
# @OPTIONS@, the generated list, which is shipped.
bashcompletiondir = $(datadir)/bash-completion/completions
nodist_bashcompletion_DATA = completions/miniredis
EXTRA_DIST += completions/miniredis.in completions/options.txt
CLEANFILES += completions/miniredis
MAINTAINERCLEANFILES += completions/options.txt

completions/options.txt: $(tablegen_inputs) | src/tools/tablegen$(EXEEXT)
	$(run_tablegen) completion >$@.new && mv $@.new $@

completions/miniredis: completions/options.txt completions/miniredis.in
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) -e "/^@OPTIONS@$$/{r $<" -e 'd' -e '}' \
		$(srcdir)/completions/miniredis.in >$@.new && mv $@.new $@
