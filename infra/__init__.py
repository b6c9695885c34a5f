"""The stack's settings, its providers, and the program itself."""

from infra.lean_imports import install

install()
