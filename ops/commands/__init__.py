"""Commands of ``contentgen``, each a function of its name."""
