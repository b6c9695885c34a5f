"""The products that this program can deploy."""
