"""The ledger of paid calls, the day's total beside it, and what a job waits for (E07, M02). Only adds."""

from alembic import op

revision = "0004"
down_revision = "0003"

# `day` is the UTC day whose budget the call is part of. One unsettled call a text: the index is the lock that keeps two
# processes from paying for the same text.
STATEMENTS = (
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
    "ALTER TABLE jobs ADD COLUMN IF NOT EXISTS fresh boolean NOT NULL DEFAULT false",
    "ALTER TABLE jobs ADD COLUMN IF NOT EXISTS waits integer NOT NULL DEFAULT 0",
    # A day before there was a ledger keeps the sum of its jobs.
    """
    CREATE OR REPLACE VIEW daily_costs AS
    WITH done AS (
        SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS requests, sum(cost_usd) AS cost_usd
        FROM jobs WHERE status = 'completed' GROUP BY 1
    ), paid AS (
        SELECT day, sum(CASE WHEN settled_at IS NULL THEN reserved_usd ELSE cost_usd END) AS cost_usd
        FROM llm_calls GROUP BY 1
    ), days AS (
        SELECT day, coalesce(done.requests, 0) AS requests, coalesce(paid.cost_usd, done.cost_usd) AS cost_usd
        FROM done FULL JOIN paid USING (day)
    )
    SELECT day, requests, cost_usd AS llm_cost_usd, requests * 0.001 AS request_cost_usd,
           cost_usd + requests * 0.001 AS total_cost_usd
    FROM days
    """,
)


def upgrade() -> None:
    """A column with a constant default rewrites no row, so the lock on jobs is as short as the catalogue's change."""
    for statement in STATEMENTS:
        op.execute(statement)
