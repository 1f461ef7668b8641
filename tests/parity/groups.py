# SPDX-License-Identifier: MIT
"""Task groups: ends, failures, cancellations, nesting."""

import asyncio

from support.trace import attempt, log, log_end, log_time, loop, run_all, scenario, turns, work


async def group_of(*works, body=None):
    async with asyncio.TaskGroup() as group:
        for one in works:
            group.create_task(one)
        if body is not None:
            await body
        log("body ends")
    log_time("group ends")


@scenario("a group ends when all its children have ended")
async def _():
    await group_of(work("a", 2), work("b", 1))


@scenario("the turns of leaving: children that end in one turn, in the body's, before it")
async def _():
    await group_of(work("a", 0), work("b", 0))
    await group_of(work("a", 0), body=turns(1))
    await group_of(work("a", 0), body=turns(2))
    await group_of(work("a", 0), body=turns(5))
    await group_of()


@scenario("a child fails: the other is cancelled, the errors come as a group")
async def _():
    log(await attempt(group_of(work("a", 1, ValueError("a")), work("b", 5))))
    log_time("end")


@scenario("several children fail, one of them while it is cancelled")
async def _():
    async def fail_in_clean_up():
        try:
            await asyncio.sleep(9)
        finally:
            raise KeyError("in clean-up")

    log(await attempt(group_of(work("a", 1, ValueError("a")), fail_in_clean_up())))


@scenario("the body fails: the children are cancelled")
async def _():
    log(await attempt(group_of(work("a", 5), body=work("body", 1, ValueError("body")))))


@scenario("a child fails while the body waits: the body is cancelled")
async def _():
    log(await attempt(group_of(work("a", 1, ValueError("a")), body=work("body", 5))))
    log(str(asyncio.current_task().cancelling()))


@scenario("the group's task is cancelled while it waits for its children")
async def _():
    task = asyncio.create_task(group_of(work("a", 5)))
    await asyncio.sleep(1)
    task.cancel()
    log(await attempt(task))
    log(f"{task.cancelled()} {task.cancelling()}")


@scenario("the group's task is cancelled in the body")
async def _():
    task = asyncio.create_task(group_of(work("a", 5), body=work("body", 6)))
    await asyncio.sleep(1)
    task.cancel()
    log(await attempt(task))
    log(str(task.cancelled()))


@scenario("a child that is cancelled alone is no error")
async def _():
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work("a", 5))
        group.create_task(work("b", 2))
        await asyncio.sleep(1)
        task.cancel()
    log_time("end")
    log_end("a", task)


@scenario("a child makes another child")
async def _():
    async def parent(group):
        log("parent")
        group.create_task(work("child", 1))

    async with asyncio.TaskGroup() as group:
        group.create_task(parent(group))
    log_time("end")


@scenario("a group within a group: the inner one fails (3.13)")
async def _():
    log(await attempt(group_of(work("outer", 5),
                               body=group_of(work("inner", 1, ValueError("inner")),
                                             work("sibling", 3)))))
    log(str(asyncio.current_task().cancelling()))


@scenario("a child that ignores its cancellation keeps the group waiting")
async def _():
    async def stubborn():
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            log("ignored")
        await asyncio.sleep(2)
        log_time("stubborn ends")

    log(await attempt(group_of(work("a", 1, ValueError("a")), stubborn())))
    log_time("end")


run_all()
