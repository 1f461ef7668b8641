# SPDX-License-Identifier: MIT
"""What the runs of programs share: cases, a terminal with a Ctrl-C, and the lines of results."""

import argparse
import os
import pty
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ATTEMPTS_MAX = 5  # to press Ctrl-C in time
SECONDS_MAX = 120  # for one program, also on a busy machine or under a sanitizer
CASES = []


class Failed(Exception):
    """What a case has found."""


def case(name):
    def register(function):
        CASES.append((name, function))
        return function
    return register


def expect(is_so, message):
    if not is_so:
        raise Failed(message)


def run(program, *arguments, stdout=subprocess.PIPE, **options):
    """What a program whose output is no terminal gives: (exit status, output, errors)."""
    ended = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, stdout=stdout,
                           stderr=subprocess.PIPE, timeout=SECONDS_MAX, **options)
    output = (ended.stdout or b"").decode("utf-8", "replace")
    return ended.returncode, output, ended.stderr.decode("utf-8", "replace")


class TooLate(Exception):
    """This process was held up: what it was to interrupt was over before."""


def on_terminal(program, mark, delay, over, *arguments):
    """The same on a terminal, with Ctrl-C `delay` seconds after `mark` was seen, and before `over`
    is; on a machine that is too busy for that, again."""
    for _ in range(ATTEMPTS_MAX):
        try:
            return interrupted(program, mark, delay, over, *arguments)
        except TooLate as late:
            reason = str(late)
    raise Failed(f"{ATTEMPTS_MAX} times: {reason}")


def interrupted(program, mark, delay, over, *arguments):
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.execv(program, [program, *arguments])
    output, pressed, due = b"", False, None
    give_up = time.monotonic() + SECONDS_MAX
    while time.monotonic() < give_up:
        if select.select([terminal], [], [], 0.01)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            output += piece
        if due is None and mark.encode() in output:
            due = time.monotonic() + delay
        if due is not None and not pressed and time.monotonic() >= due:
            os.write(terminal, b"\x03")
            pressed = True
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not pressed or over.encode() in output.partition(b"^C")[0]:  # the terminal's echo
        raise TooLate(f"'{over}' came before Ctrl-C")
    return status, output.decode("utf-8", "replace").replace("\r\n", "\n")


def main(kind, description):
    """Runs the cases; each is called with the program and a folder of its own."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path, help="the executable")
    parser.add_argument("filter", nargs="?", default="", help="only cases with this in the name")
    parser.add_argument("--results", type=Path, metavar="FILE", help="append a line a case")
    options = parser.parse_args()
    # A background job is born ignoring Ctrl-C, and so would be what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    lines = []
    for name, function in CASES:
        if options.filter not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="case-") as folder:
            os.chmod(folder, 0o755)  # nobody looks at it, too
            try:
                function(str(options.program.resolve()), Path(folder))
                verdict = "pass"
            except (Failed, OSError, subprocess.TimeoutExpired) as error:
                verdict = "fail"
                print(f"  FAIL  programs/{kind}  {name}\n    "
                      + str(error).replace("\n", "\n    "))
        lines.append(f"{verdict}\tprograms/{kind}\t{name}")
    if options.results:
        options.results.parent.mkdir(parents=True, exist_ok=True)
        with options.results.open("a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
    failed = sum(line.startswith("fail") for line in lines)
    print(f"{len(lines) - failed} passed, {failed} failed")
    return 1 if failed else 0
