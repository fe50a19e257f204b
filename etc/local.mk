EXTRA_DIST += etc/miniredis.conf etc/sample.rdb etc/make-sample

# The file of an installation that is there already stays as its admin wrote it.
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)'
	test -f '$(DESTDIR)$(sysconfdir)/miniredis.conf' || \
		$(INSTALL_DATA) $(srcdir)/etc/miniredis.conf '$(DESTDIR)$(sysconfdir)/miniredis.conf'

uninstall-local:
	cmp -s $(srcdir)/etc/miniredis.conf '$(DESTDIR)$(sysconfdir)/miniredis.conf' && \
		rm -f '$(DESTDIR)$(sysconfdir)/miniredis.conf' || :
