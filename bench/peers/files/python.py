# SPDX-License-Identifier: MIT
"""Python's aiofiles. python.py small COUNT AT_ONCE FOLDER, python.py large MEBIBYTES FOLDER"""

import asyncio
import signal
import sys
import time

import aiofiles

SMALL_BYTES = 4096
PIECE_BYTES = 1 << 20


class Meter:
    """Prints the wall and CPU time of its block, an operation."""

    def __init__(self, workload, count):
        self.head = f"aiofiles {workload} n={count}"
        self.count = count

    def __enter__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def __exit__(self, *error):
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        print(f"{self.head} wall {wall * 1e9 / self.count:.2f} ns/op")
        print(f"{self.head} cpu {cpu * 1e9 / self.count:.2f} ns/op")


def expect(held):
    if not held:
        raise RuntimeError("what was read is not what was written")


async def write_file(path):
    file = await aiofiles.open(path, "wb")
    await file.write(b"x" * SMALL_BYTES)
    await file.close()


async def read_file(path):
    file = await aiofiles.open(path, "rb")
    expect(await file.read() == b"x" * SMALL_BYTES)
    await file.close()


async def small_files(count, at_once, folder):
    for workload, one in ("write_small", write_file), ("read_small", read_file):
        with Meter(f"{workload}/c{at_once}", count):
            paths = iter([f"{folder}/{i}" for i in range(count)])

            async def worker():
                for path in paths:
                    await one(path)
            await asyncio.gather(*(worker() for _ in range(at_once)))


async def large_file(pieces, path):
    bytes_ = b"x" * PIECE_BYTES
    with Meter("write_large", pieces):
        file = await aiofiles.open(path, "wb")
        for _ in range(pieces):
            await file.write(bytes_)
        await file.close()
    with Meter("read_large", pieces):
        file = await aiofiles.open(path, "rb")
        for _ in range(pieces):
            read = await file.read(PIECE_BYTES)
            expect(len(read) == PIECE_BYTES and read.endswith(b"x"))
        await file.close()


signal.alarm(600)
if sys.argv[1] == "small":
    asyncio.run(small_files(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
else:
    asyncio.run(large_file(int(sys.argv[2]), sys.argv[3] + "/large"))
