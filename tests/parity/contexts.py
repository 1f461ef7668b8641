# SPDX-License-Identifier: MIT
"""Context variables: what tasks and callbacks see of each other's."""

import asyncio
import contextvars
import functools

from support.trace import log, loop, run_all, scenario, turns

number = contextvars.ContextVar("number", default=0)


def show(name):
    log(f"{name}: {number.get()}")


@scenario("tasks: a copy at creation, own changes, nothing comes back")
async def _():
    async def child(name, value):
        show(name)
        await asyncio.sleep(0)
        number.set(value)
        await asyncio.sleep(0)
        show(name)

    number.set(1)
    first = asyncio.create_task(child("first", 10))
    number.set(2)
    second = asyncio.create_task(child("second", 20))
    number.set(3)
    await first
    await second
    show("main")


@scenario("coroutines: awaited directly, they share")
async def _():
    async def child():
        show("child")
        number.set(5)

    number.set(4)
    await child()
    show("main")


@scenario("callbacks: the context of their registration, and a copy of nothing")
async def _():
    future = loop().create_future()

    def callback(name):
        show(name)
        number.set(number.get() + 100)

    number.set(1)
    loop().call_soon(callback, "soon")
    future.add_done_callback(lambda _: callback("done"))
    loop().call_later(1, callback, "later")
    number.set(2)
    future.set_result(None)
    await turns(2)
    show("main")
    await asyncio.sleep(2)
    show("main")


@scenario("callbacks: two that were registered in one context see each other's changes")
async def _():
    def callback(name):
        show(name)
        number.set(number.get() + 1)

    context = contextvars.copy_context()
    loop().call_soon(callback, "first", context=context)
    loop().call_soon(callback, "second", context=context)
    await turns(1)
    show("main")
    context.run(show, "context")


@scenario("a context given to tasks: they share it")
async def _():
    async def child(name):
        show(name)
        number.set(number.get() + 1)

    context = contextvars.copy_context()
    context.run(number.set, 40)
    for name in ("first", "second"):
        await asyncio.create_task(child(name), context=context)
    context.run(show, "context")
    show("main")


@scenario("through everything: gather, wait_for, timeouts, shields, callbacks of callbacks")
async def _():
    async def child(name):
        show(name)
        number.set(number.get() * 10)
        await turns(1)
        show(name)
        return number.get()

    number.set(1)
    results = await asyncio.gather(child("gathered"), child("beside"))
    log(" ".join(map(str, results)))
    show("after gather")
    number.set(2)
    await asyncio.shield(child("shielded"))
    show("after shield")
    async with asyncio.timeout(5):
        await child("below a timeout")
    show("after the timeout")

    def first():
        number.set(number.get() + 1)
        loop().call_soon(second)
        loop().call_later(1, show, "timer of a callback")
        number.set(number.get() + 1)

    def second():
        show("callback of a callback")

    loop().call_soon(first)
    number.set(3)
    await asyncio.sleep(2)
    show("main")


@scenario("groups: children have copies, the body has its task's")
async def _():
    async def child(name):
        show(name)
        number.set(number.get() + 1)
        await turns(1)
        show(name)

    async def body(group):
        number.set(10)
        group.create_task(child("first"))
        number.set(20)
        group.create_task(child("second"))
        await turns(1)
        number.set(30)

    number.set(1)
    async with asyncio.TaskGroup() as group:
        await body(group)
    show("main")


@scenario("wait_for: the coroutine runs in the caller's context (3.12)")
async def _():
    async def child():
        number.set(7)

    number.set(1)
    await asyncio.wait_for(child(), 1)
    show("after a coroutine")
    await asyncio.wait_for(asyncio.create_task(child()), 1)
    number.set(2)
    await asyncio.wait_for(asyncio.create_task(child()), 1)
    show("after a task")


@scenario("done-callbacks: each in the context of its registration, whoever completes")
async def _():
    future = loop().create_future()

    def callback(name, _):
        show(name)
        number.set(99)

    async def register(name, value):
        number.set(value)
        future.add_done_callback(functools.partial(callback, name))

    await asyncio.gather(register("first", 5), register("second", 6))
    number.set(7)
    future.add_done_callback(functools.partial(callback, "main's"))
    number.set(8)
    future.set_result(None)
    await turns(2)
    show("main")


@scenario("tokens: the value from before comes back")
async def _():
    token = number.set(1)
    inner = number.set(2)
    show("two")
    number.reset(inner)
    show("one")
    number.reset(token)
    show("none")
    try:
        number.reset(token)
    except RuntimeError:
        log("used")


run_all()
