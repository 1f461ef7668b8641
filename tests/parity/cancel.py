# SPDX-License-Identifier: MIT
"""Cancelling: delivery, counting, swallowing, chains."""

import asyncio

from support.trace import log, log_end, log_time, loop, run_all, scenario, turns


async def sleeper(name, delay=1000):
    log(f"{name} sleeps")
    try:
        await asyncio.sleep(delay)
        log(f"{name} slept")
    except asyncio.CancelledError as error:
        log(f"{name} {error!r}")
        raise
    return name


async def waiter(name, future):
    try:
        value = await future
        log(f"{name} got {value}")
        return value
    except asyncio.CancelledError as error:
        log(f"{name} {error!r}")
        raise


async def end_of(name, task):
    try:
        await task
    except asyncio.CancelledError:
        pass
    except Exception as error:
        log(f"{name} threw {error!r}")
    log_end(name, task)


@scenario("before the start: the body never runs")
async def _():
    task = asyncio.create_task(sleeper("task"))
    task.add_done_callback(lambda _: log("callback"))
    log(str(task.cancel("early")))
    log(f"{task.cancelled()} {task.done()} {task.cancelling()}")
    await end_of("task", task)


@scenario("while suspended: seen a turn later, ended for others two turns later")
async def _():
    task = asyncio.create_task(sleeper("task"))
    await turns(2)
    log(str(task.cancel("enough")))
    log(f"{task.cancelled()} {task.done()} {task.cancelling()}")
    await end_of("task", task)
    log(f"{task.cancel()} {task.cancelling()}")


@scenario("while suspended on a future: it is cancelled at once")
async def _():
    future = loop().create_future()
    task = asyncio.create_task(waiter("task", future))
    await turns(1)
    task.cancel("down")
    log_end("future", future)
    await end_of("task", task)


@scenario("by itself: seen at the next suspension")
async def _():
    async def body():
        asyncio.current_task().cancel("myself")
        log("still here")
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            log(repr(error))
            raise

    await end_of("task", asyncio.create_task(body()))


@scenario("by itself, and no suspension follows: the value is lost")
async def _():
    async def body():
        asyncio.current_task().cancel("at the end")
        return 1

    task = asyncio.create_task(body())
    await end_of("task", task)
    log(str(task.cancelling()))


@scenario("by itself, and an exception follows: the exception stays")
async def _():
    async def body():
        asyncio.current_task().cancel()
        raise ValueError("instead")

    await end_of("task", asyncio.create_task(body()))


@scenario("by itself, before it awaits a task: that one is cancelled")
async def _():
    inner = asyncio.create_task(sleeper("inner"))

    async def body():
        asyncio.current_task().cancel("handed on")
        await waiter("outer", inner)

    outer = asyncio.create_task(body())
    await end_of("outer", outer)
    log_end("inner", inner)
    log(f"{outer.cancelling()} {inner.cancelling()}")


@scenario("twice before it is seen: one error, two counts")
async def _():
    async def body():
        for i in range(2):
            try:
                await asyncio.sleep(10)
                log(f"slept {i}")
            except asyncio.CancelledError as error:
                log(f"{i} {error!r}")
        return "done"

    task = asyncio.create_task(body())
    await turns(1)
    task.cancel("first")
    task.cancel("second")
    log(str(task.cancelling()))
    await end_of("task", task)
    log_time(str(task.cancelling()))


@scenario("swallowed: the task goes on, later awaits work")
async def _():
    async def body():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log("swallowed")
        await asyncio.sleep(1)
        log_time("slept")
        return "value"

    task = asyncio.create_task(body())
    await turns(1)
    task.cancel()
    await end_of("task", task)
    log(f"{task.cancelled()} {task.cancelling()} {task.uncancel()} {task.uncancel()}")


@scenario("along a chain of tasks: the innermost sees it first")
async def _():
    future = loop().create_future()
    task = asyncio.create_task(waiter("task 0", future))
    tasks = [task]
    for i in range(1, 4):
        task = asyncio.create_task(waiter(f"task {i}", task))
        tasks.append(task)
    await turns(1)
    tasks[3].cancel("down the chain")
    log(" ".join(str(task.cancelling()) for task in tasks))
    await end_of("task 3", tasks[3])
    for i in range(4):
        log_end(f"task {i}", tasks[i])


@scenario("along a chain whose inner end swallows it: the outer ones get its value")
async def _():
    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log("inner swallows")
        return "kept"

    inner = asyncio.create_task(stubborn())
    outer = asyncio.create_task(waiter("outer", inner))
    await turns(2)
    outer.cancel()
    await end_of("outer", outer)
    log(f"{outer.cancelling()} {inner.cancelling()}")


@scenario("after the future is done, before the task resumes: the cancel wins")
async def _():
    future = loop().create_future()
    task = asyncio.create_task(waiter("task", future))
    await turns(1)
    future.set_result("kept in the future")
    task.cancel("later")
    await end_of("task", task)
    log_end("future", future)


@scenario("before the future is done in the same turn: the result comes too late")
async def _():
    future = loop().create_future()
    task = asyncio.create_task(waiter("task", future))
    await turns(1)
    task.cancel()
    try:
        future.set_result("too late")
    except asyncio.InvalidStateError:
        log("InvalidStateError")
    await end_of("task", task)


@scenario("the future by others: the task ends cancelled, and counts nothing")
async def _():
    future = loop().create_future()
    task = asyncio.create_task(waiter("task", future))
    await turns(1)
    future.cancel("by others")
    await end_of("task", task)
    log(str(task.cancelling()))


@scenario("task and future in one turn: one error")
async def _():
    future = loop().create_future()

    async def body():
        for awaitable in (future, asyncio.sleep(1)):
            try:
                await awaitable
                log("went on")
            except asyncio.CancelledError as error:
                log(repr(error))

    task = asyncio.create_task(body())
    await turns(1)
    task.cancel("task")
    future.cancel("future")
    await end_of("task", task)


@scenario("one of several who await a task: all see its end")
async def _():
    inner = asyncio.create_task(sleeper("inner"))
    outers = [asyncio.create_task(waiter(f"outer {i}", inner)) for i in range(3)]
    await turns(2)
    outers[1].cancel()
    for i, outer in enumerate(outers):
        await end_of(f"outer {i}", outer)
    log(" ".join(str(outer.cancelling()) for outer in outers))


@scenario("a sleep and a cancel with one deadline: whoever is first registered")
async def _():
    async def victim():
        try:
            await asyncio.sleep(1)
            log_time("slept")
        except asyncio.CancelledError:
            log_time("cancelled")
            raise

    first = asyncio.create_task(victim())
    loop().call_later(1, first.cancel)
    await end_of("timer first", first)
    second = asyncio.create_task(victim())
    await turns(1)
    loop().call_later(1, second.cancel)
    await end_of("sleep first", second)


@scenario("clean-up that awaits: done before the end")
async def _():
    async def body():
        try:
            await asyncio.sleep(10)
        finally:
            log("cleans up")
            await asyncio.sleep(1)
            log_time("has cleaned up")

    task = asyncio.create_task(body())
    await turns(1)
    task.cancel()
    await end_of("task", task)


@scenario("clean-up that is cancelled, too")
async def _():
    async def body():
        try:
            await asyncio.sleep(10)
        finally:
            try:
                await asyncio.sleep(1)
                log("has cleaned up")
            except asyncio.CancelledError as error:
                log(f"clean-up {error!r}")
                raise

    task = asyncio.create_task(body())
    await turns(1)
    task.cancel("one")
    await turns(2)
    task.cancel("two")
    await end_of("task", task)
    log(str(task.cancelling()))


@scenario("instead of a cancellation: another exception, a value")
async def _():
    async def throws():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            pass
        raise KeyError("instead")

    task = asyncio.create_task(throws())
    await turns(1)
    task.cancel()
    await end_of("task", task)


@scenario("uncancel: a request that was not delivered yet is withdrawn (3.13)")
async def _():
    task = asyncio.create_task(sleeper("task", 1))
    task.cancel()
    log(str(task.uncancel()))
    await end_of("task", task)
    future = loop().create_future()
    second = asyncio.create_task(waiter("second", future))
    await turns(1)
    future.set_result("value")
    second.cancel()
    second.cancel()
    log(f"{second.uncancel()} {second.uncancel()}")
    await end_of("second", second)


@scenario("the end of the loop: what is left is cancelled, and may clean up")
async def _():
    async def body():
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError as error:
            log(repr(error))
            await asyncio.sleep(1)
            log_time("cleaned up")
            raise

    asyncio.create_task(body()).add_done_callback(lambda task: log_end("task", task))
    await turns(2)
    log("main ends")


run_all()
