# SPDX-License-Identifier: MIT
"""Eager tasks, and task factories. Eager tasks came with 3.12: Debian 12 compares only the rest."""

import asyncio

from support.trace import log, log_end, loop, run_all, scenario, turns


async def body(name, suspend):
    log(f"{name} starts")
    if suspend:
        await asyncio.sleep(0)
        log(f"{name} goes on")
    return name


def eagerly():
    loop().set_task_factory(asyncio.eager_task_factory)


@scenario("eager: a task runs to its first suspension in create_task (3.12)")
async def _():
    eagerly()
    brief = asyncio.create_task(body("brief", False))
    log_end("brief", brief)
    longer = asyncio.create_task(body("longer", True))
    log(str(longer.done()))
    log(await longer)
    log(await brief)


@scenario("eager: tasks within tasks (3.12)")
async def _():
    eagerly()

    async def nest(depth):
        log(f"down {depth}")
        if depth:
            await asyncio.create_task(nest(depth - 1))
        else:
            await asyncio.sleep(0)
        log(f"up {depth}")

    await asyncio.create_task(nest(3))


@scenario("eager: failures, cancellations and done-callbacks (3.12)")
async def _():
    eagerly()

    async def fail():
        raise ValueError("at once")

    task = asyncio.create_task(fail())
    task.add_done_callback(lambda done: log_end("callback", done))
    log(str(task.done()))
    suspended = asyncio.create_task(body("suspended", True))
    suspended.add_done_callback(lambda done: log_end("suspended", done))
    log(str(suspended.cancel("early")))
    await turns(3)


@scenario("factory: it makes every task")
async def _():
    def factory(loop, coro, **kwargs):
        log("factory")
        return asyncio.Task(coro, loop=loop, **kwargs)

    loop().set_task_factory(factory)
    task = asyncio.create_task(body("task", True))
    log(await task)
    loop().set_task_factory(None)
    log(await asyncio.create_task(body("plain", False)))


run_all()
