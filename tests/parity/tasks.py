# SPDX-License-Identifier: MIT
"""Tasks: starting, hops, interleaving, ends."""

import asyncio

from support.trace import log, log_end, log_time, loop, run_all, scenario, turns


async def steps(name, count):
    for i in range(count):
        log(f"{name}{i}")
        await asyncio.sleep(0)
    return name


async def give(value):
    return value


async def fail(message):
    raise ValueError(message)


async def await_and_log(name, future):
    try:
        value = await future
        log(f"{name} got {value}")
        return value
    except Exception as error:
        log(f"{name} got {error!r}")
        raise


@scenario("start: in the order of creation, among callbacks, in the next turn")
async def _():
    loop().call_soon(log, "callback 1")
    first = asyncio.create_task(steps("a", 1))
    loop().call_soon(log, "callback 2")
    second = asyncio.create_task(steps("b", 1))
    log("created")
    await second
    log(str(first.done()))


@scenario("start: a task that is made by a task starts a turn later")
async def _():
    async def outer():
        log("outer")
        inner = asyncio.create_task(steps("inner", 2))
        await asyncio.sleep(0)
        log("outer again")
        return await inner

    log(await asyncio.create_task(outer()))


@scenario("interleaving: tasks that yield take turns")
async def _():
    tasks = [asyncio.create_task(steps(name, 3)) for name in "abc"]
    for task in tasks:
        log("end of " + await task)


@scenario("hops: coroutines that await coroutines take no turn")
async def _():
    async def deep(depth):
        return depth if depth == 0 else 1 + await deep(depth - 1)

    log(str(await deep(50)))
    log(str(await asyncio.create_task(deep(50))))


@scenario("hops: awaiting a future and a task, pending and done")
async def _():
    future = loop().create_future()
    loop().call_soon(future.set_result, 1)
    log(str(await future))
    log(str(await future))
    task = asyncio.create_task(give(2))
    log(str(await task))
    log(str(await task))
    slow = asyncio.create_task(steps("s", 1))
    log(await slow)


@scenario("hops: the end of a chain of tasks comes up one task a turn")
async def _():
    future = loop().create_future()
    task = asyncio.create_task(await_and_log("task 0", future))
    for i in range(1, 4):
        task = asyncio.create_task(await_and_log(f"task {i}", task))
    await turns(2)
    log("sets")
    future.set_result("value")
    await task
    log("main")


@scenario("hops: an exception comes up a chain of tasks")
async def _():
    task = asyncio.create_task(await_and_log("task 0", fail("below")))
    for i in range(1, 3):
        task = asyncio.create_task(await_and_log(f"task {i}", task))
    try:
        await task
    except ValueError as error:
        log(repr(error))


@scenario("hops: several who await one task go on in the order in which they came")
async def _():
    task = asyncio.create_task(steps("work", 2))
    task.add_done_callback(lambda _: log("callback 1"))
    waiters = [asyncio.create_task(await_and_log(f"waiter {i}", task)) for i in range(3)]
    await turns(1)
    task.add_done_callback(lambda _: log("callback 2"))
    for waiter in waiters:
        await waiter
    log("main")


@scenario("ping-pong: two tasks that wake each other through futures")
async def _():
    ball = [loop().create_future(), loop().create_future()]

    async def player(me):
        for i in range(3):
            await ball[me]
            ball[me] = loop().create_future()
            log(f"player {me} round {i}")
            ball[1 - me].set_result(None)

    players = [asyncio.create_task(player(0)), asyncio.create_task(player(1))]
    await turns(1)
    ball[0].set_result(None)
    for task in players:
        await task
    log("end")


@scenario("current_task: right over interleaved awaits, none in callbacks")
async def _():
    async def named(delay):
        for _ in range(2):
            log(asyncio.current_task().get_name())
            await asyncio.sleep(delay)
        log_time(asyncio.current_task().get_name())

    tasks = [asyncio.create_task(named(i), name=f"delay {i}") for i in range(3)]
    loop().call_soon(lambda: log(str(asyncio.current_task() is None)))
    for task in tasks:
        await task


@scenario("all_tasks: those that are not done")
async def _():
    async def brief():
        log(str(len(asyncio.all_tasks())))

    tasks = [asyncio.create_task(brief()) for _ in range(3)]
    for task in tasks:
        await task
    log(str(len(asyncio.all_tasks())))


@scenario("ends: a result, an exception, a cancellation of the body's own")
async def _():
    async def give_up():
        await asyncio.sleep(0)
        raise asyncio.CancelledError("by itself")

    tasks = [asyncio.create_task(give(1)), asyncio.create_task(fail("broken")),
             asyncio.create_task(give_up())]
    for i, task in enumerate(tasks):
        task.add_done_callback(lambda task, i=i: log_end(f"task {i}", task))
    await turns(4)


@scenario("misuse: a coroutine that is awaited twice")
async def _():
    coro = give(1)
    log(str(await coro))
    try:
        await coro
    except RuntimeError as error:
        log(repr(error))


@scenario("ensure_future: a future as it is, a coroutine as a task")
async def _():
    future = loop().create_future()
    log(str(asyncio.ensure_future(future) is future))
    task = asyncio.ensure_future(steps("s", 1))
    log("made")
    log(await task)


@scenario("sleep: with a result, of nothing, of less than nothing")
async def _():
    log(await asyncio.sleep(1, "slept"))
    log_time("now")
    log(await asyncio.sleep(0, "none"))
    log(await asyncio.sleep(-1, "less"))
    log_time("end")
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    log("task of sleep(0)")


run_all()
