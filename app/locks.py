"""Advisory locks: one number for each thing that only one process may do at a time in a database.

They are stated together so that no two are equal: with one number for two things, each stops the other at random.
A number is never given to something else, because processes of two releases meet on it during a rollout.
"""

from enum import IntEnum, unique


@unique
class Lock(IntEnum):
    """Keys of pg_advisory_lock and its relatives."""

    MIGRATION = 4_117_220_501
    LOGINS = 4_117_220_502
    SWEEP = 4_117_220_503
    SEED = 4_117_220_504
    COPY = 4_117_220_505
    """A second copy of the data on the server: of a restore, or of a restore check."""
