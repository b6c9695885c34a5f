"""Monthly cost of a stack, by a price table in the repository and stated assumptions."""
