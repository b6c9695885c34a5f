"""Permissions as AWS decides them: policy documents, their evaluation, and the gate before the embedded AWS."""
