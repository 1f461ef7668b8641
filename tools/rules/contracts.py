# SPDX-License-Identifier: MIT
"""What the comments of headers promise: that there are some, their labels, `Cancel`."""

import re

from rules.declarations import doc_comment, items
from rules.report import complain
from sources import ROOT, SRC, closing, source

LABELS = ("Returns", "Throws", "Cancel", "Thread", "Lifetime", "Cost", "Source", "Example")


def check(files):
    headers = [file for file in files if SRC in file.path.parents and file.path.suffix == ".h"
               and "programs" not in file.path.relative_to(SRC).parts]
    for file in headers:
        check_labels(file)
        check_contracts(file)
    check_cancel(headers)
    for file in files:
        check_examples(file)
        if SRC in file.path.parents:
            check_lifetimes(file)


# --- labels -------------------------------------------------------------------------------------

def check_labels(file):
    """Parameters first, then the labels in their order."""
    last = -1
    for number, line in enumerate(file.lines, 1):
        if not re.match(r"\s*///", line):
            last = -1
            continue
        found = re.match(r"\s*/// (?P<name>[A-Za-z]\w*) {2,}\S", line)
        if not found:
            continue
        name = found["name"]
        if name[0].isupper() and name not in LABELS and not is_template_parameter(file, name):
            complain(file.path, number, "labels", f"{name} is none of {', '.join(LABELS)}")
            continue
        rank = LABELS.index(name) if name in LABELS else -1
        if rank < last:
            complain(file.path, number, "labels", f"{name} comes before {LABELS[last]}")
        last = max(rank, last)


def is_template_parameter(file, name):
    return re.search(rf"template\s*<[^;{{]*\b{name}\b", file.code) is not None


def check_examples(file):
    for number, line in enumerate(file.lines, 1):
        example = re.match(r"\s*/// Example\s+(\S+)", line)
        if example and not (ROOT / example[1]).is_file():
            complain(file.path, number, "example", f"there is no {example[1]}")


# --- every public declaration says what it does -------------------------------------------------

# What says enough by itself, or is said elsewhere: what the language calls, what is defined or
# declared twice, what is taken away.
SILENT = re.compile(r"^(?:friend|using|static_assert|extern|typedef|namespace)\b|\boperator\b|~"
                    r"|=\s*(?:delete|default)\s*$|^\s*$|^#")
LANGUAGE = re.compile(r"\b(?:await_ready|await_suspend|await_resume|begin|end|size|empty|what"
                      r"|get_return_object|initial_suspend|final_suspend)\s*\(")


def check_contracts(file):
    promised = set()  # by a declaration; what defines it later says no more
    for item in items(file.code):
        head = item.plain_head
        if {"detail", "promise_type"} & set(item.scopes) or item.access != "public":
            continue
        if SILENT.search(head) or LANGUAGE.search(head) or is_constructor(head, item.scopes) \
                or is_definition(head) or is_forward(item, head):
            continue
        name = re.search(r"(\w+)\s*(?:\(|$)", head)
        name = name[1] if name else head
        if has_comment(file, item):
            promised.add((*item.scopes, name))
        elif (*item.scopes, name) not in promised:
            complain(file.path, file.line_of(item.start), "contract",
                     f"what does it promise? {' '.join(head.split())[:60]}")


def has_comment(file, item):
    """Above it, above its group, or behind it on its line."""
    first = file.line_of(item.start)
    last = file.line_of(item.start + len(item.head))
    if any("//" in line for line in file.lines[first - 1:last]) or doc_comment(file, first):
        return True
    return first > 1 and file.lines[first - 2].lstrip().startswith("//")


def is_constructor(head, scopes):
    before = r"(?:explicit(?:\s*\(.*?\))?\s+|constexpr\s+|inline\s+)*"
    return bool(scopes[-1]) and re.match(rf"{before}{re.escape(scopes[-1])}\s*\(", head)


def is_definition(head):
    """Of something that was declared in its class: EventLoop::stop() {...}"""
    return re.search(r"\b[A-Z]\w*(?:<[^()]*>)?::\w+\s*(?:\(|$)|^(?:class|struct) \w+::",
                     head) is not None


def is_forward(item, head):
    return not item.body and bool(re.fullmatch(r"(?:enum\s+)?(?:class|struct)\s+[\w:]+", head))


# --- what can be awaited says what a cancel leaves behind ---------------------------------------

OPERATION = re.compile(r'\b(?:class|struct)\s+\[\[nodiscard\("co_await it[^"]*"\)\]\]\s+(\w+)')


def check_cancel(headers):
    operations = {name for file in headers for name in OPERATION.findall(file.text)} | {"Coro"}
    types = "|".join(sorted(operations))
    returns = re.compile(rf"\b(?:{types})\b(?:\s*<[^;{{}}]*>)?\s+(?P<name>[a-z_]\w*)\s*$"
                         rf"|\bauto\s+(?P<late>\w+)\s*\(.*\)[^()]*->\s*(?:{types})\b", re.S)
    for file in headers:
        for item in items(file.code):
            if item.access != "public" or {"detail", "promise_type"} & set(item.scopes):
                continue
            name = awaitable_name(returns, item.head)
            if name and name != "get_return_object":
                comment = doc_comment(file, file.line_of(item.start))
                if not re.search(r"^\s*///\s*Cancel\s+\S", comment, re.M):
                    complain(file.path, file.line_of(item.start), "cancel",
                             f"{name}() can be awaited: what does a cancellation leave behind?")


def awaitable_name(returns, head):
    """The name of the function that `head` declares, if it returns something to await."""
    if late := returns.search(head):
        if late["late"]:
            return late["late"]
    for paren in re.finditer(r"\(", head):
        if found := returns.search(head[:paren.start()]):
            return found["name"]
    return None

# --- references that cross an await -------------------------------------------------------------

COROUTINE = re.compile(r"\b(?:Coro|AsyncGenerator)\s*<[^;{}()]*>\s+(?:\w+::)*\w+\s*\(")
BORROWED = re.compile(r"(?:[&*]|\bstring_view|\bspan\s*<.*>)\s*(?P<name>\w+)\s*$", re.S)


def check_lifetimes(file):
    """What a coroutine only borrows is named in a LIFETIME: comment, or under `Lifetime`."""
    said = " ".join(found[0] for text in texts_of_room(file)
                    for found in re.finditer(r"//+ (?:LIFETIME:|Lifetime ).*(?:\n\s*//.*)*", text))
    for item in items(file.code):
        found = COROUTINE.search(item.head)
        if not item.body or item.kind or not found or "co_" not in file.code[slice(*item.body)]:
            continue
        end = closing(item.head, found.end() - 1)
        for parameter in re.split(r",(?![^<(]*[)>])", item.head[found.end():end]):
            borrowed = BORROWED.search(parameter.split("=")[0].rstrip())
            if borrowed and not re.search(rf"\b{borrowed['name']}\b", said):
                complain(file.path, file.line_of(item.start), "lifetime",
                         f"`{borrowed['name']}` crosses an await: LIFETIME: who owns it?")


def texts_of_room(file):
    other = file.path.with_suffix(".h" if file.path.suffix == ".cpp" else ".cpp")
    return [file.text] + ([source(other).text] if other.exists() else [])
