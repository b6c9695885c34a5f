"""Proof of requirement rows: small edits of the code (mutants) that the tests of their row must notice."""
