"""``python -m bench [NAME …]``: run the benches of these names, all without a name.

Each prints one line of JSON on standard output and its progress on standard error. The exit code is 0 also
when a bar does not hold: a bench measures, it does not judge.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Final

NAMES: Final = (
    "append", "asof", "feed", "filled", "growth", "http", "import", "load", "rebuild", "verify",
)  # fmt: skip
_MODULES: Final = {"import": "bench.import_"}
"""A module cannot be called as a statement is."""


def main(names: list[str]) -> int:
    """Run benches; 2 if a name is not one of them."""
    if unknown := [name for name in names if name not in NAMES]:
        print(f"no bench {unknown[0]!r}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in names or NAMES:
        result = importlib.import_module(_MODULES.get(name, f"bench.{name}")).run()
        print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
