"""Jobs by month, idempotency keys, API keys, flags, modes and the view of daily costs (A12, M02)."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE jobs (
    id text NOT NULL,
    created_at timestamptz NOT NULL,
    client_id text NOT NULL,
    owner text,
    topic text NOT NULL,
    content_type text NOT NULL CHECK (content_type IN ('blog', 'social')),
    keywords jsonb NOT NULL DEFAULT '[]',
    priority text NOT NULL CHECK (priority IN ('cost', 'quality', 'speed', 'balanced')),
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled', 'expired')),
    attempt integer NOT NULL DEFAULT 0,
    progress integer NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    updated_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    expires_at timestamptz NOT NULL,
    content jsonb,
    provider text,
    model text,
    input_tokens integer NOT NULL DEFAULT 0,
    output_tokens integer NOT NULL DEFAULT 0,
    cost_usd numeric(12, 6) NOT NULL DEFAULT 0,
    error_type text,
    error text,
    request_id text,
    trace_parent text,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);

CREATE TABLE jobs_default PARTITION OF jobs DEFAULT;

CREATE TABLE idempotency_keys (
    owner text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    job_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE TABLE api_keys (
    id text PRIMARY KEY,
    key_hash bytea NOT NULL,
    client_id text NOT NULL,
    name text NOT NULL,
    tier text NOT NULL CHECK (tier IN ('free', 'starter', 'pro', 'business')),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE feature_flags (
    name text PRIMARY KEY,
    enabled boolean NOT NULL,
    percent double precision NOT NULL CHECK (percent BETWEEN 0 AND 100),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE service_modes (
    name text PRIMARY KEY,
    value text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE VIEW daily_costs AS
SELECT
    (created_at AT TIME ZONE 'UTC')::date AS day,
    count(*) AS requests,
    sum(cost_usd) AS llm_cost_usd,
    count(*) * 0.001 AS request_cost_usd,
    sum(cost_usd) + count(*) * 0.001 AS total_cost_usd
FROM jobs
WHERE status = 'completed'
GROUP BY 1;
"""


def upgrade() -> None:
    """Statement by statement: asyncpg prepares one at a time."""
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
