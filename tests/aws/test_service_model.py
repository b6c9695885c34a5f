"""Requests are held against botocore's service model: one case for each kind of limit, and a refusal on the way."""

from __future__ import annotations

import botocore.session
import grpc
import pytest
from botocore.model import Shape

from localcloud.aws.service_model import refusals
from tests.aws.world import World


def shape(service: str, operation: str) -> Shape:
    model = botocore.session.Session().get_service_model(service)
    return model.operation_model(operation).input_shape


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "told"),
    [
        ("route53", "CreateHealthCheck", {"HealthCheckConfig": {"Type": "PING"}}, "HealthCheckConfig.Type is 'PING'"),
        ("kms", "CreateAlias", {"AliasName": "no spaces here"}, "AliasName is 'no spaces here'; it must match"),
        ("iam", "CreateRole", {"RoleName": "x" * 65}, "allowed are 1 to 64 characters"),
        ("route53", "CreateHealthCheck", {"HealthCheckConfig": {"Port": 70_000}}, "allowed are 1 to 65535"),
        ("cloudwatch", "PutMetricAlarm", {"AlarmActions": ["a"] * 6}, "6 items; allowed are any to 5 items"),
    ],
    ids=["enumeration", "pattern", "length", "range", "items"],
)
def test_a_request_outside_the_model_is_refused_with_its_path(
    service: str, operation: str, parameters: dict[str, object], told: str
) -> None:
    assert any(told in line for line in refusals(shape(service, operation), parameters))


def test_a_request_within_the_model_passes() -> None:
    assert refusals(shape("iam", "CreateRole"), {"RoleName": "role", "AssumeRolePolicyDocument": "{}"}) == []


def test_the_provider_sends_no_request_that_the_model_refuses(world: World) -> None:
    with pytest.raises(grpc.RpcError) as error:
        world.make("aws:kms/alias:Alias", "alias", {"name": "alias/no spaces", "targetKeyId": "k"})
    assert "AliasName is 'alias/no spaces'" in error.value.details()
