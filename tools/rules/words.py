# SPDX-License-Identifier: MIT
"""What does not occur: calls, errors, names, sleeps."""

import re

from rules.report import complain
from sources import ROOT, SRC

PRINTS = re.compile(r"(?<![.>\w])(?P<name>(?:v?f?printf|puts|fputs|putchar|perror|abort|exit|_exit)"
                    r"\s*\(|std::(?:cout|cerr|clog|abort|exit|terminate)\b)")
BANNED = re.compile(r"(?<![.>\w])(?P<name>(?:strtol|strtoul|strtod|atoi|atol|atof|v?sprintf|system"
                    r"|popen|s?rand|gethostbyname)\s*\()")
PLATFORM = re.compile(r"^\s*#\s*(?:el)?if\w*\b.*\b(_WIN32|__APPLE__|_MSC_VER|__FreeBSD__)\b", re.M)
UNTYPED = re.compile(r"\bthrow\s+(?P<name>std::(?!bad_alloc|bad_array_new_length|move)\w+)")
ASYNC = re.compile(r"\basync_\w+\s*\(")
BARE = re.compile(r"\b(?:int|long|unsigned|float|double|(?:std::)?u?int\d+_t|(?:std::)?size_t)\s+"
                  r"(?P<name>timeout|delay|interval|duration|period|latency|age|wait|size_max)\b")
SLEEPS = re.compile(r"(?<![.>\w])(?P<name>(?:std::this_thread::)?sleep_(?:for|until)"
                    r"|::(?:u|nano)?sleep|usleep|nanosleep)\s*\(")
CASE = re.compile(r'^(?:CO_)?TEST\w*\(\s*"(?P<name>(?:[^"\\]|\\.)*)"', re.M)
IDS = re.compile(r"(?:(?:SEM|FLT)-[\w-]+)(?:, (?:SEM|FLT)-[\w-]+)*: ")


def check(files):
    for file in files:
        check_words(file)
        if SRC in file.path.parents:
            check_room(file)
        elif file.path.relative_to(ROOT).parts[0] == "tests":
            check_test(file)
    check_cases(files)


def check_words(file):
    for number, line in enumerate(file.lines, 1):
        if re.search(r"\bTODO\b(?!\(#\d+\))", line):
            complain(file.path, number, "todo", "TODO(#<issue>), or do it")
        if re.match(r"\s*#\s*if\s+0\b", line):
            complain(file.path, number, "dead", "git remembers what was there")
        if re.match(r"\s*//\s[^`]*[;{}]\s*$", line) and looks_like_code(line):
            complain(file.path, number, "dead", "code in a comment")


def looks_like_code(line):
    text = line.strip().lstrip("/").strip()
    return re.match(r"(?:if|for|while|return|auto|const|co_\w+)\b.*[;{]$|[\w.:>-]+\(.*\);$"
                    r"|[\w:<>]+[&*]? \w+ = .*;$", text) is not None


def check_room(file):
    room = file.path.relative_to(SRC).as_posix()
    quiet = not room.startswith(("programs/", "asyncio/testing/"))
    for rule, pattern in [("ban", BANNED)] + [("print", PRINTS)] * quiet:
        for found in pattern.finditer(file.code):
            if not is_declaration(file.code, found.start()):
                say(file, rule, found)
    for rule, pattern in [("error", UNTYPED), ("name", ASYNC), ("unit", BARE)]:
        for found in pattern.finditer(file.code):
            say(file, rule, found)
    for found in PLATFORM.finditer(file.text):
        say(file, "platform", found)


def say(file, rule, found):
    complain(file.path, file.line_of(found.start()), rule, found[0].strip().rstrip("( "))


def is_declaration(code, at):
    """Is the name at `at` one that is declared here, as in `Coro<> Barrier::abort()`?"""
    before = re.search(r"([\w>&*]+)\s+(?:\w+::)*$", code[max(at - 80, 0):at])
    return before is not None and before[1] not in (
        "return", "co_return", "co_await", "else", "do", "throw", "case")


def check_test(file):
    for found in SLEEPS.finditer(file.code):
        complain(file.path, file.line_of(found.start()), "sleep",
                 f"{found['name']}: a test sleeps on the virtual clock, or says why not")


def check_cases(files):
    """The name of a case is a sentence, and no other case has it."""
    seen = {}
    for file in files:
        if file.path.relative_to(ROOT).parts[0] != "tests":
            continue
        for found in CASE.finditer(file.text):
            line, name = file.line_of(found.start()), found["name"]
            sentence = IDS.sub("", name, count=1)
            ids = name[:len(name) - len(sentence)].count("-") and re.findall(
                r"(?:SEM|FLT)-[\w-]+", name[:len(name) - len(sentence)])
            if len(sentence.split()) < 3:
                complain(file.path, line, "case", f'"{name}" is no sentence that can be false')
            if ids and len(ids) > 3:
                complain(file.path, line, "case", "more than three statements in a case")
            if name in seen:
                complain(file.path, line, "case", f"its name is that of one in {seen[name]}")
            seen.setdefault(name, f"{file.name}:{line}")
