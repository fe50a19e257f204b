EXTRA_DIST += \
	debian/changelog \
	debian/control \
	debian/copyright \
	debian/local.mk \
	debian/miniredis.docs \
	debian/miniredis.install \
	debian/miniredis.lintian-overrides \
	debian/miniredis.manpages \
	debian/miniredis.postinst \
	debian/miniredis.postrm \
	debian/miniredis.prerm \
	debian/rules \
	debian/source/format \
	debian/source/lintian-overrides \
	debian/tests/command-line \
	debian/tests/control \
	debian/tests/service
