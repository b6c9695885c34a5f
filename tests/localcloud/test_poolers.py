"""PgBouncer's declared configuration, made to run as a process of this machine."""

from __future__ import annotations

import pytest

from localcloud.runner.poolers import UnknownName, localised

DECLARED = """[databases]
contentgen = host=postgres port=5432 dbname=contentgen
contentgen_read = host=db.abc.rds.amazonaws.com port=5432 dbname=contentgen

[pgbouncer]
listen_addr = 0.0.0.0
pool_mode = transaction
"""
NAMES = {"postgres.contentgen": "127.16.0.2", "db.abc.rds.amazonaws.com": "127.16.0.9"}


def test_names_become_addresses_and_the_rest_stays_as_declared() -> None:
    changed = localised(DECLARED, "127.16.0.5", "contentgen", NAMES)
    assert changed == DECLARED.replace("=postgres ", "=127.16.0.2 ").replace(
        "=db.abc.rds.amazonaws.com ", "=127.16.0.9 "
    ).replace("0.0.0.0", "127.16.0.5")


def test_a_name_with_its_namespace_is_the_same_name() -> None:
    text = DECLARED.replace("host=postgres ", "host=postgres.contentgen.svc ")
    assert "host=127.16.0.2 " in localised(text, "127.16.0.5", "other", NAMES)


def test_a_name_nobody_answers_for_yet_is_waited_for() -> None:
    with pytest.raises(UnknownName, match=r"db\.abc\.rds\.amazonaws\.com"):
        localised(DECLARED, "127.16.0.5", "contentgen", {"postgres.contentgen": "127.16.0.2"})


def test_every_name_of_a_list_becomes_its_address() -> None:
    names = {"one.rds.amazonaws.com": "127.16.0.9", "two.rds.amazonaws.com": "127.16.0.10"}
    text = "app_read = host=one.rds.amazonaws.com,two.rds.amazonaws.com port=5432\n"
    assert localised(text, "127.16.0.5", "app", names) == "app_read = host=127.16.0.9,127.16.0.10 port=5432\n"
    with pytest.raises(UnknownName, match=r"two\.rds\.amazonaws\.com"):
        localised(text, "127.16.0.5", "app", {"one.rds.amazonaws.com": "127.16.0.9"})
