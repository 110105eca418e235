#!/usr/bin/env python3
"""Check that headers, sources and functions stay short enough to be read in one go. Prints what is
too long and exits with 1 if anything is. Rows of tables and labels of switches do not count.
Relies on clang-format's layout."""

import re
import sys
from pathlib import Path

FOLDERS = ["runtime", "compiler", "passes", "frontends", "tools", "bench", "examples", "tests"]
LONGEST = {".h": 300, ".cpp": 500}
LONGEST_FUNCTION = 60
TABLE = re.compile(r"^\s*((static )?const(expr|init)? .*=|return) \{$")
INDENTS = ["", "  "]  # of functions, and of those in a class


def length(body):
    """Lines that count: not those of a table (static const ... = { ... };), no case labels."""
    count, table_end = 0, None
    for line in body:
        if table_end:
            table_end = None if line == table_end else table_end
        elif TABLE.match(line):
            table_end = line[: len(line) - len(line.lstrip())] + "};"
        elif not line.lstrip().startswith("case "):
            count += 1
    return count


def functions(lines):
    """(first line, length) of each function with a body of several lines."""
    for indent in INDENTS:
        start = None
        previous = ""
        for number, line in enumerate(lines):
            text = line[len(indent) :]
            here = line.startswith(indent) and text[:1] not in ("", " ")
            if here and text == "}" and start is not None:
                yield start + 1, length(lines[start : number + 1])
            opens = here and text[0] not in "}#/" and previous[-1:] in ("", ";", "}", "{", ":", ">")
            if opens:
                start = number
            if line.strip() and not line.lstrip().startswith("//"):
                previous = line.split("  //")[0].rstrip()
            elif not line.strip():
                previous = ""


def main():
    root = Path(__file__).resolve().parent.parent
    found = []
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in LONGEST:
                continue
            name = file.relative_to(root)
            lines = file.read_text().splitlines()
            if len(lines) > LONGEST[file.suffix]:
                found.append(f"{name}: {len(lines)} lines, at most {LONGEST[file.suffix]}")
            for line, count in functions(lines):
                if count > LONGEST_FUNCTION:
                    found.append(f"{name}:{line}: a function of {count} lines, "
                                 f"at most {LONGEST_FUNCTION}")
    print("\n".join(found) or "nothing is too long")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
