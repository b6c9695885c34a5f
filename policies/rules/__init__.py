"""The rules, one file an area: decisions are pure functions over plain mappings, wrapped for the SDK at the end."""
