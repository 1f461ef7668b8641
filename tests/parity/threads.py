# SPDX-License-Identifier: MIT
"""Threads: what comes back from them, in which order, and what a cancel leaves behind.

In how many turns a thread's work comes back is the machine's to say, so turns are shown only where
no other thread takes part.
"""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

from support.trace import attempt, hide_turns, log, log_end, loop, run_all, scenario, turns

number = contextvars.ContextVar("number", default=0)


@scenario("call_soon_threadsafe in the loop's thread: in the order of call_soon")
async def _():
    def nested():
        log("c")
        loop().call_soon_threadsafe(log, "f")
        loop().call_soon(log, "g")

    loop().call_soon(log, "a")
    loop().call_soon_threadsafe(log, "b")
    loop().call_soon_threadsafe(nested)
    loop().call_soon(log, "d")
    loop().call_soon_threadsafe(log, "never").cancel()
    loop().call_soon_threadsafe(log, "e")
    await turns(3)
    log("end")


@scenario("call_soon_threadsafe from a thread: one thread's calls keep their order")
async def _():
    hide_turns()

    def post():
        for i in range(5):
            loop().call_soon_threadsafe(log, str(i))

    await asyncio.to_thread(post)
    log("end")


@scenario("to_thread: results, exceptions, arguments")
async def _():
    hide_turns()

    def work(a, b):
        if a > b:
            raise ValueError(f"{a} > {b}")
        return a + b

    log(await attempt(asyncio.to_thread(work, 1, 2)))
    log(await attempt(asyncio.to_thread(work, 2, 1)))
    jobs = [asyncio.to_thread(work, i, 9) for i in range(4)]
    log(" ".join(map(str, await asyncio.gather(*jobs))))


@scenario("to_thread takes a copy of the context along, run_in_executor none")
async def _():
    hide_turns()

    def show():
        value = number.get()
        number.set(value + 1)
        return value

    number.set(5)
    log(str(await asyncio.to_thread(show)))
    log(str(await asyncio.to_thread(show)))
    log(str(await loop().run_in_executor(None, show)))
    log(str(number.get()))


@scenario("callbacks and coroutines that a thread posts: in which context")
async def _():
    hide_turns()

    async def body():
        log(f"body {number.get()}")

    def post():
        number.set(7)
        loop().call_soon_threadsafe(lambda: log(f"callback {number.get()}"))
        asyncio.run_coroutine_threadsafe(body(), loop()).result()

    number.set(6)
    await asyncio.to_thread(post)
    log(str(number.get()))


@scenario("run_coroutine_threadsafe: values, exceptions and cancellations go back to the thread")
async def _():
    hide_turns()

    async def work(kind):
        await turns(2)
        if kind == "fails":
            raise ValueError("in the loop")
        if kind == "is cancelled":
            asyncio.current_task().cancel()
            await turns(1)
        return "value"

    def ask(kind):
        try:
            return asyncio.run_coroutine_threadsafe(work(kind), loop()).result()
        except BaseException as error:
            return type(error).__name__

    for kind in "ends", "fails", "is cancelled":
        log(f"{kind}: {await asyncio.to_thread(ask, kind)}")


@scenario("a thread that is waited for is cancelled: the wait ends, the thread goes on")
async def _():
    hide_turns()
    began, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work():
        began.set()
        go_on.wait()
        ended.set()

    task = asyncio.create_task(asyncio.to_thread(work))
    await turns(1)
    began.wait()
    task.cancel("enough")
    log(await attempt(task))
    log_end("task", task)
    go_on.set()
    ended.wait()
    log("the thread has ended")


@scenario("work that no thread has begun is cancelled, and never begins")
async def _():
    hide_turns()
    began, go_on = threading.Event(), threading.Event()
    ran = []

    def block():
        began.set()
        go_on.wait()
        return "blocked"

    with ThreadPoolExecutor(1) as pool:
        first = loop().run_in_executor(pool, block)
        began.wait()
        second = loop().run_in_executor(pool, ran.append, "second")
        third = loop().run_in_executor(pool, lambda: ran.append("third"))
        second.cancel()
        log_end("second", second)
        await turns(2)
        go_on.set()
        log(await first)
        await third
    for name in ran:
        log(name)


run_all()
