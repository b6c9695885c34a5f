"""The stand-in for the random provider: passwords, strings and ids that are made once and kept in the state."""
