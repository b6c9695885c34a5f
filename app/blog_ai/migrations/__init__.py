"""Revisions that blog-ai adds to content generation's."""
