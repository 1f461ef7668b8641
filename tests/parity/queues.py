# SPDX-License-Identifier: MIT
"""Queues: order, bounds, waiting, joining, shutting down."""

import asyncio

from support.trace import attempt, log, log_end, loop, run_all, scenario, turns


async def take(name, queue, count=1):
    for _ in range(count):
        log(f"{name} got {await queue.get()}")


async def give(name, queue, *items):
    for item in items:
        await queue.put(item)
        log(f"{name} put {item}")


def start(*coros):
    return [asyncio.create_task(coro) for coro in coros]


async def ends(tasks):
    for i, task in enumerate(tasks):
        await attempt(task)
        log_end(f"task {i}", task)


@scenario("get: waits for items, first come, first served")
async def _():
    queue = asyncio.Queue()
    tasks = start(*(take(name, queue) for name in "abc"))
    await turns(1)
    for item in (1, 2, 3):
        queue.put_nowait(item)
    log(f"size {queue.qsize()}")
    await ends(tasks)


@scenario("put: waits for room, first come, first served")
async def _():
    queue = asyncio.Queue(1)
    tasks = start(give("a", queue, 1, 2), give("b", queue, 3, 4))
    await turns(2)
    for _ in range(4):
        log(f"main got {await queue.get()}")
    await ends(tasks)


@scenario("producer and consumer: a queue of one, of two, without a bound")
async def _():
    for bound in (1, 2, 0):
        queue = asyncio.Queue(bound)
        await ends(start(give("producer", queue, 1, 2, 3, 4), take("consumer", queue, 4)))


@scenario("get: a getter that was woken may be overtaken")
async def _():
    queue = asyncio.Queue()
    tasks = start(take("getter", queue))
    await turns(1)
    queue.put_nowait("first")
    log(f"main got {queue.get_nowait()}")
    await turns(2)
    log(f"done {tasks[0].done()}")
    queue.put_nowait("second")
    await ends(tasks)


@scenario("get: a cancelled getter loses nothing")
async def _():
    queue = asyncio.Queue()
    tasks = start(take("a", queue), take("b", queue))
    await turns(1)
    queue.put_nowait("item")
    tasks[0].cancel()
    await turns(3)
    log(f"size {queue.qsize()}")
    queue.put_nowait("other")
    await ends(tasks)


@scenario("put: a cancelled putter puts nothing, the next one has its turn")
async def _():
    queue = asyncio.Queue(1)
    queue.put_nowait(0)
    tasks = start(give("a", queue, 1), give("b", queue, 2))
    await turns(1)
    log(f"main got {queue.get_nowait()}")
    tasks[0].cancel()
    await ends(tasks)
    log(f"main got {queue.get_nowait()}, size {queue.qsize()}")


@scenario("full and empty: without waiting")
async def _():
    queue = asyncio.Queue(1)
    try:
        queue.get_nowait()
    except asyncio.QueueEmpty:
        log("empty")
    queue.put_nowait(1)
    try:
        queue.put_nowait(2)
    except asyncio.QueueFull:
        log("full")
    log(f"{queue.qsize()} {queue.empty()} {queue.full()}")


@scenario("join: waits until all is done")
async def _():
    queue = asyncio.Queue()

    async def worker():
        while True:
            item = await queue.get()
            await asyncio.sleep(0)
            log(f"did {item}")
            queue.task_done()

    async def joiner(name):
        await queue.join()
        log(f"{name} joined")

    for item in range(3):
        queue.put_nowait(item)
    tasks = start(worker(), joiner("a"), joiner("b"))
    await queue.join()
    log("main joined")
    await turns(2)
    tasks[0].cancel()
    await ends(tasks)
    try:
        queue.task_done()
    except ValueError as error:
        log(str(error))


@scenario("lifo and priority: other orders")
async def _():
    for queue in (asyncio.LifoQueue(), asyncio.PriorityQueue()):
        for item in (3, 1, 2):
            queue.put_nowait(item)
        await take("main", queue, 3)


@scenario("priority: a getter that waits takes the smallest there is")
async def _():
    queue = asyncio.PriorityQueue()
    tasks = start(take("getter", queue, 3))
    await turns(1)
    for item in (5, 3, 4):
        queue.put_nowait(item)
    await ends(tasks)


@scenario("shutdown: what is there can be taken, who waits is told (3.13)")
async def _():
    queue = asyncio.Queue(1)
    getters = start(take("getter", queue, 3))
    await turns(1)
    queue.put_nowait(1)
    putters = start(give("putter", queue, 2, 3))
    await turns(1)
    queue.shutdown()
    log((await attempt(queue.put(9))).split("(")[0])
    await ends(getters)
    await ends(putters)


run_all()
