# SPDX-License-Identifier: MIT
"""What tools/tidy has found so far, and the exceptions that files ask for."""

import re

from sources import ROOT, source

complaints = []


def complain(path, line, rule, message):
    """Notes what is wrong, unless the line or the one above it asks for an exception."""
    if path.suffix in (".h", ".cpp"):
        asks = re.compile(rf"// tidy: {rule}: \S")
        if any(asks.search(text) for text in source(path).lines[max(line - 2, 0):line]):
            return
    complaints.append((path.relative_to(ROOT).as_posix(), line, rule, message))
