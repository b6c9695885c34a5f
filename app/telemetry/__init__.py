"""Telemetry of the service: logs, metrics, errors and traces."""
