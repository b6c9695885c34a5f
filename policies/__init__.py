"""The policy pack. It imports nothing of the project, so it can check any project; limits come by configuration."""
