# SPDX-License-Identifier: MIT
"""Asynchronous generators: laziness, turns, closing, cancelling."""

import asyncio

from support.trace import log, log_end, run_all, scenario, turns


async def count(name, limit, suspend=True):
    log(f"{name} starts")
    try:
        for i in range(limit):
            if suspend:
                await asyncio.sleep(0)
            yield i
            log(f"{name} after {i}")
        log(f"{name} ends")
    finally:
        log(f"{name} cleans up")


@scenario("values: lazily, in turn with who reads them")
async def _():
    generator = count("g", 3)
    log("made")
    async for value in generator:
        log(f"got {value}")
    log("end")


@scenario("values: no turn is taken where nothing suspends")
async def _():
    async for value in count("g", 3, False):
        log(f"got {value}")


@scenario("an exception in the body ends it")
async def _():
    async def broken():
        yield 1
        await asyncio.sleep(0)
        raise ValueError("broken")

    generator = broken()
    try:
        async for value in generator:
            log(f"got {value}")
    except ValueError as error:
        log(repr(error))
    async for value in generator:
        log("never")
    log("end")


@scenario("aclose: clean-up runs, and may await")
async def _():
    async def tidy():
        try:
            yield 1
            yield 2
        finally:
            log("cleans up")
            await asyncio.sleep(0)
            log("has cleaned up")

    generator = tidy()
    log(str(await anext(generator)))
    await generator.aclose()
    log("closed")
    await generator.aclose()
    log(str(await anext(generator, "nothing")))


@scenario("aclose: before the start nothing runs")
async def _():
    generator = count("g", 3)
    await generator.aclose()
    log(str(await anext(generator, "nothing")))


@scenario("two readers in two tasks, each with its own")
async def _():
    async def read(name):
        async for value in count(name, 2):
            log(f"{name} got {value}")

    tasks = [asyncio.create_task(read("a")), asyncio.create_task(read("b"))]
    for task in tasks:
        await task


@scenario("cancel: while the generator waits")
async def _():
    async def slow():
        try:
            yield 1
            await asyncio.sleep(1000)
            yield 2
        except asyncio.CancelledError as error:
            log(f"generator {error!r}")
            raise

    async def read():
        async for value in slow():
            log(f"got {value}")

    task = asyncio.create_task(read())
    await turns(2)
    task.cancel("stop")
    await turns(3)
    log_end("task", task)


run_all()
