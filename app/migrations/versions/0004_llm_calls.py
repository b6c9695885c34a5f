"""The ledger of paid calls, the day's total beside it, and what a job waits for (E07, M02). Only adds."""

from alembic import op

from app.platform_tables import LEDGER

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    *LEDGER,
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
