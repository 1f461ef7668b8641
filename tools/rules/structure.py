# SPDX-License-Identifier: MIT
"""What stands where: the ladder, circles, faces, lists of files, the mirror of tests."""

import re

from rules.report import complain
from sources import ROOT, SRC, source

ROOMS_MAX = 30           # in a folder that does not say why it has more
INCLUDES_MAX = 8         # of the project, in a room
TEST_LINES_MIN = 0.8     # a line of a package
SYSTEM = re.compile(r"(?:sys|netinet|arpa|linux|net)/|(?:unistd|fcntl|pthread|dirent|poll|sched"
                    r"|spawn|netdb|termios|pwd|grp|signal|errno|dlfcn)\.h$")


def check(files):
    ours = [file for file in files if SRC in file.path.parents]
    check_floors(ours)
    check_circles(ours)
    check_face(ours)
    check_detail(files)
    check_system(ours)
    check_includes(ours)
    check_lists()
    check_rooms()
    check_mirror(ours)
    check_amounts(files)


# --- the ladder ---------------------------------------------------------------------------------

def load_floors():
    """{package: floor}, read from the list that CMake uses; programs are on the last floor."""
    text = (ROOT / "cmake" / "asyncio_package.cmake").read_text(encoding="utf-8")
    rows = re.findall(r'"([^"]+)"', re.search(r"set\(ASYNCIO_FLOORS(.*?)\)", text, re.S)[1])
    return {name: floor for floor, row in enumerate(rows) for name in row.split()}


def package_of(path):
    """asyncio for src/asyncio/locks.h, asyncio/testing where a folder is a package of its own."""
    parts = path.relative_to(SRC).parts[:-1]
    if parts[:1] == ("programs",):
        return parts[1] if len(parts) > 1 else "programs"
    for count in range(len(parts), 0, -1):
        if (SRC.joinpath(*parts[:count]) / "CMakeLists.txt").exists():
            return "/".join(parts[:count])
    return parts[0] if parts else ""


def check_floors(files):
    floors = load_floors()
    for file in files:
        mine = package_of(file.path)
        if mine.split("/")[0] not in floors:
            complain(file.path, 1, "floors", f"{mine} stands on no floor")
            continue
        for line, name in file.includes:
            if name.split("/")[0] in ("tests", "examples", "bench", "fuzz", "support"):
                complain(file.path, line, "floors", f"{name} is not for src/")
            elif (file.path.parent / name).is_file() and not (SRC / name).is_file():
                complain(file.path, line, "floors", "name it from src/ on")
            elif (SRC / name).is_file():
                check_arrow(floors, file, line, mine, package_of(SRC / name))


def check_arrow(floors, file, line, mine, theirs):
    if mine == theirs or mine.startswith(theirs + "/"):
        return
    my_floor, their_floor = (floors.get(name.split("/")[0], -1) for name in (mine, theirs))
    if not their_floor < my_floor:
        complain(file.path, line, "floors",
                 f"{mine} (floor {my_floor}) includes {theirs} (floor {their_floor})")


def check_circles(files):
    done, path = set(), []

    def visit(file):
        if file in path:
            circle = [f.relative_to(SRC).as_posix() for f in path[path.index(file):] + [file]]
            complain(file, 1, "circle", " > ".join(circle))
        elif file not in done:
            path.append(file)
            for lower in source(file).project_includes:
                visit(lower)
            done.add(path.pop())

    for file in files:
        visit(file.path)
        if "detail" in file.path.relative_to(SRC).parts[:-1]:
            complain(file.path, 1, "circle", "no folder named detail")


def is_face(path):
    """Is this the header that stands for its package, and has nothing but includes?"""
    return path.stem == path.parent.name and not path.with_suffix(".cpp").exists()


def check_face(files):
    for file in files:
        for line, name in file.includes:
            path = SRC / name
            if is_face(path) and package_of(path) == package_of(file.path):
                complain(file.path, line, "face", "include the room, not the whole house")


DETAIL = re.compile(r"(?:\b(?P<package>\w+)\s*::\s*)?(?<!namespace )\bdetail\s*::")


def house_of(file):
    """asyncio for src/asyncio/testing/checks.h; the folder of what is not in src/."""
    if SRC in file.path.parents:
        return package_of(file.path).split("/")[0]
    return file.path.relative_to(ROOT).parts[0]


def check_detail(files):
    """Tests may look behind the scenes; users, and other packages, may not."""
    with_detail = {house_of(file) for file in files
                   if re.search(r"\bnamespace (?:\w+::)*detail\b", file.code)}
    for file in files:
        folder = file.path.relative_to(ROOT).parts[0]
        if folder == "tests":
            continue
        mine = house_of(file)
        for found in DETAIL.finditer(file.code):
            if mine == "asyncio" or found["package"] == mine:
                continue
            if found["package"] or mine not in with_detail:
                complain(file.path, file.line_of(found.start()), "detail",
                         "what is in detail is for its own package")


def check_system(files):
    for file in files:
        if package_of(file.path) == "os" or "programs" in file.path.relative_to(SRC).parts:
            continue
        for line, name in file.includes:
            if SYSTEM.match(name):
                complain(file.path, line, "system", f"<{name}> is for the package os")
        for found in re.finditer(r"(?<![.>\w])errno\b", file.code):
            complain(file.path, file.line_of(found.start()), "system", "errno is read in os")


def check_includes(files):
    for file in files:
        count = len(file.project_includes)
        if count > INCLUDES_MAX and not is_face(file.path) and not file.says("Uses"):
            complain(file.path, 1, "includes",
                     f"{count} rooms of ours, and no `Uses: <why>` in its head")


# --- lists --------------------------------------------------------------------------------------

def check_lists():
    for folder in ("src", "tests", "examples", "bench", "fuzz"):
        for cmake in sorted((ROOT / folder).rglob("CMakeLists.txt")):
            text = re.sub(r"#.*", "", cmake.read_text(encoding="utf-8"))
            listed = set(re.findall(r"[\w./+-]+\.(?:h|cpp)\b", text))
            there = {path.relative_to(cmake.parent).as_posix()
                     for path in cmake.parent.rglob("*")
                     if path.suffix in (".h", ".cpp") and nearest_list(path) == cmake}
            for name in sorted(there - listed):
                complain(cmake, 1, "list", f"{name} is not listed")
            for name in sorted(listed - there):
                complain(cmake, 1, "list", f"there is no {name} in this folder")
    for path in sorted(SRC.rglob("*")):
        if path.suffix in (".h", ".cpp") and nearest_list(path) is None:
            complain(path, 1, "list", "no CMakeLists.txt lists it")


def nearest_list(path):
    """The CMakeLists.txt that has to list `path`: the nearest above it, below the top."""
    for folder in path.parents:
        if folder == ROOT:
            return None
        if (folder / "CMakeLists.txt").exists():
            return folder / "CMakeLists.txt"
    return None


def check_rooms():
    for cmake in sorted(SRC.rglob("CMakeLists.txt")):
        rooms = {path.stem for path in cmake.parent.glob("*.*") if path.suffix in (".h", ".cpp")}
        head = cmake.read_text(encoding="utf-8").split("\n")[:5]
        if len(rooms) > ROOMS_MAX and not any(re.match(r"# Many: \S", line) for line in head):
            complain(cmake, 1, "rooms",
                     f"{len(rooms)} rooms in a folder, and no `Many: <why>` in this head")


# --- tests --------------------------------------------------------------------------------------

def check_mirror(files):
    exceptions = {}
    listing = ROOT / "tests" / "mirror.txt"
    for number, line in enumerate(listing.read_text(encoding="utf-8").splitlines(), 1):
        if line and not line.startswith("#"):
            name, _, reason = line.partition("\t")
            exceptions[name] = number
            if not reason.strip():
                complain(listing, number, "mirror", f"{name}: no reason")
            for test in re.findall(r"\btests/[\w/]+_test\.cpp\b", reason):
                if not (ROOT / test).exists():
                    complain(listing, number, "mirror", f"there is no {test}")
    for file in files:
        room = file.path.relative_to(SRC)
        beside_header = file.path.suffix == ".cpp" and file.path.with_suffix(".h").exists()
        if beside_header or room.parts[0] == "programs" or is_face(file.path):
            continue
        test = ROOT / "tests" / room.parent / f"{room.stem}_test.cpp"
        excepted = exceptions.pop(room.as_posix(), None)
        if not test.exists() and not excepted:
            complain(file.path, 1, "mirror", f"no {test.relative_to(ROOT)}, no line in mirror.txt")
        elif test.exists() and excepted:
            complain(listing, excepted, "mirror", f"{room} has a test: the line is needed no more")
    for name, number in exceptions.items():
        complain(listing, number, "mirror", f"there is no src/{name}")


def check_amounts(files):
    """A package has tests of about its own size, or more."""
    lines = {}
    for file in files:
        parts = file.path.relative_to(ROOT).parts
        if parts[0] in ("src", "tests") and len(parts) > 2 and parts[1] != "programs":
            counts = lines.setdefault(parts[1], {"src": 0, "tests": 0})
            counts[parts[0]] += len(file.lines)
    for package, counts in lines.items():
        if counts["src"] and counts["tests"] < TEST_LINES_MIN * counts["src"]:
            complain(SRC / package / "CMakeLists.txt", 1, "amount",
                     f"{counts['tests']} lines of tests for {counts['src']} lines")
