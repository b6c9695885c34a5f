"""Starts the pack for the engine, which asks for its port on the first line of the output."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.analyzer import Analyzer
from policies.pack import NAME, RULES, VERSION
from policies.serving import serve

serve(Analyzer(NAME, VERSION, RULES))
