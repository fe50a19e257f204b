# What systemd reads. The files name the places of a distribution's package
# (/usr/sbin, /etc); installed under another prefix they name that one's.
systemd_units = \
	systemd/miniredis.service \
	systemd/miniredis.socket \
	systemd/miniredis@.service \
	systemd/miniredis@.socket

# For admins to copy; installed beside the documentation.
systemd_drop_ins = \
	systemd/container.conf \
	systemd/network.conf \
	systemd/peer-users.conf

EXTRA_DIST += $(systemd_units) $(systemd_drop_ins) systemd/make-catalog \
	systemd/miniredis.sysusers systemd/miniredis.tmpfiles systemd/miniredis.catalog

systemd_edit = $(SED) -e 's|/usr/sbin/miniredis|$(sbindir)/miniredis|g' -e 's|/etc/miniredis|$(sysconfdir)/miniredis|g'
if NOTIFY_RELOAD
systemd_edit += -e 's/^Type=notify$$/&-reload\nReloadSignal=SIGURG/'
endif

install-systemd:
if INSTALL_UNITS
	$(MKDIR_P) '$(DESTDIR)$(systemdsystemunitdir)' '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)' \
		'$(DESTDIR)$(catalogdir)' '$(DESTDIR)$(docdir)/examples'
	for file in $(systemd_units); do \
		to='$(DESTDIR)$(systemdsystemunitdir)'/"$${file#systemd/}"; \
		$(systemd_edit) "$(srcdir)/$$file" >"$$to" && chmod 644 "$$to" || exit; \
	done
	to='$(DESTDIR)$(tmpfilesdir)/miniredis.conf'; \
		$(systemd_edit) $(srcdir)/systemd/miniredis.tmpfiles >"$$to" && chmod 644 "$$to"
	$(INSTALL_DATA) $(srcdir)/systemd/miniredis.sysusers '$(DESTDIR)$(sysusersdir)/miniredis.conf'
	$(INSTALL_DATA) $(srcdir)/systemd/miniredis.catalog '$(DESTDIR)$(catalogdir)/miniredis.catalog'
	for file in $(systemd_drop_ins); do \
		$(INSTALL_DATA) "$(srcdir)/$$file" '$(DESTDIR)$(docdir)/examples/' || exit; \
	done
endif

uninstall-systemd:
if INSTALL_UNITS
	for file in $(systemd_units); do rm -f '$(DESTDIR)$(systemdsystemunitdir)'/"$${file#systemd/}"; done
	for file in $(systemd_drop_ins); do rm -f '$(DESTDIR)$(docdir)/examples'/"$${file#systemd/}"; done
	rm -f '$(DESTDIR)$(sysusersdir)/miniredis.conf' '$(DESTDIR)$(tmpfilesdir)/miniredis.conf' \
		'$(DESTDIR)$(catalogdir)/miniredis.catalog'
endif

.PHONY: install-systemd uninstall-systemd
