EXTRA_DIST += etc/miniredis.conf etc/sample.rdb etc/make-sample

# The file of an installation that is there already stays as its admin wrote it.
install-etc:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/miniredis.conf.d' '$(DESTDIR)$(sysconfdir)/miniredis'
	test -f '$(DESTDIR)$(sysconfdir)/miniredis.conf' || \
		$(INSTALL_DATA) -m 640 $(srcdir)/etc/miniredis.conf '$(DESTDIR)$(sysconfdir)/miniredis.conf'

uninstall-etc:
	cmp -s $(srcdir)/etc/miniredis.conf '$(DESTDIR)$(sysconfdir)/miniredis.conf' && \
		rm -f '$(DESTDIR)$(sysconfdir)/miniredis.conf' || :
	-rmdir '$(DESTDIR)$(sysconfdir)/miniredis.conf.d' '$(DESTDIR)$(sysconfdir)/miniredis' 2>/dev/null

.PHONY: install-etc uninstall-etc
