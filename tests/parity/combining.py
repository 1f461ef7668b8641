# SPDX-License-Identifier: MIT
"""gather, wait, shield, as_completed: results, errors, turns."""

import asyncio

from support.trace import (attempt, log, log_end, log_time, loop, run_all, scenario, turns, work)


# ---- gather --------------------------------------------------------------------------------------

@scenario("gather: results in the order of the arguments, two turns after the last end")
async def _():
    results = await asyncio.gather(work("a", 2), work("b", 1), work("c", 0))
    log_time(" ".join(results))


@scenario("gather: the first error comes at once, the others go on")
async def _():
    log(await attempt(asyncio.gather(work("a", 2), work("b", 1, ValueError("b")), work("c", 3))))
    log_time("main goes on")
    await asyncio.sleep(5)


@scenario("gather: a second error is not reported")
async def _():
    log(await attempt(asyncio.gather(work("a", 1, ValueError("a")), work("b", 2, KeyError("b")))))
    await asyncio.sleep(5)
    log("end")


@scenario("gather: errors as results")
async def _():
    task = asyncio.create_task(work("cancelled", 9))
    loop().call_later(1, task.cancel)
    results = await asyncio.gather(work("a", 1), work("b", 2, ValueError("b")), task,
                                   return_exceptions=True)
    log_time(" ".join(str(result) if isinstance(result, str) else repr(result).replace("''", "")
                      for result in results))


@scenario("gather: of nothing")
async def _():
    log(str(await asyncio.gather()))
    log("end")


@scenario("gather: cancelled from outside, it cancels its children")
async def _():
    async def outer():
        return await asyncio.gather(work("a", 5), work("b", 6))

    task = asyncio.create_task(outer())
    await asyncio.sleep(1)
    log(str(task.cancel()))
    log(await attempt(task))
    log(str(task.cancelled()))


@scenario("gather: the future itself is cancelled")
async def _():
    gathered = asyncio.gather(work("a", 5), work("b", 6))
    await asyncio.sleep(1)
    log(str(gathered.cancel()))
    log(str(gathered.done()))
    log(await attempt(gathered))


@scenario("gather: a child that others cancel is an error like any")
async def _():
    task = asyncio.create_task(work("a", 5))
    loop().call_later(1, task.cancel)
    log(await attempt(asyncio.gather(task, work("b", 2))))
    await asyncio.sleep(5)


@scenario("gather: one future twice, and done ones beside pending ones")
async def _():
    done = loop().create_future()
    done.set_result("done")
    task = asyncio.create_task(work("a", 1))
    log(" ".join(await asyncio.gather(task, done, task)))


@scenario("gather: all are done at the call (3.12)")
async def _():
    done = loop().create_future()
    done.set_result("done")
    log(" ".join(await asyncio.gather(done, done)))


@scenario("gather: within gather")
async def _():
    async def both(name):
        return " ".join(await asyncio.gather(work(name + "1", 1), work(name + "2", 2)))

    log(" ".join(await asyncio.gather(both("a"), both("b"))))


@scenario("gather: cancelled in the turn in which the last child ends")
async def _():
    future = loop().create_future()

    async def outer():
        return " ".join(await asyncio.gather(future))

    task = asyncio.create_task(outer())
    await turns(2)
    future.set_result("kept")
    task.cancel()
    log(await attempt(task))
    log_end("future", future)


# ---- wait ----------------------------------------------------------------------------------------

async def log_wait(tasks, **options):
    done, pending = await asyncio.wait(tasks, **options)
    log_time(f"done: {' '.join(task.get_name() for task in tasks if task in done)}; "
             f"pending: {' '.join(task.get_name() for task in tasks if task in pending)}")


def start(*works):
    return [asyncio.create_task(one, name=name) for name, one in works]


@scenario("wait: for all")
async def _():
    await log_wait(start(("a", work("a", 1)), ("b", work("b", 2, ValueError("b")))))


@scenario("wait: for the first, and the rest goes on")
async def _():
    tasks = start(("a", work("a", 2)), ("b", work("b", 1)), ("c", work("c", 1)))
    await log_wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await log_wait(tasks)


@scenario("wait: for the first exception")
async def _():
    tasks = start(("a", work("a", 1)), ("b", work("b", 2, ValueError("b"))), ("c", work("c", 3)))
    await log_wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    await log_wait(tasks)


@scenario("wait: a cancelled member is no exception")
async def _():
    tasks = start(("a", work("a", 5)), ("b", work("b", 2)))
    loop().call_later(1, tasks[0].cancel)
    await log_wait(tasks, return_when=asyncio.FIRST_EXCEPTION)


@scenario("wait: a timeout cancels nobody")
async def _():
    tasks = start(("a", work("a", 1)), ("b", work("b", 3)))
    await log_wait(tasks, timeout=2)
    await log_wait(tasks, timeout=0)
    await log_wait(tasks)


@scenario("wait: all are done at the call")
async def _():
    tasks = start(("a", work("a", 0)))
    await asyncio.sleep(1)
    await log_wait(tasks)


@scenario("wait: cancelled, it leaves its members alone")
async def _():
    tasks = start(("a", work("a", 2)))
    waiter = asyncio.create_task(log_wait(tasks))
    await asyncio.sleep(1)
    waiter.cancel("enough")
    log(await attempt(waiter))
    log(await tasks[0])


# ---- shield --------------------------------------------------------------------------------------

@scenario("shield: the inner work's result, two turns after its end")
async def _():
    log(await asyncio.shield(work("inner", 1)))
    log(await attempt(asyncio.shield(work("inner", 1, ValueError("inner")))))


@scenario("shield: cancelled from outside, the inner work goes on")
async def _():
    inner = asyncio.create_task(work("inner", 2))

    async def outer():
        return await asyncio.shield(inner)

    task = asyncio.create_task(outer())
    await asyncio.sleep(1)
    task.cancel("outside")
    log(await attempt(task))
    log(await inner)


@scenario("shield: the inner work is cancelled")
async def _():
    inner = asyncio.create_task(work("inner", 2))
    loop().call_later(1, inner.cancel)
    log(await attempt(asyncio.shield(inner)))


@scenario("shield: of what is done")
async def _():
    inner = asyncio.create_task(work("inner", 0))
    await asyncio.sleep(1)
    log(await asyncio.shield(inner))


# ---- as_completed --------------------------------------------------------------------------------

@scenario("as_completed: in the order of the ends")
async def _():
    for following in asyncio.as_completed([asyncio.create_task(work("a", 3)),
                                           asyncio.create_task(work("b", 1)),
                                           asyncio.create_task(work("c", 2, ValueError("c")))]):
        log(await attempt(following))
    log_time("end")


@scenario("as_completed: a timeout")
async def _():
    tasks = [asyncio.create_task(work("a", 3)), asyncio.create_task(work("b", 1))]
    for following in asyncio.as_completed(tasks, timeout=2):
        log((await attempt(following)).split("(")[0])
    log_time("end")
    await asyncio.sleep(5)


@scenario("as_completed: several that end in one turn")
async def _():
    futures = [loop().create_future() for _ in range(3)]
    waiting = asyncio.as_completed(futures)

    async def read():
        for following in waiting:
            log(await following)

    task = asyncio.create_task(read())
    await turns(1)
    for i in (2, 0, 1):
        futures[i].set_result(f"future {i}")
    await task


run_all()
