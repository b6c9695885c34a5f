"""Revisions of TEMPLATE_name's database."""
