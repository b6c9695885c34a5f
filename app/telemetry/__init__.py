"""What the service says about itself: logs, metrics, errors and traces."""
