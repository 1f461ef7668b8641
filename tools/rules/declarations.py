# SPDX-License-Identifier: MIT
"""The declarations of a header or source, as far as one sees them without a compiler."""

import re

from sources import closing


class Item:
    """A declaration, or a definition with its body, in a namespace or class."""

    def __init__(self, head, start, body, scopes, access, kind=""):
        self.head = head      # the code up to ; or {
        self.start = start    # where it begins
        self.body = body      # (offset of {, offset of }) or None
        self.scopes = scopes  # the namespaces and classes around it
        self.access = access  # public, protected or private
        self.kind = kind      # of what has members: class, struct, union; else empty

    @property
    def plain_head(self):
        return without_template(self.head)


CONTAINER = re.compile(r"(?:requires\b.*?\s)?(?:inline\s+|typedef\s+)*"
                       r"(?P<kind>namespace|class|struct|union|extern)\b\s*(?P<name>[\w:]*)", re.S)
ATTRIBUTE = re.compile(r"\[\[.*?\]\]|\balignas\s*\([^()]*\)", re.S)


def without_template(head):
    """A declaration without `template <...>` before it."""
    head = ATTRIBUTE.sub("", head).strip()
    while found := re.match(r"template\s*<", head):
        depth, at = 1, found.end()
        while depth and at < len(head):
            depth += (head[at] == "<") - (head[at] == ">" and head[at - 1] != "-")
            at += 1
        head = head[at:].strip()
    return head


def items(code):
    """The declarations at namespace and class scope, in the order in which they come."""
    scopes, start, at = [("", "public")], 0, 0  # a name, and what access its members have
    hidden = 0  # how many of the last scopes lie in a private part

    def item(body=None, kind=""):
        text = code[start:at]
        begin = start + len(text) - len(text.lstrip())
        names = [part for name, _ in scopes for part in name.split("::")]
        return Item(text.strip(), begin, body, names, "private" if hidden else scopes[-1][1], kind)

    while at < len(code):
        char = code[at]
        if char in "([":
            at = closing(code, at)
        elif char == ";":
            yield item()
            start = at + 1
        elif char == ":" and re.fullmatch(r"\s*(public|protected|private)\s*", code[start:at]):
            scopes[-1] = (scopes[-1][0], code[start:at].strip())
            start = at + 1
        elif char == "{":
            if container := CONTAINER.match(without_template(code[start:at])):
                if container["kind"] in ("class", "struct", "union"):
                    yield item((at, closing(code, at)), container["kind"])
                hidden += bool(hidden or scopes[-1][1] == "private")
                scopes.append((container["name"],
                               "private" if container["kind"] == "class" else "public"))
            else:
                end = closing(code, at)
                yield item((at, end))
                at = end
            start = at + 1
        elif char == "}":
            if len(scopes) > 1:
                scopes.pop()
                hidden -= bool(hidden)
            start = at + 1
        at += 1


def doc_comment(file, line):
    """The comment above a declaration, or above the group of declarations that it stands in."""
    above = line - 2
    while above >= 0 and file.lines[above].strip() and not re.match(r"\s*//", file.lines[above]):
        above -= 1
    last = above
    while above >= 0 and re.match(r"\s*//", file.lines[above]):
        above -= 1
    return "\n".join(file.lines[above + 1:last + 1])
