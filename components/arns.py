"""Parsing and construction of ARNs without a look-up, so that a preview needs no cloud."""

from __future__ import annotations

import pulumi

ACCOUNT_FIELD = 4


def account_of(arn: pulumi.Output[str]) -> pulumi.Output[str]:
    """The account that a resource is in."""
    return arn.apply(lambda known: known.split(":")[ACCOUNT_FIELD])


def trail_arn(region: str, account: str, name: str) -> str:
    """The ARN that a trail will have, which policies must name before it exists."""
    return f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"
