EXTRA_DIST += bench/bench.py bench/bits.py bench/client.py bench/evict.py bench/expiry.py bench/idle.py bench/scale.py bench/shrink.py bench/stall.py bench/values.py

# How long single operations of the keyspace take; not built by itself:
# make bench/table_latency && bench/table_latency
EXTRA_PROGRAMS = bench/table_latency
bench_table_latency_SOURCES = bench/table_latency.c bench/histogram.h
bench_table_latency_LDADD = $(layer_libs) $(layer_deps)

# The same for commands on one element of a big value; make bench/value_latency && bench/value_latency
EXTRA_PROGRAMS += bench/value_latency
bench_value_latency_SOURCES = bench/value_latency.c bench/plays.h
bench_value_latency_LDADD = $(layer_libs) $(layer_deps)

# What the B+ tree takes in time and memory; make bench/btree && bench/btree
EXTRA_PROGRAMS += bench/btree
bench_btree_SOURCES = bench/btree.c
bench_btree_LDADD = $(layer_libs) $(layer_deps)

# All of these, so that they are built somewhere when nobody measures.
bench-programs: bench/table_latency$(EXEEXT) bench/value_latency$(EXEEXT) bench/btree$(EXEEXT)

# make bench: side by side with the redis-server that is installed; a table and
# bench.svg, its picture. It takes some minutes and wants two idle processors.
bench: miniredis$(EXEEXT)
	$(PYTHON) $(srcdir)/bench/bench.py --svg bench.svg \
		miniredis='$(abs_top_builddir)/miniredis$(EXEEXT) --port {port} --save ""' \
		redis='$(REDIS_SERVER) --port {port} --save ""'

.PHONY: bench bench-programs
