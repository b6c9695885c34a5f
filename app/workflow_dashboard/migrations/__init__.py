"""Revisions of workflow-dashboard's database."""
