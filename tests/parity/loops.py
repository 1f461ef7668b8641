# SPDX-License-Identifier: MIT
"""Runs of the loop: stopping, running again, interrupts; callbacks that meddle with callbacks."""

import asyncio

from support.trace import (
    attempt, count_anew, log, log_end, log_time, loop, loop_scenario, run_all, scenario, turns)


@loop_scenario("stop before the run: what is ready runs, and what it adds waits")
def _():
    loop().call_soon(lambda: (log("ready"), loop().call_soon(log, "added")))
    loop().stop()
    loop().run_forever()
    log("left")
    loop().stop()
    loop().run_forever()
    log("left")


@loop_scenario("stop in a callback: the turn ends, what came meanwhile waits for the next run")
def _():
    def first():
        log("first")
        loop().stop()
        loop().call_soon(log, "added by the first")

    loop().call_soon(first)
    loop().call_soon(log, "second")
    loop().run_forever()
    log("left")
    loop().call_soon(loop().stop)
    loop().run_forever()
    log("left")


@loop_scenario("stop twice, and from a timer: each run ends where it was asked to")
def _():
    def stop(name):
        log_time(name)
        loop().stop()
        loop().stop()

    loop().call_later(2, stop, "two")
    loop().call_later(1, stop, "one")
    loop().call_later(1, log_time, "with one")
    loop().run_forever()
    log("left")
    loop().run_forever()
    log("left")


@loop_scenario("run_until_complete: stopped first, the future stays, the loop goes on later")
def _():
    async def body():
        await turns(3)
        log("half")
        await asyncio.sleep(1)
        log_time("whole")
        return "value"

    task = loop().create_task(body())
    loop().call_soon(loop().stop)
    try:
        loop().run_until_complete(task)
    except RuntimeError as error:
        log(f"RuntimeError: {error}")
    log(f"done: {task.done()}")
    log(loop().run_until_complete(task))
    log(loop().run_until_complete(task))


@loop_scenario("run_until_complete: of futures and coroutines that fail or are cancelled")
def _():
    async def fail():
        await turns(1)
        raise ValueError("of the coroutine")

    future = loop().create_future()
    loop().call_later(1, future.set_result, 7)
    log(str(loop().run_until_complete(future)))
    for name in "first", "second":
        try:
            loop().run_until_complete(fail())
        except ValueError as error:
            log(f"{name}: {error!r}")
    future = loop().create_future()
    loop().call_soon(future.cancel, "enough")
    try:
        loop().run_until_complete(future)
    except asyncio.CancelledError as error:
        log(repr(error))


@loop_scenario("an interrupt leaves the loop at once; the rest of its turn comes in the next run")
def _():
    def interrupt():
        log("interrupts")
        raise KeyboardInterrupt

    async def body():
        log("task starts")
        await turns(1)
        log("task interrupts")
        raise KeyboardInterrupt

    loop().call_soon(log, "before")
    loop().call_soon(interrupt)
    loop().call_soon(log, "after")
    task = loop().create_task(body())
    task.add_done_callback(lambda _: log("told"))
    loop().call_soon(log, "behind the task")
    for _ in range(3):
        try:
            loop().call_soon(loop().stop)
            loop().run_forever()
            log("left")
        except KeyboardInterrupt:
            log("interrupted")
    log(f"{task.done()} {task.exception()!r}")


@loop_scenario("tasks go on over runs, in their order")
def _():
    async def body(name):
        for i in range(3):
            log(f"{name} {i}")
            await turns(1)

    tasks = [loop().create_task(body(name)) for name in "abc"]
    for _ in range(5):
        loop().call_soon(loop().stop)
        loop().run_forever()
        log("left")
    log(" ".join(str(task.done()) for task in tasks))


# ---- callbacks and timers ------------------------------------------------------------------------

@scenario("timers of one deadline: each schedules callbacks, which schedule timers and callbacks")
async def _():
    def deep(name, depth):
        log_time(f"{name} {depth}")
        if depth == 0:
            return
        loop().call_soon(deep, name + "s", depth - 1)
        loop().call_later(0, deep, name + "z", depth - 1)
        loop().call_later(1, deep, name + "l", depth - 1)

    for name in "ab":
        loop().call_later(1, deep, name, 2)
    await asyncio.sleep(4)


@scenario("timers of one deadline that were armed at different times")
async def _():
    loop().call_at(3, log_time, "armed at 0")
    loop().call_at(1, lambda: loop().call_at(3, log_time, "armed at 1"))
    loop().call_at(2, lambda: loop().call_later(1, log_time, "armed at 2"))
    loop().call_at(3, log_time, "armed at 0, too")
    await asyncio.sleep(5)


@scenario("timers: each of one deadline cancels another one")
async def _():
    for victim in range(4):
        log(f"-- {victim}")
        timers = []

        def strike(name):
            log_time(name)
            timers[victim].cancel()

        timers += [loop().call_later(1, strike, name) for name in "abcd"]
        await asyncio.sleep(2)


@scenario("timers: most of many are cancelled, the others keep their order")
async def _():
    timers = [loop().call_later(1 + i % 3, log_time, str(i)) for i in range(150)]
    for i, timer in enumerate(timers):
        if i % 7:
            timer.cancel()
    await turns(2)
    log("purged")
    loop().call_later(2, log_time, "new")
    await asyncio.sleep(5)


@scenario("handles: one of three is cancelled by each of them and in each turn")
async def _():
    for victim in range(3):
        for striker in range(3):
            log(f"-- {striker} cancels {victim}")
            count_anew()
            handles = []

            def call(i):
                log(str(i))
                if i == striker:
                    handles[victim].cancel()
                    loop().call_soon(log, f"after {i}")

            handles += [loop().call_soon(call, i) for i in range(3)]
            await turns(3)


@scenario("exceptions: each of several callbacks in one turn, and callbacks of futures")
async def _():
    def fail(name, *_):
        log(name)
        raise ValueError(name)

    future = loop().create_future()
    for name in "ab":
        loop().call_soon(fail, name)
        future.add_done_callback(lambda _, name=name: fail(f"done {name}"))
        loop().call_later(1, fail, f"later {name}")
    future.set_result(None)
    await turns(2)
    await asyncio.sleep(2)


# ---- done-callbacks ------------------------------------------------------------------------------

@scenario("done-callbacks: they add callbacks to the same future and to others")
async def _():
    futures = [loop().create_future() for _ in range(3)]

    def chain(i, depth):
        def callback(future):
            log(f"{i} {depth} {future.result()}")
            if depth:
                future.add_done_callback(chain(i, depth - 1))
                if i + 1 < len(futures) and not futures[i + 1].done():
                    futures[i + 1].set_result(i + 1)
        return callback

    for i, future in enumerate(futures):
        future.add_done_callback(chain(i, 2))
    futures[0].set_result(0)
    log("set")
    await turns(8)


@scenario("done-callbacks: removed by one another, before and after the end")
async def _():
    for striker in range(3):
        for victim in range(3):
            log(f"-- {striker} removes {victim}")
            count_anew()
            future = loop().create_future()
            callbacks = []

            def make(i):
                def callback(_):
                    log(f"callback {i}")
                    if i == striker:
                        log(f"removes {future.remove_done_callback(callbacks[victim])}")
                return callback

            callbacks += [make(i) for i in range(3)]
            for callback in callbacks:
                future.add_done_callback(callback)
            if striker == victim:
                log(f"before: {future.remove_done_callback(callbacks[victim])}")
            future.set_result(None)
            log(f"after: {future.remove_done_callback(callbacks[victim])}")
            await turns(2)


@scenario("done-callbacks and who awaits: told in the order in which they came, over every end")
async def _():
    async def waiter(name, future):
        log(f"{name}: {await attempt(future)}")

    ends = (lambda future: future.set_result(1), lambda future: future.cancel("enough"),
            lambda future: future.set_exception(ValueError("bad")))
    for end in ends:
        count_anew()
        future = loop().create_future()
        future.add_done_callback(lambda _: log("callback a"))
        tasks = [asyncio.create_task(waiter("b", future))]
        await turns(1)
        future.add_done_callback(lambda _: log("callback c"))
        tasks.append(asyncio.create_task(waiter("d", future)))
        await turns(1)
        end(future)
        log_end("future", future)
        tasks.append(asyncio.create_task(waiter("e", future)))
        future.add_done_callback(lambda _: log("callback f"))
        await asyncio.wait(tasks)


run_all()
