"""What the benches share: the agent with its costs, synthetic repositories, a Git server, git beside it, tables."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
