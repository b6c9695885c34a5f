"""Users, recipes and videos with row-level security, sessions, figures of the care (K17), and the platform's own."""

from alembic import op

from app.access.owners import row_policy
from app.platform_tables import ARCHIVES, IDENTITY, JOB, LEDGER

revision = "0001"
down_revision = None

STATES = "'pending', 'in_progress', 'ready', 'failed'"

STATEMENTS = (
    """
    CREATE TABLE users (
        client_id text PRIMARY KEY,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_seen_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    f"""
    CREATE TABLE recipes (
        id text PRIMARY KEY,
        created_at timestamptz NOT NULL,
        owner text NOT NULL REFERENCES users ON DELETE CASCADE,
        wanted jsonb NOT NULL,
        servings integer NOT NULL CHECK (servings > 0),
        diet text,
        complexity text NOT NULL CHECK (complexity IN ('simple', 'demanding')),
        recipe jsonb,
        provider text,
        model text,
        cached boolean NOT NULL DEFAULT false,
        input_tokens integer NOT NULL DEFAULT 0,
        output_tokens integer NOT NULL DEFAULT 0,
        cost_usd numeric(12, 6) NOT NULL DEFAULT 0,
        request_id text,
        {JOB.format(states=f"{STATES}, 'archived'")}
    )
    """,
    "CREATE INDEX recipes_owner ON recipes (owner, id DESC)",
    "CREATE INDEX recipes_created_at ON recipes (created_at)",
    "CREATE INDEX recipes_open ON recipes (updated_at) WHERE status IN ('pending', 'in_progress')",
    "CREATE INDEX recipes_failed ON recipes (id) WHERE status = 'failed'",
    f"""
    CREATE TABLE videos (
        id text PRIMARY KEY REFERENCES recipes ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now(),
        owner text NOT NULL,
        key text,
        bytes bigint,
        {JOB.format(states=STATES)}
    )
    """,
    "CREATE INDEX videos_open ON videos (updated_at) WHERE status IN ('pending', 'in_progress')",
    "CREATE INDEX videos_failed ON videos (id) WHERE status = 'failed'",
    *row_policy("recipes"),
    *row_policy("videos"),
    """
    CREATE TABLE sessions (
        id text PRIMARY KEY,
        client_id text NOT NULL,
        key_id text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX sessions_expires_at ON sessions (expires_at)",
    """
    CREATE TABLE cost_days (
        day date PRIMARY KEY,
        calls integer NOT NULL,
        tokens bigint NOT NULL,
        cost_usd numeric(12, 6) NOT NULL,
        recipes integer NOT NULL,
        from_cache integer NOT NULL,
        videos integer NOT NULL,
        users integer NOT NULL
    )
    """,
    """
    CREATE TABLE reports (
        kind text NOT NULL,
        first_day date NOT NULL,
        body jsonb NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (kind, first_day)
    )
    """,
    """
    CREATE TABLE system_metrics (
        taken_on date NOT NULL,
        name text NOT NULL,
        value double precision NOT NULL,
        PRIMARY KEY (taken_on, name)
    )
    """,
    """
    CREATE TABLE subscription_metrics (
        month date NOT NULL,
        tier text NOT NULL,
        clients integer NOT NULL,
        begun integer NOT NULL,
        ended integer NOT NULL,
        PRIMARY KEY (month, tier)
    )
    """,
    ARCHIVES,
    *IDENTITY,
    *LEDGER,
)


def upgrade() -> None:
    """In one transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
