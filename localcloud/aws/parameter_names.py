"""Names of the parameters that managed stores have. A name that is not here is refused, in doubt too."""

from __future__ import annotations

from typing import Final

POSTGRES: Final = frozenset(
    {
        "DateStyle", "IntervalStyle", "TimeZone", "auto_explain.log_analyze", "auto_explain.log_buffers",
        "auto_explain.log_min_duration", "auto_explain.log_nested_statements", "auto_explain.log_timing",
        "auto_explain.sample_rate", "autovacuum", "autovacuum_analyze_scale_factor", "autovacuum_analyze_threshold",
        "autovacuum_freeze_max_age", "autovacuum_max_workers", "autovacuum_multixact_freeze_max_age",
        "autovacuum_naptime", "autovacuum_vacuum_cost_delay", "autovacuum_vacuum_cost_limit",
        "autovacuum_vacuum_insert_scale_factor", "autovacuum_vacuum_insert_threshold",
        "autovacuum_vacuum_scale_factor", "autovacuum_vacuum_threshold", "autovacuum_work_mem", "bgwriter_delay",
        "bgwriter_flush_after", "bgwriter_lru_maxpages", "bgwriter_lru_multiplier", "bytea_output",
        "check_function_bodies", "checkpoint_completion_target", "checkpoint_flush_after", "checkpoint_timeout",
        "checkpoint_warning", "client_connection_check_interval", "client_encoding", "client_min_messages",
        "commit_timestamp_buffers", "compute_query_id", "constraint_exclusion", "cpu_index_tuple_cost",
        "cpu_operator_cost", "cpu_tuple_cost", "createrole_self_grant", "cursor_tuple_fraction", "deadlock_timeout",
        "debug_pretty_print", "debug_print_parse", "debug_print_plan", "debug_print_rewritten",
        "default_statistics_target", "default_text_search_config", "default_toast_compression",
        "default_transaction_deferrable", "default_transaction_isolation", "default_transaction_read_only",
        "effective_cache_size", "enable_async_append", "enable_bitmapscan", "enable_gathermerge",
        "enable_group_by_reordering", "enable_hashagg", "enable_hashjoin", "enable_incremental_sort",
        "enable_indexonlyscan", "enable_indexscan", "enable_material", "enable_memoize", "enable_mergejoin",
        "enable_nestloop", "enable_parallel_append", "enable_parallel_hash", "enable_partition_pruning",
        "enable_partitionwise_aggregate", "enable_partitionwise_join", "enable_presorted_aggregate", "enable_seqscan",
        "enable_sort", "enable_tidscan", "event_triggers", "extra_float_digits", "from_collapse_limit", "geqo",
        "geqo_effort", "geqo_generations", "geqo_pool_size", "geqo_seed", "geqo_selection_bias", "geqo_threshold",
        "gin_fuzzy_search_limit", "gin_pending_list_limit", "hash_mem_multiplier", "hot_standby_feedback",
        "icu_validation_level", "idle_in_transaction_session_timeout", "idle_session_timeout", "jit",
        "jit_above_cost", "jit_inline_above_cost", "jit_optimize_above_cost", "join_collapse_limit", "lc_messages",
        "lc_monetary", "lc_numeric", "lc_time", "lock_timeout", "log_autovacuum_min_duration", "log_checkpoints",
        "log_connections", "log_disconnections", "log_duration", "log_error_verbosity", "log_executor_stats",
        "log_hostname", "log_line_prefix", "log_lock_waits", "log_min_duration_sample", "log_min_duration_statement",
        "log_min_error_statement", "log_min_messages", "log_parameter_max_length",
        "log_parameter_max_length_on_error", "log_parser_stats", "log_planner_stats", "log_recovery_conflict_waits",
        "log_replication_commands", "log_startup_progress_interval", "log_statement", "log_statement_sample_rate",
        "log_statement_stats", "log_temp_files", "log_timezone", "log_transaction_sample_rate",
        "logical_decoding_work_mem", "maintenance_work_mem", "max_connections", "max_locks_per_transaction",
        "max_logical_replication_workers", "max_notify_queue_pages", "max_parallel_maintenance_workers",
        "max_parallel_workers", "max_parallel_workers_per_gather", "max_pred_locks_per_page",
        "max_pred_locks_per_relation", "max_pred_locks_per_transaction", "max_prepared_transactions",
        "max_replication_slots", "max_slot_wal_keep_size", "max_stack_depth", "max_standby_streaming_delay",
        "max_wal_senders", "max_wal_size", "max_worker_processes", "min_dynamic_shared_memory",
        "min_parallel_index_scan_size", "min_parallel_table_scan_size", "min_wal_size", "multixact_member_buffers",
        "multixact_offset_buffers", "notify_buffers", "output_plugin_libraries", "parallel_leader_participation",
        "parallel_setup_cost", "parallel_tuple_cost", "password_encryption", "pg_stat_statements.max",
        "pg_stat_statements.save", "pg_stat_statements.track", "pg_stat_statements.track_planning",
        "pg_stat_statements.track_utility", "plan_cache_mode", "random_page_cost", "rds.adaptive_autovacuum",
        "rds.allowed_extensions", "rds.force_autovacuum_logging_level", "rds.force_ssl", "rds.log_retention_period",
        "rds.logical_replication", "rds.restrict_password_commands", "recursive_worktable_factor", "row_security",
        "search_path", "seq_page_cost", "serializable_buffers", "session_replication_role", "shared_buffers",
        "shared_preload_libraries", "statement_timeout", "stats_fetch_consistency", "subtransaction_buffers",
        "superuser_reserved_connections", "synchronous_commit", "tcp_keepalives_count", "tcp_keepalives_idle",
        "tcp_keepalives_interval", "tcp_user_timeout", "temp_buffers", "temp_file_limit", "timezone_abbreviations",
        "track_activities", "track_activity_query_size", "track_commit_timestamp", "track_counts", "track_functions",
        "track_io_timing", "track_wal_io_timing", "transaction_buffers", "transaction_timeout",
        "vacuum_buffer_usage_limit", "vacuum_cost_delay", "vacuum_cost_limit", "vacuum_cost_page_dirty",
        "vacuum_cost_page_hit", "vacuum_cost_page_miss", "vacuum_failsafe_age", "vacuum_freeze_min_age",
        "vacuum_freeze_table_age", "vacuum_multixact_failsafe_age", "vacuum_multixact_freeze_min_age",
        "vacuum_multixact_freeze_table_age", "wal_buffers", "wal_compression", "wal_keep_size", "wal_sender_timeout",
        "wal_writer_delay", "work_mem", "xmlbinary", "xmloption",
    }
)  # fmt: skip
"""Parameters of PostgreSQL 13 to 17 that RDS lets be set (RDS User Guide, Working with parameters on your RDS for
PostgreSQL DB instance; PostgreSQL documentation, Server Configuration).
"""

REDIS: Final = frozenset(
    {
        "acl-pubsub-default", "active-defrag-cycle-max", "active-defrag-cycle-min", "active-defrag-ignore-bytes",
        "active-defrag-max-scan-fields", "active-defrag-threshold-lower", "active-defrag-threshold-upper",
        "active-expire-effort", "activedefrag", "activerehashing", "appendonly",
        "client-output-buffer-limit-normal-hard-limit", "client-output-buffer-limit-normal-soft-limit",
        "client-output-buffer-limit-normal-soft-seconds", "client-output-buffer-limit-pubsub-hard-limit",
        "client-output-buffer-limit-pubsub-soft-limit", "client-output-buffer-limit-pubsub-soft-seconds",
        "client-output-buffer-limit-replica-hard-limit", "client-output-buffer-limit-replica-soft-limit",
        "client-output-buffer-limit-replica-soft-seconds", "close-on-replica-write",
        "cluster-allow-pubsubshard-when-down", "cluster-allow-reads-when-down", "cluster-enabled", "databases",
        "hash-max-listpack-entries", "hash-max-listpack-value", "hll-sparse-max-bytes", "latency-tracking",
        "lazyfree-lazy-eviction", "lazyfree-lazy-expire", "lazyfree-lazy-server-del", "lazyfree-lazy-user-del",
        "lfu-decay-time", "lfu-log-factor", "list-compress-depth", "list-max-listpack-size", "lua-time-limit",
        "maxmemory-policy", "maxmemory-samples", "min-replicas-max-lag", "min-replicas-to-write",
        "notify-keyspace-events", "proto-max-bulk-len", "rename-commands", "replica-allow-chaining",
        "reserved-memory-percent", "set-max-intset-entries", "slowlog-log-slower-than", "slowlog-max-len",
        "stream-node-max-bytes", "stream-node-max-entries", "tcp-keepalive", "timeout", "tracking-table-max-keys",
        "zset-max-listpack-entries", "zset-max-listpack-value",
    }
)  # fmt: skip
"""Parameters of Redis 7 (ElastiCache User Guide, Redis OSS specific parameters)."""
