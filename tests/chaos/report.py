"""What a run of chaos counted, as text to read and as JSON to keep."""

import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from tests.running import ROOT

#: Where the counts are kept, once `make chaos` has been asked for.
PATH = ROOT / "docs" / "chaos" / "report.json"


def tell(name: str, counts: dict[str, Any]) -> None:
    """Prints the counts of one run; keeps them too where CHAOS_REPORT is set, as `make chaos` does."""
    sys.stdout.write(f"\n{name}\n" + "".join(f"  {key:<32} {_text(value)}\n" for key, value in counts.items()))
    if not os.environ.get("CHAOS_REPORT"):
        return
    path = Path(PATH)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept["machine"] = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    kept["date"] = time.strftime("%Y-%m-%d")
    kept.setdefault("runs", {})[name] = counts
    path.write_text(json.dumps(kept, indent=2) + "\n")


def _text(value: Any) -> str:
    return ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else str(value)
