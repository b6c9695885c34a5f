"""The strict numbers of the rules, as their sources have them: whoever configures nothing gets these."""

from __future__ import annotations

from policies.pack import RULES

NUMBERS = {
    "scale-limits": {"storageGb": 100, "databaseConnections": 200},
    "autoscaler-behaviour": {"cpuPercent": 70, "memoryPercent": 80, "scaleDownSeconds": 300},
    "connections-in-the-worst-case": {"databaseConnections": 200, "reserve": 10},
    "pod-user": {"least": 10_000},
    "bucket-lifecycle": {"days": 365, "abortDays": 7},
    "database-backups": {"days": 7},
    "locked-backups": {"leastDays": 7},
    "rate-limits": {"perMinute": 60_000},
    "rotated-key": {"deletionDays": 7},
    "budget": {"monthlyUsd": 1000},
    "known-sizes": {"leastLogDays": 30, "mostLogDays": 365},
    "several-instances": {"least": 2},
    "graceful-stop": {"preStopSeconds": 5, "drainSeconds": 25},
    "stand-in-zone": {"nodes": 2},
    "records-follow-health": {"ttlSeconds": 60},
    "failover-chain": {"regions": 2},
}


def test_the_numbers_of_the_rules_are_these_and_no_others() -> None:
    found: dict[str, dict[str, float]] = {}
    for rule in RULES:
        for tunable in rule.tunables:
            if isinstance(tunable.default, int | float) and not isinstance(tunable.default, bool):
                found.setdefault(rule.name, {})[tunable.name] = tunable.default
    assert found == NUMBERS
