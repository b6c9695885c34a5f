"""Pull-request comment: from the engine's own events to Markdown, without I/O in between."""
