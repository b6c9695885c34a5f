"""What a pull request does, in one comment: from the engine's own events to Markdown, without I/O in between."""
