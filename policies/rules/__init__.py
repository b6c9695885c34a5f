"""The rules, one file an area: decisions are pure functions over plain values."""
