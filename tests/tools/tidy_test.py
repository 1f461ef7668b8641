#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each rule of tools/tidy finds what it is for, in a small tree, and says nothing of a good one."""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LICENCE = "// SPDX-License-Identifier: MIT\n"

HEADER = LICENCE + """// What this room is for.
#pragma once

namespace asyncio::base {

/// Gives one.
int one();

} // namespace asyncio::base
"""
SOURCE = LICENCE + """// How that is done.
#include "base/room.h"

namespace asyncio::base {

int one() { return 1; }

} // namespace asyncio::base
"""
TEST = LICENCE + """// That it is one.
#include "base/room.h"

TEST("one: it is one and no other") {
    check(asyncio::base::one() == 1);
}
"""
GOOD = {
    "src/base/CMakeLists.txt": "# base.\nasyncio_package(base HEADERS room.h SOURCES room.cpp)\n",
    "src/base/room.h": HEADER,
    "src/base/room.cpp": SOURCE,
    "src/asyncio/CMakeLists.txt": "# asyncio: nothing yet.\nasyncio_package(asyncio)\n",
    "tests/CMakeLists.txt": "# The tests.\nasyncio_tests(base SOURCES base/room_test.cpp)\n",
    "tests/mirror.txt": "# The exceptions.\n",
    "tests/base/room_test.cpp": TEST + "// filling\n" * 30,
    "CMakeLists.txt": "# The top.\n",
}


def with_public(declaration):
    """The header with one more public declaration."""
    return HEADER.replace("/// Gives one.", f"{declaration}\n\n/// Gives one.")


def with_code(code):
    """The source with more in it."""
    return SOURCE.replace("int one()", f"{code}\n\nint one()")


def with_test(code):
    return GOOD["tests/base/room_test.cpp"] + code


class TidyTest(unittest.TestCase):
    def setUp(self):
        self.tree = Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copytree(ROOT / "tools", self.tree / "tools",
                        ignore=shutil.ignore_patterns("__pycache__"))
        (self.tree / "cmake").mkdir()
        shutil.copy(ROOT / "cmake" / "asyncio_package.cmake", self.tree / "cmake")

    def complaints(self, changes):
        """{(path, rule)} of the good tree with these files changed, added or (None) gone."""
        for name, text in {**GOOD, **changes}.items():
            if text is not None:
                path = self.tree / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        ended = subprocess.run([sys.executable, self.tree / "tools" / "tidy"], text=True,
                               stdout=subprocess.PIPE, check=False)
        found = re.findall(r"^([^:\n]+):\d+: (\w+): ", ended.stdout, re.M)
        self.assertEqual(ended.returncode, 1 if found else 0, ended.stdout)
        return set(found)

    def expect(self, rule, changes, path=None):
        """Exactly this is said, of the one file that is changed unless `path` says which."""
        path = path or next(iter(changes))
        self.assertEqual(self.complaints(changes), {(path, rule)})


# What is wrong, and of which file it is said.
CASES = {
    "floors: an arrow upwards": ("floors", {"src/base/room.cpp": SOURCE.replace(
        '#include "base/room.h"\n', '#include "base/room.h"\n#include "asyncio/up.h"\n'),
        "src/asyncio/up.h": HEADER, "tests/asyncio/up_test.cpp": HEADER,
        "tests/CMakeLists.txt": GOOD["tests/CMakeLists.txt"]
                                + "asyncio_tests(asyncio SOURCES asyncio/up_test.cpp)\n",
        "src/asyncio/CMakeLists.txt": "# asyncio.\nasyncio_package(asyncio HEADERS up.h)\n"}),
    "circle: two files that include each other": ("circle", {
        "src/base/room.h": HEADER.replace("once\n", 'once\n#include "base/two.h"\n'),
        "src/base/two.h": HEADER.replace("once\n", 'once\n#include "base/room.h"\n'),
        "src/base/CMakeLists.txt": "# base.\nasyncio_package(base HEADERS room.h two.h room.cpp)\n",
        "tests/mirror.txt": "base/two.h\tit is for another test\n"}),
    "detail: of another package": ("detail", {
        "examples/CMakeLists.txt": "# Examples.\nasyncio_executables(examples SOURCES one.cpp)\n",
        "examples/one.cpp": LICENCE + "// One idea.\nint main() { asyncio::detail::guts(); }\n"},
        "examples/one.cpp"),
    "system: a header of the system": ("system", {"src/base/room.cpp": SOURCE.replace(
        '"base/room.h"\n', '"base/room.h"\n#include <unistd.h>\n')}),
    "system: errno": ("system", {"src/base/room.cpp": with_code("int last() { return errno; }")}),
    "includes: too many rooms": ("includes", {
        "src/base/room.cpp": SOURCE + "".join(f'#include "base/r{i}.h"\n' for i in range(8)),
        **{f"src/base/r{i}.h": HEADER for i in range(8)},
        "src/base/CMakeLists.txt": "# base.\nasyncio_package(base HEADERS room.h room.cpp "
                                   + " ".join(f"r{i}.h" for i in range(8)) + ")\n",
        "tests/base/room_test.cpp": with_test("// filling\n" * 100),
        "tests/mirror.txt": "".join(f"base/r{i}.h\tfor another test\n" for i in range(8))}),
    "list: a file that is not listed": ("list", {
        "src/base/CMakeLists.txt": "# base.\nasyncio_package(base HEADERS room.h)\n"}),
    "list: a file that is not there": ("list", {
        "src/base/CMakeLists.txt": "# base.\nasyncio_package(base room.h room.cpp gone.cpp)\n"}),
    "mirror: a room without tests": ("mirror", {
        "src/base/room.h": HEADER, "tests/base/room_test.cpp": None,
        "tests/base/other_test.cpp": GOOD["tests/base/room_test.cpp"],
        "tests/CMakeLists.txt": "# The tests.\nasyncio_tests(base SOURCES base/other_test.cpp)\n"}),
    "mirror: a reason that is needed no more": ("mirror", {
        "tests/mirror.txt": "base/room.h\tno reason any more\n"}),
    "mirror: a reason that names no test": ("mirror", {
        "tests/mirror.txt": "base/gone.h\ttests/base/gone_test.cpp\n"}),
    "amount: too few tests": ("amount", {"src/base/room.cpp": SOURCE + "// filling\n" * 90},
                              "src/base/CMakeLists.txt"),
    "head: no licence": ("head", {"src/base/room.cpp": SOURCE.replace("MIT", "none")}),
    "head: no pragma": ("head", {"src/base/room.h": HEADER.replace("#pragma once", "")}),
    "head: another header first": ("head", {"src/base/room.cpp": SOURCE.replace(
        '#include "base/room.h"', '#include <vector>\n#include "base/room.h"')}),
    "size: a long file": ("size", {"src/base/room.cpp": SOURCE + "// filling\n" * 600,
                                   "tests/base/room_test.cpp": with_test("// filling\n" * 600)},
                          "src/base/room.cpp"),
    "size: a long function": ("size", {
        "src/base/room.cpp": with_code("int two() {\n" + "    call();\n" * 41 + "}"),
        "tests/base/room_test.cpp": with_test("// filling\n" * 60)}, "src/base/room.cpp"),
    "width: a wide line": ("width", {"src/base/room.cpp": SOURCE + "// " + "x" * 100 + "\n"}),
    "blank: at the end of a line": ("blank", {"tests/mirror.txt": "# The exceptions. \n"}),
    "blank: no newline at the end": ("blank", {"tests/mirror.txt": "# The exceptions."}),
    "contract: a function without a comment": ("contract", {
        "src/base/room.h": with_public("int two();")}),
    "contract: a member without a comment": ("contract", {
        "src/base/room.h": with_public("/// Two.\nclass Two {\npublic:\n\n    int two();\n};")}),
    "labels: in the wrong order": ("labels", {
        "src/base/room.h": with_public("/// Two.\n/// Cost      O(1).\n/// Returns   2.\nint t();"),
    }),
    "labels: an unknown one": ("labels", {
        "src/base/room.h": with_public("/// Two.\n/// Remark    none.\nint two();")}),
    "cancel: an awaitable without it": ("cancel", {
        "src/base/room.h": with_public("/// Waits.\nCoro<int> two();")}),
    "lifetime: a reference that crosses an await": ("lifetime", {
        "src/base/room.cpp": with_code("Coro<int> two(Thing& it) { co_return it.two; }")}),
    "example: one that is not there": ("example", {
        "src/base/room.h": with_public("/// Two.\n/// Example   examples/gone.cpp\nint two();")}),
    "print: in a library": ("print", {
        "src/base/room.cpp": with_code("int p() { printf(\"\"); }")}),
    "ban: atoi": ("ban", {
        "src/base/room.cpp": with_code("int n() { return atoi(\"1\"); }")}),
    "platform: another system": ("platform", {
        "src/base/room.cpp": SOURCE + "#ifdef _WIN32\n#endif\n"}),
    "error: an untyped one": ("error", {
        "src/base/room.cpp": with_code("int t() { throw std::runtime_error(\"\"); }")}),
    "name: async_ before it": ("name", {
        "src/base/room.cpp": with_code("int async_two() { return 2; }")}),
    "unit: a bare number": ("unit", {
        "src/base/room.cpp": with_code("int w(int timeout) { return 2; }")}),
    "todo: without an issue": ("todo", {"src/base/room.cpp": SOURCE + "// TODO: more\n"}),
    "dead: code that is switched off": ("dead", {"src/base/room.cpp": SOURCE + "#if 0\n#endif\n"}),
    "dead: code in a comment": ("dead", {"src/base/room.cpp": SOURCE + "// return one();\n"}),
    "sleep: for real": ("sleep", {"tests/base/room_test.cpp": with_test(
        "void nap() { std::this_thread::sleep_for(1s); }\n")}),
    "case: no sentence": ("case", {"tests/base/room_test.cpp": with_test('TEST("test 1") {\n}\n')}),
    "case: the same name twice": ("case", {"tests/base/room_test.cpp": with_test(
        'TEST("one: it is one and no other") {\n}\n')}),
    "gcc12: a lambda that captures by copy": ("gcc12", {"tests/base/room_test.cpp": with_test(
        "Coro<> c(Text t) {\n    co_await run([t] { use(t); });\n}\n")}),
    "gcc12: objects in ?:": ("gcc12", {"tests/base/room_test.cpp": with_test(
        "Coro<> c(bool b) {\n    co_await run(b ? std::string(\"x\") : std::string());\n}\n")}),
}

# What looks like it, and is good.
FINE = {
    "a declaration called abort is no call": {
        "src/base/room.cpp": with_code("int Barrier::abort() { return 1; }")},
    "an exception that is asked for": {
        "src/base/room.cpp": with_code("// tidy: ban: ours\nint n() { return atoi(\"1\"); }")},
    "a borrowed parameter whose owner is named": {"src/base/room.cpp": with_code(
        "// LIFETIME: `it` is main()'s.\nCoro<int> two(Thing& it) { co_return it.two; }")},
    "what another file of the package has in detail": {
        "src/base/room.h": with_public("namespace detail {\nint guts();\n}"),
        "src/base/room.cpp": with_code("int two() { return detail::guts(); }")},
    "a group of declarations below one comment": {
        "src/base/room.h": with_public("/// Two and three.\nint two();\nint three();")},
    "what a literal says": {
        "src/base/room.cpp": with_code('const char* t = "errno atoi(1) abort()";')},
    "labels in their order": {"src/base/room.h": with_public(
        "/// Two.\n///\n/// limit     most\n/// Returns   2.\n/// Throws    X.\nint two(int);")},
}


def add(name, body):
    setattr(TidyTest, "test " + name, body)


for case_name, case in CASES.items():
    add(case_name, lambda self, case=case: self.expect(*case))
for case_name, files in FINE.items():
    add("fine: " + case_name, lambda self, files=files: self.assertEqual(
        self.complaints(files), set()))
add("fine: the good tree", lambda self: self.assertEqual(self.complaints({}), set()))

if __name__ == "__main__":
    unittest.main()
