"""The Pulumi program, the settings of its stacks, and the catalogue that they are made of."""
