# SPDX-License-Identifier: MIT
"""Futures: states, done-callbacks, who is told in which order."""

import asyncio

from support.trace import log, log_end, loop, run_all, scenario, turns


def attempt(what, function, *args):
    try:
        function(*args)
        log(f"{what}: done")
    except (Exception, asyncio.CancelledError) as error:
        log(f"{what}: {type(error).__name__}")


@scenario("states: pending, then one end, then no other")
async def _():
    future = loop().create_future()
    attempt("result of a pending one", future.result)
    attempt("exception of a pending one", future.exception)
    future.set_result(1)
    attempt("set_result again", future.set_result, 2)
    attempt("set_exception after a result", future.set_exception, ValueError())
    log(f"{future.cancel()} {future.cancelled()} {future.done()}")
    log_end("future", future)


@scenario("states: cancelled")
async def _():
    future = loop().create_future()
    log(f"{future.cancel('gone')} {future.cancelled()} {future.done()}")
    log(f"{future.cancel('again')}")
    attempt("set_result", future.set_result, 1)
    attempt("result", future.result)
    attempt("exception", future.exception)
    try:
        await future
    except asyncio.CancelledError as error:
        log(repr(error))


@scenario("callbacks: in order, a turn after the end, each with the future")
async def _():
    for end in ("result", "exception", "cancel"):
        future = loop().create_future()
        for i in range(3):
            future.add_done_callback(lambda done, i=i: log_end(f"{end} {i}", done))
        if end == "result":
            future.set_result(1)
        elif end == "exception":
            future.set_exception(KeyError("k"))
        else:
            future.cancel()
        log("ended")
        await turns(2)


@scenario("callbacks: added late, they run in the next turn")
async def _():
    future = loop().create_future()
    future.set_result(1)
    loop().call_soon(log, "before")
    future.add_done_callback(lambda _: log("late"))
    loop().call_soon(log, "after")
    log("added")
    await turns(1)
    future.add_done_callback(lambda _: log("later"))
    await turns(1)


@scenario("callbacks: tasks and callbacks are told in the order in which they came")
async def _():
    future = loop().create_future()

    async def waiter(name):
        log(f"{name} got {await future}")

    future.add_done_callback(lambda _: log("callback 1"))
    first = asyncio.create_task(waiter("task 1"))
    await turns(1)
    future.add_done_callback(lambda _: log("callback 2"))
    second = asyncio.create_task(waiter("task 2"))
    await turns(1)
    future.add_done_callback(lambda _: log("callback 3"))
    future.set_result("it")
    log("set")
    await first
    await second


@scenario("callbacks: removed ones do not run")
async def _():
    future = loop().create_future()

    def keep(_):
        log("kept")

    def drop(_):
        log("never")

    future.add_done_callback(drop)
    future.add_done_callback(keep)
    log(str(future.remove_done_callback(drop)))
    log(str(future.remove_done_callback(drop)))
    future.set_result(1)
    log(str(future.remove_done_callback(keep)))
    await turns(1)


@scenario("callbacks: one that throws is reported, the next ones run")
async def _():
    future = loop().create_future()

    def fail(_):
        raise ValueError("in a callback")

    future.add_done_callback(fail)
    future.add_done_callback(lambda _: log("next"))
    future.set_result(1)
    await turns(1)


@scenario("callbacks: one completes another future, its callbacks come a turn later")
async def _():
    futures = [loop().create_future() for _ in range(3)]
    for i in range(2):
        futures[i].add_done_callback(lambda done, i=i: futures[i + 1].set_result(done.result() + 1))
    for i in range(3):
        futures[i].add_done_callback(lambda done, i=i: log_end(f"future {i}", done))
    futures[0].set_result(0)
    await turns(4)


@scenario("callbacks: of a task run a turn after its end, beside who awaits it")
async def _():
    async def work():
        log("works")
        return "value"

    task = asyncio.create_task(work())
    task.add_done_callback(lambda done: log_end("callback", done))
    log(await task)


@scenario("awaiting: a done future takes no turn, and gives its value again")
async def _():
    future = loop().create_future()
    future.set_result("value")
    for _ in range(3):
        log(await future)
    failed = loop().create_future()
    failed.set_exception(ValueError("again"))
    for _ in range(2):
        try:
            await failed
        except ValueError as error:
            log(repr(error))


@scenario("awaiting: several tasks, one future, one exception")
async def _():
    future = loop().create_future()

    async def waiter(name):
        try:
            await future
        except ValueError as error:
            log(f"{name} {error!r}")

    tasks = [asyncio.create_task(waiter(f"task {i}")) for i in range(3)]
    await turns(1)
    future.set_exception(ValueError("for all"))
    for task in tasks:
        await task


run_all()
