"""CloudWatch metrics of successful backups and restore checks: an alarm outside the cluster listens for them (W03)."""

from collections.abc import Mapping

import boto3

from app.service_settings import ServiceSettings

BACKUP = "BackupSucceeded"
RESTORE_CHECK = "RestoreCheckSucceeded"


def count(settings: ServiceSettings, success: str, **figures: float) -> None:
    """Count a success of this region, with figures beside it; without a namespace nothing is sent.

    Raises botocore's errors: a success that is not counted ends in an alarm anyway.
    """
    if settings.backup_metrics is None:
        return
    values: Mapping[str, float] = {success: 1, **figures}
    client = boto3.client("cloudwatch", region_name=settings.backup_bucket_region or settings.region)
    dimensions = [{"Name": "Region", "Value": settings.region}]
    client.put_metric_data(
        Namespace=settings.backup_metrics,
        MetricData=[{"MetricName": name, "Value": value, "Dimensions": dimensions} for name, value in values.items()],
    )
