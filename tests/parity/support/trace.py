# SPDX-License-Identifier: MIT
"""Scenarios on a loop whose clock jumps, and the trace that they leave. trace.h is the same in C++.

Each line begins with the loop's turn, counted from the scenario's first step or the clock's last
jump: whether a turn before the jump had nothing but a counter to run, no program can tell.
"""

import asyncio
import asyncio.events
import asyncio.tasks
import contextlib
import functools
import itertools
import re
import sys

# ---- what is promised beyond CPython -----------------------------------------------------------

class Lock(asyncio.Lock):
    """SEM-LOCK-05: a waiter that was cancelled has left the line when the lock is released."""

    def _wake_up_first(self):
        present = [waiter for waiter in self._waiters or () if not waiter.cancelled()]
        if present and not present[0].done():
            present[0].set_result(True)


class _OrderedSet(dict):
    def __init__(self, members=()):
        super().__init__(dict.fromkeys(members))

    def add(self, member):
        self[member] = None

    def discard(self, member):
        self.pop(member, None)


asyncio.tasks.set = _OrderedSet  # wait() looks at its members in the order given


class TaskGroup(asyncio.TaskGroup):
    """Cancels its children in the order of their creation."""

    def __init__(self):
        super().__init__()
        self._tasks = _OrderedSet()


class _FirstArmedFirst(asyncio.TimerHandle):
    """SEM-LOOP-06: timers with one deadline run in the order of registration."""

    serial = itertools.count()

    def __init__(self, *args):
        super().__init__(*args)
        self.place = self._when, next(self.serial)

    def __lt__(self, other):
        return self.place < other.place


asyncio.events.TimerHandle = _FirstArmedFirst


# ---- scenarios ---------------------------------------------------------------------------------

_scenarios = []
_loop = None
_start = 0
_shows_turns = True


PATIENCE_SECONDS = 5  # of real time, for threads


class _JumpingLoop(asyncio.SelectorEventLoop):
    """Time begins at 0, and jumps to the next deadline when nothing is ready."""

    def __init__(self):
        self.now = 0.0
        self.turns = 0
        super().__init__()
        poll = self._selector.select

        def select(timeout=None):
            events = poll(0 if timeout is not None else PATIENCE_SECONDS)
            if not events and timeout is None:
                raise RuntimeError("deadlock")
            if not events and timeout > 0:
                self._jump(timeout)
            return events

        self._selector.select = select

    def _jump(self, seconds):
        global _start
        self.now += seconds
        _start = self.turns

    def time(self):
        return self.now

    def _run_once(self):
        self.turns += 1
        super()._run_once()

    async def shutdown_default_executor(self, timeout=None):
        """Without CPython's timer: the clock would jump to it."""
        if self._default_executor is not None:
            self._default_executor.shutdown(wait=True)


def loop():
    return _loop


def hide_turns():
    """For scenarios that take another number of turns in Debian's Python than in newer ones."""
    global _shows_turns
    _shows_turns = False


def count_anew():
    """The present turn is number 0."""
    global _start
    _start = _loop.turns


def log(text):
    print(f"[{_loop.turns - _start if _shows_turns else '-'}] {text}")


def log_time(text):
    log(f"{text} at {_loop.now:g} s")


def log_end(name, future):
    """How a future that is done has ended."""
    if future.cancelled():
        log(f"{name}: cancelled")
    elif future.exception() is not None:
        log(f"{name}: {text_of_error(future.exception())}")
    else:
        log(f"{name}: {future.result()}")


def text_of_error(error):
    if not isinstance(error, BaseExceptionGroup):
        return repr(error)
    return f"{error.message}: [{', '.join(text_of_error(one) for one in error.exceptions)}]"


async def attempt(awaitable):
    """What an await gives, as text: its value or its exception."""
    try:
        return str(await awaitable)
    except (asyncio.CancelledError, Exception) as error:
        return text_of_error(error)


async def work(name, delay, error=None):
    """Works for some seconds, and ends with its name or an error."""
    log(f"{name} starts")
    try:
        await asyncio.sleep(delay)
    except asyncio.CancelledError as cancelled:
        log(f"{name} {cancelled!r}")
        raise
    log_time(f"{name} ends")
    if error is not None:
        raise error
    return name


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


def scenario(title):
    """`body` is a coroutine function."""
    def register(body):
        _scenarios.append((title, functools.partial(_run_in_main, body)))
        return body
    return register


def loop_scenario(title):
    """`body` is a function, which runs the loop by itself."""
    def register(body):
        _scenarios.append((title, functools.partial(_run_beside_loop, body)))
        return body
    return register


def _report(_, context):
    message = context["message"]
    if message.startswith("Exception in callback"):
        message = "Exception in callback"
    log(f"handler: {message}: {context.get('exception')!r}")


def _enter(new_loop):
    global _loop, _start, _shows_turns
    _loop = new_loop
    _start = _loop.turns
    _shows_turns = True
    _loop.set_exception_handler(_report)


def _run_in_main(body):
    async def main():
        _enter(asyncio.get_running_loop())
        await body()

    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        runner.run(main())


def _run_beside_loop(body):
    with contextlib.closing(_JumpingLoop()) as new_loop:
        _enter(new_loop)
        body()


def run_all():
    for title, run in _scenarios:
        since = re.search(r"\((\d+)\.(\d+)\)$", title)
        if since and sys.version_info < (int(since[1]), int(since[2])):
            continue
        print(f"== {title}")
        run()
