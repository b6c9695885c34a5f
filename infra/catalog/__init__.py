"""Facts that every stack is made of: regions, header values, sizes of stores and nodes, units. No settings, no I/O."""
