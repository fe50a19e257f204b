EXTRA_DIST += bench/bench.py bench/idle.py

# make bench: side by side with the redis-server that is installed; a table and
# bench.svg, its picture. It takes some minutes and wants two idle processors.
bench: miniredis$(EXEEXT)
	$(PYTHON) $(srcdir)/bench/bench.py --svg bench.svg \
		miniredis='$(abs_top_builddir)/miniredis$(EXEEXT) --port {port} --save ""' \
		redis='$(REDIS_SERVER) --port {port} --save ""'

.PHONY: bench
