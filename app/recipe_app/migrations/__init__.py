"""Revisions of recipe-app's database."""
