EXTRA_DIST += rpm/miniredis.spec rpm/miniredis.rpmlintrc
