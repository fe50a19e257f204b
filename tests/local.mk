# The unit suites, one program.
if HAVE_CHECK
check_PROGRAMS += tests/unit/unit
TESTS += tests/unit/unit
endif
tests_unit_unit_SOURCES = \
	tests/unit/base/check_arena.c \
	tests/unit/base/check_arena.h \
	tests/unit/base/check_arena_cushion.c \
	tests/unit/base/check_arena_model.c \
	tests/unit/base/check_arena_seal.c \
	tests/unit/base/check_buf.c \
	tests/unit/base/check_checksum.c \
	tests/unit/base/check_clock.c \
	tests/unit/base/check_counter.c \
	tests/unit/base/check_error.c \
	tests/unit/base/check_heap.c \
	tests/unit/base/check_log.c \
	tests/unit/base/check_log_event.c \
	tests/unit/base/check_number.c \
	tests/unit/base/check_random.c \
	tests/unit/base/check_text.c \
	tests/unit/codec/check_rdb_reader.c \
	tests/unit/codec/check_rdb_writer.c \
	tests/unit/codec/check_resp_reader.c \
	tests/unit/codec/check_resp_writer.c \
	tests/unit/codec/check_ziplist.c \
	tests/unit/command/block_fixture.c \
	tests/unit/command/block_fixture.h \
	tests/unit/command/check_block.c \
	tests/unit/command/check_command.c \
	tests/unit/command/check_dispatch.c \
	tests/unit/command/check_dispatch_gates.c \
	tests/unit/command/check_dispatch_sessions.c \
	tests/unit/command/check_registry.c \
	tests/unit/command/command_fixture.c \
	tests/unit/command/command_fixture.h \
	tests/unit/config/check_config.c \
	tests/unit/config/check_config_args.c \
	tests/unit/config/check_config_confuse.c \
	tests/unit/config/check_config_overlay.c \
	tests/unit/config/check_config_print.c \
	tests/unit/config/check_config_redis.c \
	tests/unit/config/check_config_secret.c \
	tests/unit/config/check_config_section.c \
	tests/unit/config/config_fixture.c \
	tests/unit/config/config_fixture.h \
	tests/unit/container/check_btree.c \
	tests/unit/container/check_dict.c \
	tests/unit/container/check_intset.c \
	tests/unit/container/check_listpack.c \
	tests/unit/container/check_wheel.c \
	tests/unit/features/check_keys_events.c \
	tests/unit/features/check_keys_sort.c \
	tests/unit/features/check_memory.c \
	tests/unit/features/check_memory_figures.c \
	tests/unit/features/check_users.c \
	tests/unit/features/keys_fixture.c \
	tests/unit/features/keys_fixture.h \
	tests/unit/keyspace/check_arena_rule.c \
	tests/unit/keyspace/check_db.c \
	tests/unit/keyspace/check_db_model.c \
	tests/unit/keyspace/check_db_write.c \
	tests/unit/keyspace/check_defrag.c \
	tests/unit/keyspace/check_entry.c \
	tests/unit/keyspace/check_evict.c \
	tests/unit/keyspace/check_expiring.c \
	tests/unit/keyspace/check_expiry.c \
	tests/unit/keyspace/check_observer.c \
	tests/unit/keyspace/check_siphash.c \
	tests/unit/keyspace/fake_type.h \
	tests/unit/loop/check_loop.c \
	tests/unit/main.c \
	tests/unit/net/check_net.c \
	tests/unit/net/check_net_limits.c \
	tests/unit/net/check_net_listen.c \
	tests/unit/net/check_net_options.c \
	tests/unit/net/check_peer.c \
	tests/unit/net/net_fixture.c \
	tests/unit/net/net_fixture.h \
	tests/unit/persist/check_kept.c \
	tests/unit/persist/check_loading.c \
	tests/unit/persist/check_rdb_load.c \
	tests/unit/persist/check_rdb_save.c \
	tests/unit/persist/rdb_make.c \
	tests/unit/persist/rdb_make.h \
	tests/unit/systemd/check_cgroup.c \
	tests/unit/systemd/check_process_unit.c \
	tests/unit/systemd/check_reload_socket.c \
	tests/unit/types/check_bitmap.c \
	tests/unit/types/check_bits.c \
	tests/unit/types/check_hash.c \
	tests/unit/types/check_hash_expire.c \
	tests/unit/types/check_hll.c \
	tests/unit/types/check_list.c \
	tests/unit/types/check_rewrite.c \
	tests/unit/types/check_set.c \
	tests/unit/types/check_set_expire.c \
	tests/unit/types/check_stream.c \
	tests/unit/types/check_stream_pel.c \
	tests/unit/types/check_string.c \
	tests/unit/types/check_string_family.c \
	tests/unit/types/check_string_lcs.c \
	tests/unit/types/check_zset.c \
	tests/unit/types/string_fixture.c \
	tests/unit/types/string_fixture.h \
	tests/unit/types/type_fixture.c \
	tests/unit/types/type_fixture.h \
	tests/unit/unit.h
tests_unit_unit_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_unit_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(LZF_CFLAGS)
tests_unit_unit_LDADD = $(layer_libs) $(layer_deps) $(CHECK_LIBS)

# Fuzz harnesses; make check replays their corpora.
check_PROGRAMS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/replay.c
tests_fuzz_fuzz_config_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_hash
tests_fuzz_fuzz_hash_SOURCES = tests/fuzz/fuzz_hash.c tests/fuzz/replay.c
tests_fuzz_fuzz_hash_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_hll
tests_fuzz_fuzz_hll_SOURCES = tests/fuzz/fuzz_hll.c tests/fuzz/replay.c
tests_fuzz_fuzz_hll_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_intset
tests_fuzz_fuzz_intset_SOURCES = tests/fuzz/fuzz_intset.c tests/fuzz/replay.c
tests_fuzz_fuzz_intset_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_list
tests_fuzz_fuzz_list_SOURCES = tests/fuzz/fuzz_list.c tests/fuzz/replay.c
tests_fuzz_fuzz_list_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_listpack
tests_fuzz_fuzz_listpack_SOURCES = tests/fuzz/fuzz_listpack.c tests/fuzz/replay.c
tests_fuzz_fuzz_listpack_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_rdb
tests_fuzz_fuzz_rdb_SOURCES = tests/fuzz/fuzz_rdb.c tests/fuzz/replay.c
tests_fuzz_fuzz_rdb_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_redisconf
tests_fuzz_fuzz_redisconf_SOURCES = tests/fuzz/fuzz_redisconf.c tests/fuzz/replay.c
tests_fuzz_fuzz_redisconf_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_resp
tests_fuzz_fuzz_resp_SOURCES = tests/fuzz/fuzz_resp.c tests/fuzz/replay.c
tests_fuzz_fuzz_resp_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_restore
tests_fuzz_fuzz_restore_SOURCES = tests/fuzz/fuzz_restore.c tests/fuzz/replay.c
tests_fuzz_fuzz_restore_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_set
tests_fuzz_fuzz_set_SOURCES = tests/fuzz/fuzz_set.c tests/fuzz/replay.c
tests_fuzz_fuzz_set_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_stream
tests_fuzz_fuzz_stream_SOURCES = tests/fuzz/fuzz_stream.c tests/fuzz/replay.c
tests_fuzz_fuzz_stream_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_ziplist
tests_fuzz_fuzz_ziplist_SOURCES = tests/fuzz/fuzz_ziplist.c tests/fuzz/replay.c
tests_fuzz_fuzz_ziplist_LDADD = $(layer_libs) $(layer_deps)
check_PROGRAMS += tests/fuzz/fuzz_zset
tests_fuzz_fuzz_zset_SOURCES = tests/fuzz/fuzz_zset.c tests/fuzz/replay.c
tests_fuzz_fuzz_zset_LDADD = $(layer_libs) $(layer_deps)
FUZZ = config hash hll intset list listpack rdb redisconf resp restore set stream ziplist zset

TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	srcdir='$(abs_top_srcdir)'; export srcdir; \
	BUILDDIR='$(abs_top_builddir)'; export BUILDDIR; \
	CC='$(CC)'; export CC; \
	FUZZ='$(FUZZ)'; export FUZZ; \
	CLANG_FORMAT='$(CLANG_FORMAT)'; export CLANG_FORMAT; \
	CODESPELL='$(CODESPELL)'; export CODESPELL; \
	PYTHON='$(PYTHON)'; export PYTHON; \
	REDIS_SERVER='$(REDIS_SERVER)'; export REDIS_SERVER; \
	MINIREDIS='$(abs_top_builddir)/miniredis$(EXEEXT)'; export MINIREDIS; \
	ASAN_OPTIONS="$${ASAN_OPTIONS-detect_leaks=1:allocator_may_return_null=1}"; export ASAN_OPTIONS; \
	UBSAN_OPTIONS="$${UBSAN_OPTIONS-print_stacktrace=1}"; export UBSAN_OPTIONS;

script_tests = tests/link.sh tests/lint.sh tests/docs.sh tests/fuzz.sh tests/wire.sh tests/system.sh
TESTS += $(script_tests)
# The scripts use what make check builds.
$(script_tests:.sh=.log): $(noinst_LIBRARIES) $(sbin_PROGRAMS) $(check_PROGRAMS)

EXTRA_DIST += \
	tests/booted/boot \
	tests/booted/booted.py \
	tests/booted/build \
	tests/booted/filtered \
	tests/booted/machine.py \
	tests/booted/rdb.py \
	tests/booted/root \
	tests/booted/run \
	tests/booted/test_activation.py \
	tests/booted/test_config.py \
	tests/booted/test_faults.py \
	tests/booted/test_life.py \
	tests/booted/test_package.py \
	tests/booted/test_sandbox.py \
	tests/booted/unprivileged \
	tests/conftest.py \
	tests/docs.sh \
	tests/docs/test_docs.py \
	tests/fuzz.sh \
	tests/fuzz/config_rows.h \
	tests/fuzz/fuzz.h \
	tests/fuzz/run \
	tests/fuzz/value.h \
	tests/link.sh \
	tests/lint.sh \
	tests/lint/exceptions.txt \
	tests/lint/layers.txt \
	tests/lint/lint.py \
	tests/lint/words.txt \
	tests/package/build \
	tests/package/layer \
	tests/package/life \
	tests/package/repack \
	tests/package/rpm \
	tests/package/rpm.macros \
	tests/package/run \
	tests/pytest.sh \
	tests/system.sh \
	tests/system/test_config.py \
	tests/system/test_daemon.py \
	tests/system/test_idle.py \
	tests/system/test_journal.py \
	tests/system/test_pressure.py \
	tests/system/test_reload.py \
	tests/system/test_systemd.py \
	tests/system/test_users.py \
	tests/wire.sh \
	tests/wire/changes.txt \
	tests/wire/oracle.py \
	tests/wire/random_commands.py \
	tests/wire/random_play.py \
	tests/wire/table.py \
	tests/wire/table_bitmap.txt \
	tests/wire/table_bitmap_field.txt \
	tests/wire/table_bitmap_op.txt \
	tests/wire/table_clients.txt \
	tests/wire/table_commands.txt \
	tests/wire/table_config.txt \
	tests/wire/table_connection.txt \
	tests/wire/table_copy.txt \
	tests/wire/table_dump.txt \
	tests/wire/table_geo.txt \
	tests/wire/table_hash.txt \
	tests/wire/table_hash_expiry.txt \
	tests/wire/table_hash_newer.txt \
	tests/wire/table_hll.txt \
	tests/wire/table_keys.txt \
	tests/wire/table_list.txt \
	tests/wire/table_list_move.txt \
	tests/wire/table_list_movem.txt \
	tests/wire/table_memory.txt \
	tests/wire/table_memory_cmds.txt \
	tests/wire/table_server.txt \
	tests/wire/table_set.txt \
	tests/wire/table_set_algebra.txt \
	tests/wire/table_set_expiry.txt \
	tests/wire/table_sort.txt \
	tests/wire/table_stream.txt \
	tests/wire/table_stream_group.txt \
	tests/wire/table_stream_group_newer.txt \
	tests/wire/table_stream_newer.txt \
	tests/wire/table_string.txt \
	tests/wire/table_string_lcs.txt \
	tests/wire/table_string_many.txt \
	tests/wire/table_string_newer.txt \
	tests/wire/table_string_numbers.txt \
	tests/wire/table_string_ranges.txt \
	tests/wire/table_string_times.txt \
	tests/wire/table_zset.txt \
	tests/wire/table_zset_block.txt \
	tests/wire/table_zset_newer.txt \
	tests/wire/table_zset_store.txt \
	tests/wire/test_bitmap.py \
	tests/wire/test_block.py \
	tests/wire/test_changes.py \
	tests/wire/test_clients.py \
	tests/wire/test_commands.py \
	tests/wire/test_differential.py \
	tests/wire/test_digest.py \
	tests/wire/test_dump.py \
	tests/wire/test_edges.py \
	tests/wire/test_evict.py \
	tests/wire/test_expiry.py \
	tests/wire/test_hash.py \
	tests/wire/test_hash_expiry.py \
	tests/wire/test_hll.py \
	tests/wire/test_info.py \
	tests/wire/test_limits.py \
	tests/wire/test_list.py \
	tests/wire/test_long_elements.py \
	tests/wire/test_lookups.py \
	tests/wire/test_memory.py \
	tests/wire/test_memory_cmds.py \
	tests/wire/test_out_of_memory.py \
	tests/wire/test_protocol.py \
	tests/wire/test_random.py \
	tests/wire/test_rdb.py \
	tests/wire/test_rdb_types.py \
	tests/wire/test_rewrite.py \
	tests/wire/test_save.py \
	tests/wire/test_scan.py \
	tests/wire/test_set.py \
	tests/wire/test_set_expiry.py \
	tests/wire/test_stream.py \
	tests/wire/test_stream_block.py \
	tests/wire/test_stream_group.py \
	tests/wire/wire.py

# The corpora are many small files with names of no meaning.
dist-hook: dist-corpora
.PHONY: dist-corpora
dist-corpora:
	cp -R $(srcdir)/tests/fuzz/corpus $(distdir)/tests/fuzz/
