# SPDX-License-Identifier: MIT
"""Random programs over tasks, futures, locks, queues and scopes.

A seed makes a program: scripts of operations, which tasks and callbacks interpret. programs.cpp
makes the same of the same seed. Programs of the second kind have operations in which Debian's
CPython differs from newer ones. ASYNCIO_PARITY_PROGRAMS says how many of each there are.
"""

import asyncio
import collections
import contextvars
import enum
import functools
import gc
import os

from support.trace import (
    Lock, TaskGroup, log, log_time, loop, run_all, scenario, text_of_error, turns)

PROGRAMS = int(os.environ.get("ASYNCIO_PARITY_PROGRAMS", 200))
FUTURES = 3
LOCKS = 2
OPERATIONS_MAX = 45
DEPTH_MAX = 3
MEDDLINGS = 8
ROUNDS_MAX = 40
CALLBACK_TURNS_MAX = 10


# ---- programs ------------------------------------------------------------------------------------

class Kind:
    """An operation: how often it comes up, and how many scripts it has (-1: two or three)."""

    def __init__(self, name, weight, scripts=0):
        self.name, self.weight, self.scripts = name, weight, scripts


# What does not wait: tasks and callbacks do it.
PLAIN = [
    Kind("set_result", 4), Kind("set_exception", 2), Kind("cancel_future", 2), Kind("cancel", 5),
    Kind("cancelling", 1), Kind("event_set", 3), Kind("event_clear", 2), Kind("put_nowait", 2),
    Kind("get_nowait", 2), Kind("task_done", 2), Kind("release_lock", 1),
    Kind("release_semaphore", 2), Kind("notify", 4), Kind("reschedule", 2), Kind("expired", 1),
    Kind("raise", 1), Kind("set_variable", 1), Kind("get_variable", 1), Kind("remove_callback", 1),
    Kind("cancel_handle", 1)]
# What registers a script of the above as a callback.
REGISTERING = [
    Kind("soon", 2, 1), Kind("later", 2, 1), Kind("when_future", 2, 1), Kind("when_task", 2, 1)]
PAUSES = [Kind("yield", 12), Kind("sleep", 4)]
WAITING = [
    Kind("yield", 8), Kind("sleep", 8), Kind("await_future", 5), Kind("await_task", 4),
    Kind("shield_future", 2), Kind("shield_task", 2), Kind("wait_given", 3), Kind("event_wait", 4),
    Kind("put", 5), Kind("get", 5), Kind("join", 2), Kind("barrier", 4), Kind("barrier_reset", 1),
    Kind("barrier_abort", 1)]
SCOPES = [
    Kind("lock", 8, 1), Kind("semaphore", 6, 1), Kind("condition", 4, 1), Kind("timeout", 8, 1),
    Kind("swallow", 4, 1), Kind("catch", 4, 1), Kind("finally", 3, 2), Kind("gather", 3, -1),
    Kind("gather_outcomes", 2, -1), Kind("wait", 3, -1), Kind("as_completed", 2, -1),
    Kind("shield", 3, 1), Kind("spawn", 3, 1)]
NEWER_PLAIN = [
    Kind("uncancel", 2), Kind("shut_down", 1), Kind("gather_later", 3), Kind("shield_later", 2),
    Kind("cancel_combined", 2), Kind("count", 2)]
NEWER_WAITING = [
    Kind("condition_wait", 5), Kind("condition_wait_for", 3), Kind("wait_for_task", 3),
    Kind("gather_given", 3), Kind("await_combined", 3)]
NEWER_SCOPES = [Kind("wait_for", 5, 1), Kind("group", 8, -1), Kind("spawn_eagerly", 3, 1)]


class Operation:
    def __init__(self, number, kind, a, b, scripts):
        self.number, self.kind, self.a, self.b, self.scripts = number, kind, a, b, scripts

    def __str__(self):
        return f"{self.number} {self.kind} {self.a} {self.b}"

    def name_of(self, child):
        return f"{self.number}{'abc'[child]}"

    def error(self):
        return ValueError(str(self.number))


class Place(enum.Enum):
    """Who interprets a script."""

    TASK = 1
    HOLDER = 2  # of the condition: who is to leave it must not depend on those who wait for it
    CALLBACK = 3

    def below(self, kind):
        if kind in REGISTERING:
            return Place.CALLBACK
        return Place.HOLDER if kind.name == "condition" else self


class Maker:
    """Makes the program of a seed."""

    def __init__(self, seed, mode):
        self.state = seed
        self.made = 0

        def kinds(*lists):
            return [kind for kinds in lists for kind in kinds
                    if mode.shields or not kind.name.startswith("shield")]

        plain = kinds(PLAIN, NEWER_PLAIN if mode.newer else [])
        leaves = plain + kinds(WAITING, NEWER_WAITING if mode.newer else [])
        scopes = kinds(SCOPES, NEWER_SCOPES if mode.newer else [])
        self.flat = {Place.TASK: leaves, Place.HOLDER: plain + PAUSES, Place.CALLBACK: plain}
        self.deep = {Place.TASK: leaves + REGISTERING + scopes, Place.HOLDER: plain + PAUSES,
                     Place.CALLBACK: plain + REGISTERING}

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound

    def program(self):
        """Scripts of tasks; the last one meddles with the others, a turn or a second at a time."""
        scripts = [self.script(0, Place.TASK) for _ in range(2 + self.below(3))]
        return scripts + [[self.meddling(i) for i in range(2 * MEDDLINGS)]]

    def meddling(self, i):
        return self.operation(DEPTH_MAX, self.flat[Place.CALLBACK] if i % 2 == 0 else PAUSES)

    def script(self, depth, place):
        made = []
        for _ in range(1 + self.below(4)):
            flat = depth == DEPTH_MAX or self.made >= OPERATIONS_MAX
            kinds = (self.flat if flat else self.deep)[place]
            made.append(self.operation(depth, kinds, place))
        return made

    def operation(self, depth, kinds, place=Place.TASK):
        kind = self.pick(kinds)
        number = self.made
        self.made += 1
        a, b = self.below(8), self.below(4)
        count = 2 + self.below(2) if kind.scripts < 0 else kind.scripts
        scripts = [self.script(depth + 1, place.below(kind)) for _ in range(count)]
        return Operation(number, kind.name, a, b, scripts)

    def pick(self, kinds):
        left = self.below(sum(kind.weight for kind in kinds))
        for kind in kinds:
            if left < kind.weight:
                return kind
            left -= kind.weight


# ---- what they work on ---------------------------------------------------------------------------

variable = contextvars.ContextVar("variable", default=0)
QueueShutDown = getattr(asyncio, "QueueShutDown", asyncio.QueueEmpty)  # 3.13
RETURN_WHEN = [asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION, asyncio.ALL_COMPLETED]

Runner = collections.namedtuple("Runner", ["name", "root"])  # a task, and the first one above it


# A cancel's message is shown where it is delivered: who looks at a cancelled task after another has
# sees none in CPython, and sees it here.
SHOWS_MESSAGE = {"yield", "sleep", "event_wait", "put", "get", "join"}


def text(value):
    if isinstance(value, asyncio.CancelledError):
        return "CancelledError"
    return text_of_error(value) if isinstance(value, BaseException) else str(value)


def texts(values):
    return "[" + ", ".join(text(value) for value in values) + "]"


def return_when(op):
    return RETURN_WHEN[op.a % len(RETURN_WHEN)]


class World:
    def __init__(self, scripts, mode):
        self.newer = mode.newer
        self.futures = [loop().create_future() for _ in range(FUTURES)]
        self.locks = [Lock() for _ in range(LOCKS)]
        self.semaphores = [asyncio.Semaphore(1), asyncio.BoundedSemaphore(2)]
        self.event = asyncio.Event()
        self.condition = asyncio.Condition(Lock())
        self.queue = asyncio.Queue(1)
        self.barrier = asyncio.Barrier(2)
        self.tasks = []  # all of them, by creation: (name, task)
        self.roots = []
        self.timeouts = []
        self.combined = []
        self.counter = 0
        self.registered = []
        self.handles = []
        for i, script in enumerate(scripts):
            self.roots.append(self.start(f"t{i}", i, script))

    def start(self, name, root, script, create_task=asyncio.create_task):
        task = create_task(self.run(Runner(name, root), script))
        self.tasks.append((name, task))
        return task

    def start_children(self, me, op):
        return [self.start(op.name_of(i), me.root, script) for i, script in enumerate(op.scripts)]

    def future(self, op):
        return self.futures[op.a % FUTURES]

    def task(self, op):
        return self.tasks[op.a % len(self.tasks)][1]

    def later_root(self, me, op):
        """A task that cannot be waiting for this one; or none."""
        later = self.roots[me.root + 1:]
        return later[op.a % len(later)] if later else None

    # ---- what does not wait ----

    def plain_set_result(self, op):
        return self.end_future(op, lambda future: future.set_result(op.number))

    def plain_set_exception(self, op):
        return self.end_future(op, lambda future: future.set_exception(op.error()))

    def end_future(self, op, end):
        if self.future(op).done():
            self.futures[op.a % FUTURES] = loop().create_future()
            return "renewed"
        end(self.future(op))
        return "set"

    def plain_cancel_future(self, op):
        return self.future(op).cancel(f"by {op.number}")

    def plain_cancel(self, op):
        return self.task(op).cancel(f"by {op.number}")

    def plain_cancelling(self, op):
        return self.task(op).cancelling()

    def plain_uncancel(self, op):
        return self.task(op).uncancel()

    def plain_gather_later(self, op):
        futures = [self.future(op), self.futures[op.b % FUTURES], *self.combined[-1:]]
        self.combined.append(asyncio.gather(*futures, return_exceptions=op.b % 2 == 0))

    def plain_shield_later(self, op):
        self.combined.append(asyncio.shield((self.combined or self.futures)[-1]))

    def plain_cancel_combined(self, op):
        if not self.combined:
            return "none"
        future = self.combined[op.a % len(self.combined)]
        if future.done():
            future._log_traceback = False  # SEM-FUT-10; CPython forgets it in a gather
        return [future.cancel(f"by {op.number}"), future.done(), future.cancelled()]

    def plain_count(self, _):
        self.counter += 1
        return self.counter

    def plain_event_set(self, _):
        self.event.set()

    def plain_event_clear(self, _):
        self.event.clear()

    def plain_put_nowait(self, op):
        try:
            self.queue.put_nowait(op.number)
        except asyncio.QueueFull:
            return "full"
        except QueueShutDown:
            return "shut down"

    def plain_get_nowait(self, _):
        try:
            return self.queue.get_nowait()
        except asyncio.QueueEmpty:
            return "empty"
        except QueueShutDown:
            return "shut down"

    def plain_task_done(self, _):
        try:
            self.queue.task_done()
        except ValueError:
            return "too often"

    def plain_shut_down(self, op):
        self.queue.shutdown(immediate=op.b % 2 == 1)

    def plain_release_lock(self, op):
        try:
            self.locks[op.a % LOCKS].release()
        except RuntimeError:
            return "not locked"

    def plain_release_semaphore(self, op):
        try:
            self.semaphores[op.a % len(self.semaphores)].release()
        except ValueError:
            return "too often"

    def plain_notify(self, op):
        if not self.condition.locked():
            return "not locked"
        self.condition.notify(1 + op.b)

    def plain_reschedule(self, op):
        if not self.timeouts:
            return "none"
        try:
            when = loop().time() + op.b if op.b < 3 else None
            self.timeouts[op.a % len(self.timeouts)].reschedule(when)
        except RuntimeError as error:
            return str(error)

    def plain_expired(self, op):
        return [timeout.expired() for timeout in self.timeouts]

    def plain_raise(self, op):
        raise op.error()

    def plain_set_variable(self, op):
        variable.set(op.number)

    def plain_get_variable(self, _):
        return variable.get()

    def plain_remove_callback(self, op):
        if not self.registered:
            return "none"
        future, callback = self.registered[op.a % len(self.registered)]
        return future.remove_done_callback(callback)

    def plain_cancel_handle(self, op):
        if not self.handles:
            return "none"
        self.handles[op.a % len(self.handles)].cancel()

    # ---- callbacks ----

    def plain_soon(self, op):
        self.handles.append(loop().call_soon(self.call, op))

    def plain_later(self, op):
        self.handles.append(loop().call_later(op.b - 1, self.call, op))

    def plain_when_future(self, op):
        self.register(self.future(op), op)

    def plain_when_task(self, op):
        self.register(self.task(op), op)

    def register(self, future, op):
        def callback(_):
            self.call(op)

        future.add_done_callback(callback)
        self.registered.append((future, callback))

    def call(self, of):
        for op in of.scripts[0]:
            self.do_plain(f"callback {of.number}", op)

    def do_plain(self, name, op):
        log(f"{name} {op}")
        log(f"{name} {op.number}: {text(getattr(self, 'plain_' + op.kind)(op))}")

    # ---- tasks ----

    async def run(self, me, script):
        for op in script:
            if hasattr(self, "plain_" + op.kind):
                self.do_plain(me.name, op)
            else:
                await self.do(me, op)
        return me.name

    async def do(self, me, op):
        log(f"{me.name} {op}")
        try:
            value = await getattr(self, "async_" + op.kind)(me, op)
        except BaseException as error:
            shown = text_of_error(error) if op.kind in SHOWS_MESSAGE else text(error)
            log(f"{me.name} {op.number}: {shown}")
            raise
        log(f"{me.name} {op.number}: {text(value)}")

    async def async_yield(self, _, op):
        await turns(1 + op.b)

    async def async_sleep(self, _, op):
        await asyncio.sleep(op.b - 1)

    async def async_await_future(self, _, op):
        return await self.future(op)

    async def async_await_task(self, me, op):
        if task := self.later_root(me, op):
            return await task

    async def async_shield_future(self, _, op):
        return await asyncio.shield(self.future(op))

    async def async_event_wait(self, _, _op):
        await self.event.wait()

    async def async_put(self, _, op):
        await self.queue.put(op.number)

    async def async_get(self, _, _op):
        return await self.queue.get()

    async def async_join(self, _, _op):
        await self.queue.join()

    async def async_barrier(self, _, _op):
        return await self.barrier.wait()

    async def async_barrier_reset(self, _, _op):
        await self.barrier.reset()

    async def async_barrier_abort(self, _, _op):
        await self.barrier.abort()

    async def async_condition_wait(self, _, _op):
        async with self.condition:
            return await self.condition.wait()

    async def async_condition_wait_for(self, _, op):
        async with self.condition:
            return await self.condition.wait_for(lambda: self.counter > op.b)

    async def async_await_combined(self, _, op):
        if self.combined:
            await self.combined[op.a % len(self.combined)]

    async def async_wait_for_task(self, me, op):
        if task := self.later_root(me, op):
            return await asyncio.wait_for(task, op.b)

    async def async_shield_task(self, me, op):
        if task := self.later_root(me, op):
            return await asyncio.shield(task)

    def given(self, me, op):
        given = [self.future(op), self.futures[op.b % FUTURES]]
        if task := self.later_root(me, op):
            given.append(task)
        return given

    async def async_wait_given(self, me, op):
        given = self.given(me, op)
        done, _ = await asyncio.wait(given, timeout=op.b or None, return_when=return_when(op))
        return texts(future in done for future in given)

    async def async_gather_given(self, me, op):
        return texts(await asyncio.gather(*self.given(me, op), return_exceptions=op.b % 2 == 0))

    async def async_lock(self, me, op):
        async with self.locks[op.a % LOCKS]:
            return await self.run(me, op.scripts[0])

    async def async_semaphore(self, me, op):
        async with self.semaphores[op.a % len(self.semaphores)]:
            return await self.run(me, op.scripts[0])

    async def async_condition(self, me, op):
        async with self.condition:
            return await self.run(me, op.scripts[0])

    async def async_timeout(self, me, op):
        if not self.newer and asyncio.current_task().cancelling():
            return "not in 3.11.2, where it would not tell its own cancel from the other"
        async with asyncio.timeout(op.b) as timeout:
            self.timeouts.append(timeout)
            return await self.run(me, op.scripts[0])

    async def async_wait_for(self, me, op):
        return await asyncio.wait_for(self.run(me, op.scripts[0]), op.b)

    async def async_swallow(self, me, op):
        try:
            return await self.run(me, op.scripts[0])
        except asyncio.CancelledError as error:
            return "swallowed " + text(error)

    async def async_catch(self, me, op):
        try:
            return await self.run(me, op.scripts[0])
        except Exception as error:
            return "caught " + text(error)

    async def async_finally(self, me, op):
        try:
            return await self.run(me, op.scripts[0])
        finally:
            await self.run(me, op.scripts[1])

    async def async_gather(self, me, op):
        return texts(await asyncio.gather(*self.start_children(me, op)))

    async def async_gather_outcomes(self, me, op):
        return texts(await asyncio.gather(*self.start_children(me, op), return_exceptions=True))

    async def async_wait(self, me, op):
        tasks = self.start_children(me, op)
        done, _ = await asyncio.wait(tasks, timeout=op.b or None, return_when=return_when(op))
        return texts(task in done for task in tasks)

    async def async_as_completed(self, me, op):
        ends = []
        for following in asyncio.as_completed(self.start_children(me, op), timeout=op.b or None):
            try:
                ends.append(await following)
            except Exception as error:
                ends.append(error)
        return texts(ends)

    async def async_shield(self, me, op):
        return await asyncio.shield(self.start_children(me, op)[0])

    async def async_spawn(self, me, op):
        self.start_children(me, op)

    async def async_spawn_eagerly(self, me, op):
        def create_task(coro):
            return asyncio.Task(coro, loop=loop(), eager_start=True)

        self.start(op.name_of(0), me.root, op.scripts[0], create_task)

    async def async_group(self, me, op):
        async with TaskGroup() as group:
            for i, script in enumerate(op.scripts[1:]):
                self.start(op.name_of(i), me.root, script, group.create_task)
            return await self.run(me, op.scripts[0])


# ---- running them --------------------------------------------------------------------------------

Mode = collections.namedtuple("Mode", ["newer", "shields"])


async def run_to_end(world):
    for i in range(ROUNDS_MAX):
        pending = [task for _, task in world.tasks if not task.done()]
        if not pending:
            break
        await asyncio.wait(pending, timeout=8)
        log_time(f"round {i}")
        for _, task in world.tasks:
            if not task.done():
                task.cancel("the end")
    for name, task in world.tasks:
        log(f"{name}: {'cancelled' if task.cancelled() else 'done' if task.done() else 'goes on'}")
    for handle in world.handles:
        handle.cancel()
    await turns(CALLBACK_TURNS_MAX)


async def run_program(seed, mode):
    unseen = []

    def report(_, context):
        error = text(context["exception"])
        if context["message"].startswith("Exception in callback"):
            log(f"handler: {error}")
        elif mode.shields:
            pass  # what a shield does with the failures of work that it left changes in 3.14
        else:
            message = context["message"].replace("_GatheringFuture", "Future")
            unseen.append(f"{message}: {error}")

    loop().set_exception_handler(report)
    await run_to_end(World(Maker(seed, mode).program(), mode))
    gc.collect()
    for line in sorted(unseen):
        log(line)


for newer in False, True:
    for program_seed in range(1, PROGRAMS + 1):
        program_mode = Mode(newer, program_seed % 2 == 0)
        scenario(f"program {program_seed}" + (" (3.13)" if newer else ""))(
            functools.partial(run_program, program_seed, program_mode))

gc.freeze()  # what is there by now is no garbage: it need not be looked at again and again
run_all()
