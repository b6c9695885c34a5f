"""Releasing a stack: the plan that was approved, smoke tests, a watch, back by itself, and a word either way."""
