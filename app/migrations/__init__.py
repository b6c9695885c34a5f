"""Forward-only migrations (alembic); `python -m app migrate` runs them."""
