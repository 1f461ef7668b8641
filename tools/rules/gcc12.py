# SPDX-License-Identifier: MIT
"""What g++ 12 gets wrong in an expression with co_await: destroys twice, or rejects."""

import re

from rules.report import complain
from sources import closing

CONDITION = re.compile(r"\s*(?:else\s+)?(?:if|while|switch|for)\b(?:\s+constexpr)?\s*\(")
LAMBDA = re.compile(r"(?P<before>[\w)\]&]?)\s*\[(?P<captures>[^\[\]]*)\]\s*"
                    r"(?:<[^{}()]*>\s*)?(?:\([^{}]*?\))?[^(){};,]*\{", re.S)
BRACED = re.compile(r"[(,]\s*\{\s*[^}\s]"
                    r"|\b(?:vector|array|map|set|deque|list|initializer_list)\s*<[^;{}()]*>"
                    r"\s*\{\s*[^}\s]")
OBJECT = re.compile(r"\bstd::(?:move|string)\b|\b(?:[A-Z]\w*|string)(?:<[^;?]*>)?\s*[({]")
DECLARES = re.compile(
    r"(?:^|[;{}(])\s*(?!(?:return|co_return|co_await|co_yield|throw|delete|new|else|case)\b)"
    r"(?:(?:const|constexpr|static|auto|using|typename|unsigned)\b"
    r"|[A-Za-z_][\w:]*(?:<[^;{}]*>)?[&*\s]+[a-z_]\w*\s*(?:=|;|\{|\())")


def expression_around(code, at):
    """(start, end) of the full expression that the co_await at offset `at` stands in."""
    start, depth = at, 0
    while start > 0:
        char = code[start - 1]
        if char in ")]":
            depth += 1
        elif char in "([":
            depth = max(depth - 1, 0)
        elif char == "}":  # of a lambda in this expression, or of what came before it
            if depth == 0 and not re.match(r"\s*[),.(\]?:+\-*|&=]", code[start:]):
                break
            depth += 1
        elif char == "{":
            if depth == 0:
                break
            depth -= 1
        elif char == ";" and depth == 0:
            break
        start -= 1
    if found := CONDITION.match(code, start):
        if found.end() <= at:
            end = closing(code, found.end() - 1)
            if at < end:
                return start, end
            start = end + 1
    end = at
    while end < len(code) and code[end] not in ";}":
        end = closing(code, end) + 1 if code[end] in "([{" else end + 1
    return start, end


def without_bodies(text):
    """An expression with the bodies of its lambdas blanked, and [(offset, captures)] of these."""
    lambdas, at = [], 0
    while found := LAMBDA.search(text, at):
        before = text[:found.start("captures") - 1].rstrip()
        if found["before"] in ("", "&") and not re.search(r"\bauto\s*&{0,2}$", before) \
                and not before.endswith("["):
            lambdas.append((found.start("captures"), found["captures"]))
            end = closing(text, found.end() - 1)
            text = text[:found.end()] + re.sub(r"[^\n]", " ", text[found.end():end]) + text[end:]
        at = found.end()
    return text, lambdas


def copied(captures):
    """The captures of a lambda that are copies, as far as one can see."""
    for capture in re.split(r",(?![^(<{]*[)>}])", captures):
        capture = capture.strip()
        if not capture or capture.startswith("&") or capture == "this":
            continue
        name, is_set, value = capture.partition("=")
        if is_set and re.match(r"\s*(?:&|[\d.]|std::c?ref\b|true\b|false\b)", value):
            continue
        yield capture


def check(files):
    for file in files:
        code, seen = file.code, set()
        for found in re.finditer(r"\bco_await\b", code):
            if re.search(r"\boperator\s*$", code[:found.start()]):
                continue
            start, end = expression_around(code, found.start())
            if (start, end) not in seen:
                seen.add((start, end))
                check_await(file, start, code[start:end])
        for found in re.finditer(r"\b(?:if|while|switch)\s*\(", code):
            check_condition(file, found.start(), found.end() - 1)


def check_await(file, start, text):
    text, lambdas = without_bodies(text)

    def complain_at(offset, message):
        complain(file.path, file.line_of(start + offset), "gcc12", message)

    for offset, captures in lambdas:
        for capture in copied(captures):
            complain_at(offset, f"[{capture}]: the copy is destroyed twice; name the lambda first,"
                                " or pass what it needs as an argument")
    if found := re.search(r"\{\s*\.\w+\s*=", text):
        complain_at(found.start(), "an aggregate is destroyed twice; give it a name first")
    elif found := BRACED.search(text):
        complain_at(found.start() + 1,
                    "a list in braces does not compile, or is destroyed twice; name it first")
    for found in re.finditer(r"\?(?P<yes>[^?;:]*(?:::[^?;:]*)*):(?P<no>[^;]*)", text):
        if OBJECT.search(found["yes"]) or OBJECT.search(found["no"].split(",")[0]):
            complain_at(found.start(), "?: with objects destroys one twice; use if and else")


def check_condition(file, start, paren):
    """co_await in a condition, in a body that declares nothing, goes the wrong way."""
    code = file.code
    if not re.search(r"\bco_await\b", code[paren:closing(code, paren)]):
        return
    at, depth = start, 0
    while at > 0:
        at -= 1
        depth += (code[at] == "}") - (code[at] == "{")
        if depth < 0:
            depth = 0
            before = code[max(at - 200, 0):at]
            if re.search(r"\b(?:else|do|try)\s*$", before) or is_block_of_condition(code, at):
                continue
            if not DECLARES.search(code[at:closing(code, at)]):
                complain(file.path, file.line_of(start), "gcc12",
                         "co_await in a condition needs a declaration somewhere in the body")
            return


def is_block_of_condition(code, brace):
    """Does the { at `brace` open the block of an if, for, while, switch or catch?"""
    before = code[:brace].rstrip()
    if not before.endswith(")"):
        return False
    depth = 0
    for at in range(len(before) - 1, -1, -1):
        depth += (before[at] == ")") - (before[at] == "(")
        if depth == 0:
            return bool(re.search(r"\b(?:if|for|while|switch|catch|constexpr)\s*$", before[:at]))
    return False
