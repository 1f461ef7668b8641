# SPDX-License-Identifier: MIT
"""How a file looks: its head, its size, its lines."""

import re

from rules.declarations import items
from rules.report import complain
from sources import ROOT, SRC, TEXT_FOLDERS

ROOM_LINES_ASK = 500       # a file of src/ says why it has more
FILE_LINES_ASK = 800       # any other
FUNCTION_LINES_ASK = 40    # a function of src/ says why
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
LICENCE = "SPDX-License-Identifier: MIT"


def check(files):
    for file in files:
        check_head(file)
        check_size(file)
        check_own_header(file)
        check_width(file.path, file.lines)
    for path in text_files():
        check_text(path)


def check_head(file):
    lines = file.lines + [""] * 3
    if lines[0] != f"// {LICENCE}":
        complain(file.path, 1, "head", f"the first line is // {LICENCE}")
    if not re.match(r"// \S.{8,}", lines[1]):
        complain(file.path, 2, "head", "the second line says what the file is for")
    if file.path.suffix == ".h":
        code = [line for line in lines if line and not line.startswith("//")]
        if not code or code[0] != "#pragma once":
            complain(file.path, 3, "head", "after its head, a header begins with #pragma once")
    if not re.fullmatch(r"[\w-]+\.(?:h|cpp)", file.path.name) or \
            (SRC in file.path.parents and not re.fullmatch(r"[a-z0-9_.]+", file.path.name)):
        complain(file.path, 1, "head", "file names are snake_case")


def check_size(file):
    room = SRC in file.path.parents
    ask = ROOM_LINES_ASK if room else FILE_LINES_ASK
    if len(file.lines) > ask and not file.says("Long"):
        complain(file.path, 1, "size", f"{len(file.lines)} lines, and no `Long: <why>` in its head")
    ask = FUNCTION_LINES_ASK if room else FUNCTION_LINES_MAX
    for item in items(file.code):
        if item.body and not item.kind and ")" in item.head:
            first, last = (file.line_of(offset) for offset in item.body)
            if last - first + 1 > ask:
                complain(file.path, file.line_of(item.start), "size",
                         f"a function of {last - first + 1} lines")


def check_own_header(file):
    """A source includes its own header first: so that one sees that it stands alone."""
    header = file.path.with_suffix(".h")
    if file.path.suffix == ".cpp" and SRC in file.path.parents and header.exists():
        if not file.includes or file.includes[0][1] != header.relative_to(SRC).as_posix():
            complain(file.path, 1, "head", f"it includes {header.name} first")


def check_width(path, lines):
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            complain(path, number, "width", f"{len(line)} columns, more than {COLUMNS_MAX}")


# --- scripts, CMake files, documents --------------------------------------------------------------

def text_files():
    """All that is written by hand, but for the C++ files."""
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in TEXT_FOLDERS:
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    return sorted(path for path in found if path.suffix not in (".h", ".cpp", ".pyc"))


def check_text(path):
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return  # not written by hand
    lines = text.splitlines()
    if path.parent.name == "expected" or {"corpus", "files"} & set(path.parts):
        return  # what programs print, or are given
    if not text.endswith("\n") or text.endswith("\n\n"):
        complain(path, len(lines), "blank", "a file ends with one newline")
    for number, line in enumerate(lines, 1):
        if line != line.rstrip() or "\t" in line and path.suffix not in (".txt", ".tsv"):
            complain(path, number, "blank", "blanks at the end of the line, or a tab")
    if text.startswith("#!"):
        check_script(path, lines + [""] * 3)
    elif path.suffix == ".py":
        check_script(path, [""] + lines + [""] * 2)
    elif path.name == "CMakeLists.txt" or path.suffix == ".cmake":
        if not lines or not re.match(r"# \S", lines[0]):
            complain(path, 1, "head", "the first line says what the file is for")
        check_width(path, lines)


def check_script(path, lines):
    if lines[1] != f"# {LICENCE}":
        complain(path, 2, "head", f"the second line is # {LICENCE}")
    if not re.match(r'(# |""")\S', lines[2]):
        complain(path, 3, "head", "the third line says what the script is for")
    check_width(path, lines)
