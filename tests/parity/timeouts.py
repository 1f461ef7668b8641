# SPDX-License-Identifier: MIT
"""timeout and wait_for: who is cancelled, by whom, and what comes of it."""

import asyncio

from support.trace import (attempt, hide_turns, log, log_end, log_time, loop, run_all, scenario,
                           turns, work)


async def limited(limit, body):
    """`body` below a timeout; says how that ended."""
    try:
        async with asyncio.timeout(limit) as scope:
            await body
    except (TimeoutError, asyncio.CancelledError, ValueError) as error:
        log(f"limited: {type(error).__name__}")
        raise
    finally:
        log_time(f"expired: {scope.expired()}, cancelling: {asyncio.current_task().cancelling()}")


async def swallow(awaitable):
    await attempt(awaitable)


@scenario("timeout: in time")
async def _():
    await limited(2, work("body", 1))
    await asyncio.sleep(5)
    log_time("end")


@scenario("timeout: too late")
async def _():
    await swallow(limited(1, work("body", 2)))
    await asyncio.sleep(1)
    log_time("end")


@scenario("timeout: none")
async def _():
    await limited(None, work("body", 1))


@scenario("timeout: zero, and less than nothing")
async def _():
    await swallow(limited(0, work("body", 1)))
    await swallow(limited(-1, work("body", 1)))
    await limited(0, turns(0))


@scenario("timeout: its deadline is the body's end")
async def _():
    await swallow(limited(1, work("body", 1)))


@scenario("timeout: the body throws")
async def _():
    await swallow(limited(5, work("body", 1, ValueError("of the body"))))
    log_time("end")


@scenario("timeout: within a longer one, within a shorter one")
async def _():
    await swallow(limited(5, limited(1, work("body", 9))))
    await swallow(limited(1, limited(5, work("body", 9))))


@scenario("timeout: two with one deadline")
async def _():
    await swallow(limited(1, limited(1, work("body", 9))))


@scenario("timeout: a cancel from outside before it")
async def _():
    task = asyncio.create_task(limited(5, work("body", 9)))
    loop().call_later(1, task.cancel, "outside")
    log(await attempt(task))
    log(str(task.cancelling()))


@scenario("timeout: a cancel from outside at its deadline, registered later")
async def _():
    task = asyncio.create_task(limited(1, work("body", 9)))
    await turns(1)
    loop().call_later(1, task.cancel, "outside")
    log(await attempt(task))
    log(str(task.cancelling()))


@scenario("timeout: a cancel from outside at its deadline, registered first")
async def _():
    task = asyncio.create_task(limited(1, work("body", 9)))
    loop().call_later(1, task.cancel, "outside")
    log(await attempt(task))
    log(str(task.cancelling()))


@scenario("timeout: rescheduled to later, to sooner, to never")
async def _():
    async def body(delay, when):
        try:
            async with asyncio.timeout(2) as scope:
                await asyncio.sleep(1)
                scope.reschedule(None if when is None else loop().time() + when)
                await asyncio.sleep(delay)
                log_time("in time")
        except TimeoutError:
            log_time("too late")
        log(str(scope.expired()))

    await body(3, 5)
    await body(9, 0.5)
    await body(9, None)
    await body(9, -1)


@scenario("timeout: the body swallows the cancel")
async def _():
    async def stubborn():
        await swallow(asyncio.sleep(9))
        log("goes on")
        await asyncio.sleep(1)
        log_time("ends")

    await swallow(limited(1, stubborn()))
    log("end")


@scenario("timeout: clean-up in the body takes its time")
async def _():
    async def tidy():
        try:
            await asyncio.sleep(9)
        finally:
            await asyncio.sleep(3)
            log_time("tidy")

    await swallow(limited(1, tidy()))


@scenario("wait_for: in time, too late, without a limit")
async def _():
    hide_turns()
    log(await asyncio.wait_for(work("a", 1), 2))
    log(await attempt(asyncio.wait_for(work("b", 2), 1)))
    log(await asyncio.wait_for(work("c", 1), None))
    log_time("end")


@scenario("wait_for: of a task, which is cancelled when the time is up")
async def _():
    hide_turns()
    task = asyncio.create_task(work("a", 9))
    log(await attempt(asyncio.wait_for(task, 1)))
    log_end("task", task)


@scenario("wait_for: it waits for clean-up, and passes on what that throws")
async def _():
    hide_turns()

    async def tidy(error):
        try:
            await asyncio.sleep(9)
        finally:
            await asyncio.sleep(3)
            log_time("tidy")
            if error:
                raise error

    log(await attempt(asyncio.wait_for(tidy(None), 1)))
    log(await attempt(asyncio.wait_for(tidy(ValueError("in clean-up")), 1)))
    log_time("end")


@scenario("wait_for: cancelled from outside")
async def _():
    hide_turns()
    task = asyncio.create_task(asyncio.wait_for(work("a", 9), 5))
    await turns(2)
    task.cancel()
    log(await attempt(task))


@scenario("wait_for: a limit of zero")
async def _():
    hide_turns()
    done = loop().create_future()
    done.set_result("done")
    log(await attempt(asyncio.wait_for(done, 0)))
    log(await attempt(asyncio.wait_for(loop().create_future(), 0)))


@scenario("wait_for: of a coroutine 0 turns, of a task 1, of what is done 0 (3.12)")
async def _():
    log(await asyncio.wait_for(work("a", 1), 2))
    log(await asyncio.wait_for(asyncio.create_task(work("b", 1)), 2))
    log("end")


run_all()
