# SPDX-License-Identifier: MIT
"""Locks, events, semaphores, conditions, barriers: who is woken, in which order, in which turn."""

import asyncio

from support.trace import Lock, attempt, log, log_end, log_time, loop, run_all, scenario, turns


async def hold(name, lock, yields=1):
    async with lock:
        log(f"{name} has it")
        await turns(yields)
    log(f"{name} has left")


def start(*coros):
    return [asyncio.create_task(coro) for coro in coros]


async def ends(tasks):
    for i, task in enumerate(tasks):
        await attempt(task)
        log_end(f"task {i}", task)


# ---- Lock ----------------------------------------------------------------------------------------

@scenario("lock: first come, first served")
async def _():
    lock = asyncio.Lock()
    await ends(start(*(hold(name, lock) for name in "abc")))
    log(str(lock.locked()))


@scenario("lock: a release in the same step hands nothing over")
async def _():
    lock = asyncio.Lock()

    async def twice(name):
        for i in range(2):
            await lock.acquire()
            log(f"{name} {i}")
            lock.release()

    await ends(start(twice("a"), twice("b")))


@scenario("lock: nobody overtakes a waiter that was woken")
async def _():
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = start(hold("waiter", lock))
    await turns(1)
    lock.release()
    log(str(lock.locked()))
    await lock.acquire()
    log("main has it")
    lock.release()
    await ends(tasks)


@scenario("lock: a cancelled waiter is passed over")
async def _():
    lock = Lock()
    await lock.acquire()
    tasks = start(*(hold(name, lock) for name in "abc"))
    await turns(1)
    tasks[0].cancel()
    tasks[1].cancel()
    lock.release()
    await ends(tasks)


@scenario("lock: a waiter cancelled after it was woken passes the lock on")
async def _():
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = start(*(hold(name, lock) for name in "ab"))
    await turns(1)
    lock.release()
    tasks[0].cancel()
    await ends(tasks)


@scenario("lock: released without having it")
async def _():
    try:
        asyncio.Lock().release()
    except RuntimeError as error:
        log(str(error))


# ---- Event ---------------------------------------------------------------------------------------

@scenario("event: all who wait go on a turn later, in order")
async def _():
    event = asyncio.Event()

    async def waiter(name):
        log(f"{name} {await event.wait()}")

    tasks = start(*(waiter(name) for name in "abc"))
    await turns(1)
    event.set()
    log("set")
    await ends(tasks)
    await waiter("late")


@scenario("event: set and cleared in one step, all who waited go on")
async def _():
    event = asyncio.Event()

    async def waiter(name):
        await event.wait()
        log(f"{name} {event.is_set()}")

    tasks = start(waiter("a"), waiter("b"))
    await turns(1)
    tasks[0].cancel()
    event.set()
    event.clear()
    await ends(tasks)


# ---- Semaphore -----------------------------------------------------------------------------------

@scenario("semaphore: so many at a time, first come, first served")
async def _():
    semaphore = asyncio.Semaphore(2)
    await ends(start(*(hold(name, semaphore, 2) for name in "abcde")))
    log(str(semaphore.locked()))


@scenario("semaphore: a waiter cancelled after it was woken passes its permit on")
async def _():
    semaphore = asyncio.Semaphore(1)
    await semaphore.acquire()
    tasks = start(*(hold(name, semaphore) for name in "abc"))
    await turns(1)
    semaphore.release()
    tasks[0].cancel()
    await ends(tasks)


@scenario("semaphore: several releases at once")
async def _():
    semaphore = asyncio.Semaphore(0)
    tasks = start(*(hold(name, semaphore) for name in "abc"))
    await turns(1)
    semaphore.release()
    semaphore.release()
    semaphore.release()
    log("released")
    await ends(tasks)


@scenario("semaphore: a bounded one is not released too often")
async def _():
    semaphore = asyncio.BoundedSemaphore(1)
    try:
        semaphore.release()
    except ValueError as error:
        log(str(error))


# ---- Condition -----------------------------------------------------------------------------------

@scenario("condition: one is notified, then all")
async def _():
    condition = asyncio.Condition()

    async def waiter(name):
        async with condition:
            log(f"{name} waits")
            await condition.wait()
            log(f"{name} goes on")

    tasks = start(*(waiter(name) for name in "abcd"))
    await turns(5)
    async with condition:
        condition.notify()
        log("notified one")
    await turns(5)
    async with condition:
        condition.notify_all()
        log("notified all")
    await ends(tasks)


@scenario("condition: the lock is kept for a while after the notification")
async def _():
    condition = asyncio.Condition()

    async def waiter():
        async with condition:
            await condition.wait()
            log("waiter goes on")

    tasks = start(waiter())
    await turns(1)
    await condition.acquire()
    condition.notify()
    await turns(3)
    log("releases")
    condition.release()
    await ends(tasks)


@scenario("condition: a cancelled waiter has the lock again (3.13)")
async def _():
    condition = asyncio.Condition()

    async def waiter(name):
        async with condition:
            try:
                await condition.wait()
            finally:
                log(f"{name} {condition.locked()}")

    tasks = start(waiter("a"), waiter("b"))
    await turns(2)
    await condition.acquire()
    tasks[0].cancel()
    await turns(3)
    log("releases")
    condition.release()
    await turns(3)
    async with condition:
        condition.notify()
    await ends(tasks)


@scenario("condition: wait_for a predicate")
async def _():
    condition = asyncio.Condition()
    value = 0

    async def waiter(least):
        async with condition:
            await condition.wait_for(lambda: value >= least)
            log(f"{least} reached: {value}")

    tasks = start(waiter(2), waiter(1))
    await turns(2)
    for i in range(1, 4):
        async with condition:
            value = i
            log(f"value {value}")
            condition.notify_all()
        await turns(3)
    await ends(tasks)


# ---- Barrier -------------------------------------------------------------------------------------

@scenario("barrier: the last one does not wait, the others follow in order")
async def _():
    barrier = asyncio.Barrier(3)

    async def party(name):
        log(f"{name} comes")
        log(f"{name} is number {await barrier.wait()}")

    await ends(start(*(party(name) for name in "abc")))
    await ends(start(*(party(name) for name in "def")))


@scenario("barrier: aborted while some wait")
async def _():
    barrier = asyncio.Barrier(3)
    tasks = start(barrier.wait(), barrier.wait())
    await turns(1)
    log(str(barrier.n_waiting))
    await barrier.abort()
    log(str(barrier.broken))
    for task in tasks:
        log((await attempt(task)).split("(")[0])
    log((await attempt(barrier.wait())).split("(")[0])


@scenario("barrier: reset while some wait")
async def _():
    barrier = asyncio.Barrier(2)
    tasks = start(barrier.wait())
    await turns(1)
    await barrier.reset()
    log((await attempt(tasks[0])).split("(")[0])
    log(f"{barrier.broken} {barrier.n_waiting}")
    await ends(start(barrier.wait(), barrier.wait()))


@scenario("barrier: a party that is cancelled does not break it")
async def _():
    barrier = asyncio.Barrier(2)
    tasks = start(barrier.wait())
    await turns(1)
    tasks[0].cancel()
    await ends(tasks)
    log(f"{barrier.broken} {barrier.n_waiting}")
    await ends(start(barrier.wait(), barrier.wait()))


run_all()
