"""Reachability model: network policies and security groups as their documentation defines them, without a network."""
