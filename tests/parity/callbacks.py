# SPDX-License-Identifier: MIT
"""Callbacks and timers: in which order, in which turn."""

import asyncio

from support.trace import log, log_time, loop, run_all, scenario, turns


@scenario("call_soon: first come, first served; nested ones wait for the next turn")
async def _():
    def outer():
        log("outer")
        loop().call_soon(log, "inner")

    loop().call_soon(log, "a")
    loop().call_soon(outer)
    loop().call_soon(log, "b")
    log("scheduled")
    await turns(3)
    log("end")


@scenario("call_soon: a callback that schedules itself runs once a turn")
async def _():
    def again(left):
        log(f"left {left}")
        if left:
            loop().call_soon(again, left - 1)

    loop().call_soon(again, 3)
    loop().call_soon(log, "other")
    await turns(5)


@scenario("handles: a cancelled callback does not run, also if cancelled in the same turn")
async def _():
    first = loop().call_soon(log, "never")
    first.cancel()

    def cancel_second():
        log("cancels")
        second.cancel()

    loop().call_soon(cancel_second)
    second = loop().call_soon(log, "never either")
    loop().call_soon(log, "third")
    await turns(1)
    log(f"{first.cancelled()} {second.cancelled()}")
    second.cancel()
    await turns(1)


@scenario("timers: deadlines in order, whatever the order of registration")
async def _():
    loop().call_later(3, log_time, "three")
    loop().call_later(1, log_time, "one")
    loop().call_later(2, log_time, "two")
    await asyncio.sleep(4)
    log_time("end")


@scenario("timers: equal deadlines in the order of registration")
async def _():
    when = loop().time() + 1
    loop().call_at(when, log_time, "first")
    loop().call_at(when, log_time, "second")
    await asyncio.sleep(2)


@scenario("timers: negative delays run by deadline, after what is ready")
async def _():
    loop().call_later(-1, log_time, "minus one")
    loop().call_later(-2, log_time, "minus two")
    loop().call_soon(log, "soon")
    await turns(1)
    log("main")
    await turns(2)


@scenario("timers: a delay of zero runs in the next turn, after what is ready")
async def _():
    loop().call_later(0, log_time, "zero")
    loop().call_soon(log, "soon")
    await turns(1)
    log("main")
    await turns(2)


@scenario("timers: a cancelled timer neither runs nor moves the clock")
async def _():
    timer = loop().call_later(5, log_time, "never")
    timer.cancel()
    log(str(timer.cancelled()))
    await asyncio.sleep(1)
    log_time("slept")


@scenario("timers: a timer cancels another one that is due in the same turn")
async def _():
    def cancel_other():
        log_time("cancels")
        other.cancel()

    loop().call_later(1, cancel_other)
    other = loop().call_later(1.5, log_time, "never")
    await asyncio.sleep(2)
    when = loop().time() + 1
    loop().call_at(when, cancel_other)
    other = loop().call_at(when, log_time, "never either")
    await asyncio.sleep(2)
    log_time("end")


@scenario("timers: what a due timer schedules runs a turn later than the timers due with it")
async def _():
    def first():
        log_time("first")
        loop().call_soon(log, "scheduled by the first")

    when = loop().time() + 1
    loop().call_at(when, first)
    loop().call_at(when, log_time, "second")
    await asyncio.sleep(2)


@scenario("timers: a sleep and a timer with one deadline, in the order of registration")
async def _():
    async def sleeper():
        await asyncio.sleep(1)
        log_time("sleeper")

    task = loop().create_task(sleeper())
    await turns(1)
    loop().call_later(1, log_time, "timer")
    await task
    await asyncio.sleep(1)


@scenario("timers: one in the past is due at once")
async def _():
    await asyncio.sleep(5)
    loop().call_at(1, log_time, "long due")
    loop().call_at(5, log_time, "just due")
    loop().call_soon(log, "soon")
    await turns(2)


@scenario("exceptions: a callback that throws is reported, the others of its turn run")
async def _():
    def fail():
        raise ValueError("in a callback")

    loop().call_soon(log, "before")
    loop().call_soon(fail)
    loop().call_soon(log, "after")
    loop().call_later(1, fail)
    await asyncio.sleep(2)


@scenario("exceptions: call_exception_handler calls the handler at once")
async def _():
    def handler(_, context):
        log(f"handler: {context['exception']!r}")

    loop().set_exception_handler(handler)
    loop().call_exception_handler({"message": "by hand", "exception": KeyError("k")})
    loop().call_soon(log, "next")
    await turns(1)


@scenario("the turn: what is ready, then sleeps, then timers, all due in one turn")
async def _():
    async def sleeper(name, delay):
        await asyncio.sleep(delay)
        log_time(name)
        await asyncio.sleep(0)
        log_time(name + " again")

    tasks = [loop().create_task(sleeper("a", 1)), loop().create_task(sleeper("b", 1))]
    await turns(1)
    loop().call_later(1, lambda: loop().call_soon(log, "from a timer"))
    for task in tasks:
        await task
    log("main")


run_all()
