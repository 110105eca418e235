#!/usr/bin/env python3
"""Check that includes follow the layers of docs/architecture.md: a folder includes only itself and
what lies below it. Prints each include that does not and exits with 1 if there is one."""

import re
import sys
from pathlib import Path

# From the bottom up; folders in one row know nothing of each other.
LAYERS = [
    ["runtime"],
    ["compiler/ir"],
    ["compiler/expr"],
    ["compiler/ops"],
    ["passes"],
    ["compiler/lower"],
    ["compiler/backends", "frontends"],
    ["compiler/driver"],
    ["tools", "examples", "bench"],
]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def layer(path):
    """(rank, folder) of a source or an include; None for what is outside the layers."""
    for rank, folders in enumerate(LAYERS):
        for folder in folders:
            if path.startswith(folder + "/"):
                return rank, folder
    return None


def violations(root):
    for folder in (f for folders in LAYERS for f in folders):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in (".h", ".cpp"):
                continue
            name = str(file.relative_to(root))
            own = layer(name)
            for include in INCLUDE.findall(file.read_text()):
                other = layer(include)
                if other and other[1] != own[1] and other[0] >= own[0]:
                    yield f"{name} includes {include}: {own[1]} lies below or beside {other[1]}"


def main():
    root = Path(__file__).resolve().parent.parent
    found = list(violations(root))
    print("\n".join(found) or "includes follow the layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
