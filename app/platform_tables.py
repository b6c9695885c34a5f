"""Statements that make the platform's tables in a product's database; each product's first migrations run them.

They are as the first release made them: what changes later is a migration of each product.
"""

from typing import Final

IDENTITY: Final = (
    """
    CREATE TABLE api_keys (
        id text PRIMARY KEY,
        key_hash bytea NOT NULL,
        client_id text NOT NULL,
        name text NOT NULL,
        tier text NOT NULL CHECK (tier IN ('free', 'starter', 'pro', 'business')),
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz,
        changed_at timestamptz NOT NULL DEFAULT now(),
        tier_event_at timestamptz
    )
    """,
    "CREATE INDEX api_keys_client_id ON api_keys (client_id)",
    """
    CREATE TABLE revocations (
        id text PRIMARY KEY,
        revoked_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX revocations_revoked_at ON revocations (revoked_at)",
    "CREATE INDEX revocations_expires_at ON revocations (expires_at)",
    """
    CREATE TABLE feature_flags (
        name text PRIMARY KEY,
        enabled boolean NOT NULL,
        percent double precision NOT NULL CHECK (percent BETWEEN 0 AND 100),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE service_modes (
        name text PRIMARY KEY,
        value text NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE TABLE leases (duty text PRIMARY KEY, holder text NOT NULL, until timestamptz NOT NULL)",
)
"""API keys, revocations, flags, modes and elections."""

# `day` is the UTC day whose budget the call is part of. One unsettled call a text: the index is the lock that keeps two
# processes from paying for the same text.
LEDGER: Final = (
    """
    CREATE TABLE IF NOT EXISTS llm_calls (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        day date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
        text_key text NOT NULL,
        job_id text,
        attempt integer,
        client_id text,
        provider text NOT NULL,
        model text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('sync', 'batch')),
        batch text,
        item text,
        input_tokens integer NOT NULL DEFAULT 0,
        output_tokens integer NOT NULL DEFAULT 0,
        thought_tokens integer NOT NULL DEFAULT 0,
        cached_tokens integer NOT NULL DEFAULT 0,
        cost_usd numeric(12, 6) NOT NULL DEFAULT 0,
        reserved_usd numeric(12, 6) NOT NULL,
        outcome text,
        reserved_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        settled_at timestamptz,
        CHECK ((settled_at IS NULL) = (outcome IS NULL))
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS llm_calls_open ON llm_calls (text_key) WHERE settled_at IS NULL",
    "CREATE INDEX IF NOT EXISTS llm_calls_day ON llm_calls (day)",
    "CREATE INDEX IF NOT EXISTS llm_calls_client ON llm_calls (client_id)",
    # What the calls of a day cost, or may still cost: one row to lock instead of a sum over the day.
    "CREATE TABLE IF NOT EXISTS llm_days (day date PRIMARY KEY, committed_usd numeric(12, 6) NOT NULL)",
)
"""Paid calls of language models, and the day's total beside them (E07, M02)."""

JOB: Final = """
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ({states})),
    attempt integer NOT NULL DEFAULT 0,
    waits integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    expires_at timestamptz NOT NULL,
    error_type text,
    error text
"""
"""Columns by which the attempts at a job are counted and fenced, with the ``states`` of its table (app.attempts)."""

ARCHIVES: Final = """
    CREATE TABLE archives (
        key text PRIMARY KEY,
        kind text NOT NULL,
        rows integer NOT NULL,
        sha256 text NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now()
    )
    """
"""Objects of the archive (app.archive)."""

ACTIVITY: Final = """
    CREATE TABLE IF NOT EXISTS activity (
        service text PRIMARY KEY,
        asked_at timestamptz NOT NULL
    )
    """
"""Time of each service's last request, by which autoscalers know that none comes (app.activity)."""
