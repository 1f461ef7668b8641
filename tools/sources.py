# SPDX-License-Identifier: MIT
"""The sources as tools/tidy, tools/clang-tidy and tools/headers see them."""

import functools
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
CODE_FOLDERS = ("src", "tests", "examples", "bench", "fuzz")
TEXT_FOLDERS = (*CODE_FOLDERS, "cmake", "docs", "tools", ".ci")  # hand-written files of all kinds
HEAD_LINES = 15  # where a file asks for an exception that concerns all of it: `Long: <why>`

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.MULTILINE)
# A comment or a literal; 1'000 is none.
BLANKED = re.compile(
    r'''(?P<comment>//[^\n]*|/\*.*?\*/)'''
    r'''|R"(?P<mark>[^()\s\\"]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"'''
    r'''|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])*\'''', re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
CLOSING = {"(": ")", "[": "]", "{": "}"}


def blank(text):
    """Spaces in place of everything but the newlines, so that offsets stay."""
    return re.sub(r"[^\n]", " ", text)


class Source:
    """A C++ file: its text, and its code, where comments and literals are blank."""

    def __init__(self, path):
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.splitlines()

    @functools.cached_property
    def code(self):
        """The text without comments, what stands inside literals, and directives."""
        def blanked(found):
            if found["comment"]:
                return blank(found[0])
            return '"' + blank(found[0][1:-1]) + '"'  # what has been a literal is one still
        return DIRECTIVE.sub(lambda found: blank(found[0]), BLANKED.sub(blanked, self.text))

    @functools.cached_property
    def includes(self):
        """[(line number, path as it is written)]"""
        return [(self.line_of(found.start(1)), found[1]) for found in INCLUDE.finditer(self.text)]

    @functools.cached_property
    def project_includes(self):
        """The files of src/ that it includes."""
        return [SRC / name for _, name in self.includes if (SRC / name).is_file()]

    def says(self, word):
        """Does the head say `word: <why>`?"""
        return any(re.match(rf"//.*\b{word}: \S", line) for line in self.lines[:HEAD_LINES])

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1


def closing(code, start):
    """The offset of the bracket that closes the one at `start`, or the end of the code."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
            if depth == 0:
                return at
    return len(code) - 1


@functools.lru_cache(maxsize=None)
def source(path):
    return Source(path)


def cpp_files(folders=CODE_FOLDERS):
    """All C++ files below the folders, as Sources, in order."""
    found = []
    for folder in folders:
        for top, names, files in os.walk(ROOT / folder):
            names.sort()
            found += [source(Path(top) / file) for file in sorted(files)
                      if file.endswith((".h", ".cpp"))]
    return found


def all_project_includes(path):
    """Every file of src/ that `path` includes, directly or not."""
    seen, waiting = set(), [path]
    while waiting:
        for lower in source(waiting.pop()).project_includes:
            if lower not in seen:
                seen.add(lower)
                waiting.append(lower)
    return seen
