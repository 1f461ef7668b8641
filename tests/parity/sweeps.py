# SPDX-License-Identifier: MIT
"""One plot again and again, struck in each of its turns: what is lost, who is woken, who ends."""

import asyncio

from support.trace import (
    Lock, TaskGroup, attempt, count_anew, log, log_end, loop, run_all, scenario, turns)


async def sweep(count, plot):
    """Begins `plot` again and again; in the run with number k strikes before its k-th turn."""
    for k in range(count):
        log(f"-- struck in turn {k}")
        count_anew()
        tasks, strike = plot()
        await turns(k)
        strike()
        log("struck")
        await asyncio.wait(tasks.values(), timeout=30)
        for task in tasks.values():
            task.cancel("left over")
        for name, task in tasks.items():
            await attempt(task)
            log_end(name, task)


def start(**coroutines):
    return {name: asyncio.create_task(coro) for name, coro in coroutines.items()}


async def told(name, awaitable):
    """Awaits, and says what came and when."""
    try:
        value = await awaitable
    except (asyncio.CancelledError, Exception) as error:
        log(f"{name}: {type(error).__name__}")
        raise
    log(f"{name}: {value}")
    return value


# ---- tasks ---------------------------------------------------------------------------------------

@scenario("clean-up that awaits: cancelled in each turn, and again in each turn after that")
async def _():
    async def inner():
        try:
            await turns(2)
            log("inner ends")
        finally:
            await turns(2)
            log("inner cleaned up")

    async def outer():
        try:
            await inner()
        except asyncio.CancelledError:
            log("outer sees it")
            await turns(1)
            raise
        finally:
            log(f"outer ends, {asyncio.current_task().cancelling()}")

    for again in range(4):
        def plot():
            tasks = start(t=outer())

            def strike():
                tasks["t"].cancel("first")
                later = asyncio.create_task(turns(again))
                later.add_done_callback(lambda _: tasks["t"].cancel("second"))
                tasks["x"] = later

            return tasks, strike

        await sweep(6, plot)


@scenario("a chain of tasks: each link is cancelled in each turn, one swallows")
async def _():
    async def link(name, following, swallows):
        try:
            await following
        except asyncio.CancelledError:
            log(f"{name} cancelled, {asyncio.current_task().cancelling()}")
            if not swallows:
                raise
        await turns(1)
        log(f"{name} ends")

    for victim in "abc":
        for swallower in "-abc":
            log(f"-- {victim} {swallower}")

            def plot():
                tasks = {}
                following = turns(3)
                for name in "cba":
                    following = asyncio.create_task(link(name, following, name == swallower))
                    tasks[name] = following
                return tasks, tasks[victim].cancel

            await sweep(4, plot)


@scenario("uncancel: in each turn after a cancel (3.13)")
async def _():
    async def body():
        for i in range(3):
            try:
                await turns(2)
                log(f"{i} passed")
            except asyncio.CancelledError:
                log(f"{i} cancelled, {asyncio.current_task().cancelling()}")

    for again in range(3):
        def plot():
            tasks = start(t=body())

            def strike():
                tasks["t"].cancel()
                later = asyncio.create_task(turns(again))
                later.add_done_callback(lambda _: log(f"uncancel: {tasks['t'].uncancel()}"))
                tasks["x"] = later

            return tasks, strike

        await sweep(4, plot)


# ---- queues --------------------------------------------------------------------------------------

async def put_all(queue, *items):
    for item in items:
        await told(f"put {item}", queue.put(item))


async def get_all(name, queue, count):
    for _ in range(count):
        await told(name, queue.get())


def queue_plot(maxsize, victim):
    def plot():
        queue = asyncio.Queue(maxsize)
        tasks = start(a=get_all("a", queue, 2), b=get_all("b", queue, 1),
                      p=put_all(queue, 1, 2, 3), q=put_all(queue, 11, 12))
        return tasks, tasks[victim].cancel
    return plot


@scenario("queue of one: a getter is cancelled in each turn")
async def _():
    await sweep(7, queue_plot(1, "a"))


@scenario("queue of one: a putter is cancelled in each turn")
async def _():
    await sweep(7, queue_plot(1, "p"))


@scenario("queue of two: each of the others is cancelled")
async def _():
    await sweep(5, queue_plot(2, "b"))
    await sweep(5, queue_plot(2, "q"))


@scenario("queue: getters are woken, overtaken and cancelled in one turn")
async def _():
    def plot():
        queue = asyncio.Queue()
        tasks = start(a=get_all("a", queue, 1), b=get_all("b", queue, 1), c=get_all("c", queue, 1))

        def strike():
            queue.put_nowait(1)
            queue.put_nowait(2)
            tasks["a"].cancel()
            log(f"overtakes: {queue.get_nowait()}")
            queue.put_nowait(3)
            tasks["b"].cancel()

        return tasks, strike

    await sweep(4, plot)


@scenario("queue: who joins is cancelled, beside who is done")
async def _():
    async def work(queue):
        for _ in range(2):
            await told("work", queue.get())
            await turns(1)
            queue.task_done()

    def plot():
        queue = asyncio.Queue()
        queue.put_nowait(1)
        queue.put_nowait(2)
        tasks = start(a=told("a", queue.join()), b=told("b", queue.join()), w=work(queue))
        return tasks, tasks["a"].cancel

    await sweep(7, plot)


# ---- locks ---------------------------------------------------------------------------------------

async def hold(name, lock, yields=1):
    async with lock:
        log(f"{name} has it")
        await turns(yields)
    log(f"{name} has left")


def holders(lock, yields, victims):
    def plot():
        made = lock()
        tasks = start(**{name: hold(name, made, yields) for name in "abcde"})

        def strike():
            for victim in victims:
                tasks[victim].cancel()

        return tasks, strike
    return plot


@scenario("lock: a waiter is cancelled in each turn")
async def _():
    await sweep(7, holders(Lock, 1, "b"))


@scenario("lock: the holder and the next are cancelled together")
async def _():
    await sweep(7, holders(Lock, 1, "ab"))
    await sweep(7, holders(Lock, 0, "ba"))


@scenario("semaphore of two: waiters are cancelled in each turn")
async def _():
    await sweep(7, holders(lambda: asyncio.Semaphore(2), 1, "c"))
    await sweep(7, holders(lambda: asyncio.Semaphore(2), 2, "cd"))


@scenario("semaphore: more permits in the turn in which the woken one is cancelled")
async def _():
    def plot():
        semaphore = asyncio.Semaphore(0)
        tasks = start(**{name: hold(name, semaphore) for name in "abcd"})

        def strike():
            semaphore.release()
            tasks["a"].cancel()
            semaphore.release()
            tasks["b"].cancel()
            log(str(semaphore.locked()))

        return tasks, strike

    await sweep(4, plot)


@scenario("event: set and cleared, a waiter is cancelled in each turn")
async def _():
    async def flash(event):
        for _ in range(3):
            event.set()
            event.clear()
            await turns(1)

    async def wait_twice(name, event):
        for _ in range(2):
            await told(name, event.wait())

    def plot():
        event = asyncio.Event()
        tasks = start(a=wait_twice("a", event), b=wait_twice("b", event), f=flash(event))
        return tasks, tasks["a"].cancel

    await sweep(6, plot)


# ---- conditions and barriers ---------------------------------------------------------------------

def condition_plot(victims, notified):
    def plot():
        condition = asyncio.Condition(Lock())

        async def wait(name):
            async with condition:
                await told(name, condition.wait())
                await turns(1)

        async def notify():
            await turns(2)
            async with condition:
                condition.notify(notified)
                log("notified")
                await turns(1)
            await turns(4)
            async with condition:
                condition.notify_all()

        tasks = start(a=wait("a"), b=wait("b"), c=wait("c"), n=notify())

        def strike():
            for victim in victims:
                tasks[victim].cancel()

        return tasks, strike
    return plot


@scenario("condition: one is notified, and cancelled in each turn (3.13)")
async def _():
    await sweep(9, condition_plot("a", 1))


@scenario("condition: two are notified, who waits and who is notified are cancelled (3.13)")
async def _():
    await sweep(9, condition_plot("ac", 2))


@scenario("condition: the notifier is cancelled with its lock (3.13)")
async def _():
    await sweep(6, condition_plot("n", 1))


def barrier_plot(strikes):
    def plot():
        barrier = asyncio.Barrier(3)

        async def party(name):
            await turns("abcd".index(name))
            return await told(name, barrier.wait())

        tasks = start(**{name: party(name) for name in "abcd"})

        def strike():
            log(f"{barrier.n_waiting} {barrier.broken}")
            strikes(barrier, tasks)

        return tasks, strike
    return plot


@scenario("barrier: a party is cancelled in each turn")
async def _():
    await sweep(7, barrier_plot(lambda _, tasks: tasks["b"].cancel()))


@scenario("barrier: reset in each turn")
async def _():
    def strike(barrier, tasks):
        tasks["r"] = asyncio.create_task(barrier.reset())

    await sweep(7, barrier_plot(strike))


@scenario("barrier: broken and reset in each turn")
async def _():
    async def break_and_reset(barrier):
        await barrier.abort()
        log(f"{barrier.n_waiting} {barrier.broken}")
        await turns(1)
        await barrier.reset()
        log(f"{barrier.n_waiting} {barrier.broken}")

    def strike(barrier, tasks):
        tasks["r"] = asyncio.create_task(break_and_reset(barrier))

    await sweep(7, barrier_plot(strike))


# ---- combining -----------------------------------------------------------------------------------

async def step(name, count, error=None):
    """Some turns of work."""
    try:
        await turns(count)
    except asyncio.CancelledError:
        log(f"{name} cancelled")
        raise
    log(f"{name} ends")
    if error is not None:
        raise error
    return name


def texts(values):
    return "[" + " ".join(
        texts(value) if isinstance(value, list) else
        type(value).__name__ if isinstance(value, BaseException) else str(value)
        for value in values) + "]"


@scenario("gather of gathers: cancelled in each turn")
async def _():
    async def outer():
        inner = [asyncio.gather(step("a", 1), step("b", 3)), asyncio.gather(step("c", 2))]
        return texts(await asyncio.gather(*inner))

    def plot():
        tasks = start(t=told("t", outer()))
        return tasks, tasks["t"].cancel

    await sweep(9, plot)


@scenario("gather of gathers: the inner one is cancelled in each turn")
async def _():
    def plot():
        inner = asyncio.gather(step("a", 1), step("b", 2))
        both = asyncio.gather(inner, step("c", 4), return_exceptions=True)

        async def outer():
            return texts(await both)

        return start(t=told("t", outer())), inner.cancel

    await sweep(8, plot)


@scenario("gather: children fail one after the other, and it is cancelled in each turn")
async def _():
    for outcomes in False, True:
        async def outer():
            children = [step("a", 1, ValueError("a")), step("b", 2, KeyError("b")), step("c", 3)]
            return texts(await asyncio.gather(*children, return_exceptions=outcomes))

        def plot():
            tasks = start(t=told("t", outer()))
            return tasks, tasks["t"].cancel

        await sweep(7, plot)


@scenario("wait: members end one after the other, who waits is cancelled in each turn")
async def _():
    for when in asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION, asyncio.ALL_COMPLETED:
        async def wait(members):
            done, _ = await asyncio.wait(members.values(), return_when=when)
            return texts(member in done for member in members.values())

        def plot():
            members = start(a=step("a", 1), b=step("b", 2, ValueError("b")), c=step("c", 3))
            tasks = start(w=told("w", wait(members)))
            return tasks | members, tasks["w"].cancel

        await sweep(7, plot)


@scenario("as_completed: members end in pairs, who waits is cancelled in each turn")
async def _():
    async def collect(members):
        ends = []
        for following in asyncio.as_completed(members.values()):
            ends.append(await told("next", following))
        return texts(ends)

    def plot():
        members = start(a=step("a", 2), b=step("b", 1), c=step("c", 2), d=step("d", 1))
        tasks = start(t=told("t", collect(members)))
        return tasks | members, tasks["t"].cancel

    await sweep(7, plot)


@scenario("shield of a shield: the outer one is cancelled in each turn, the work goes on")
async def _():
    async def outer(work):
        return await asyncio.shield(asyncio.shield(work))

    def plot():
        tasks = start(w=step("w", 3))
        tasks["o"] = asyncio.create_task(told("o", outer(tasks["w"])))
        return tasks, tasks["o"].cancel

    await sweep(8, plot)


@scenario("shield: the work is cancelled in each turn, beside who waits for it")
async def _():
    def plot():
        tasks = start(w=step("w", 3))
        for name in "ab":
            tasks[name] = asyncio.create_task(told(name, asyncio.shield(tasks["w"])))

        def strike():
            tasks["w"].cancel()
            tasks["a"].cancel()

        return tasks, strike

    await sweep(7, plot)


# ---- scopes --------------------------------------------------------------------------------------

async def limited(name, limit, body):
    try:
        async with asyncio.timeout(limit) as scope:
            return await body
    except (asyncio.CancelledError, Exception) as error:
        log(f"{name}: {type(error).__name__}, expired: {scope.expired()}, "
            f"cancelling: {asyncio.current_task().cancelling()}")
        raise


async def stubborn(count):
    """Swallows so many cancels."""
    for i in range(count):
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            log(f"swallowed {i}")
    await asyncio.sleep(5)
    return "body"


@scenario("timeouts: three that expire together or one by one, over a body that swallows")
async def _():
    for limits in (1, 1, 1), (2, 1, 1), (1, 1, 2), (1, 2, 1), (3, 2, 1), (1, 2, 3):
        for count in range(3):
            log(f"-- {limits} {count}")
            body = stubborn(count)
            for name, limit in zip("abc", limits):
                body = limited(name, limit, body)
            log(await attempt(body))


@scenario("timeouts: a cancel from outside at the deadline, registered in each turn")
async def _():
    async def body():
        await turns(2)
        await limited("a", 1, limited("b", 1, asyncio.sleep(2)))

    def plot():
        tasks = start(t=body())
        return tasks, lambda: loop().call_later(1, tasks["t"].cancel)

    await sweep(5, plot)


async def fail_at(name, when, error):
    try:
        await asyncio.sleep(when)
    except asyncio.CancelledError:
        log(f"{name} cancelled")
        raise
    log(f"{name} fails")
    raise error


@scenario("a group in a timeout in wait_for: all fail at one instant (3.13)")
async def _():
    async def group(first, second):
        async with TaskGroup() as group:
            group.create_task(fail_at("a", first, ValueError("a")))
            group.create_task(fail_at("b", second, KeyError("b")))
            await asyncio.sleep(5)

    for limits in (1, 1), (1, 2), (2, 1), (2, 2):
        for moments in (1, 1), (1, 2), (2, 1):
            log(f"-- {limits} {moments}")
            body = limited("timeout", limits[0], group(*moments))
            log(await attempt(asyncio.wait_for(body, limits[1])))
            log(str(asyncio.current_task().cancelling()))


@scenario("groups in a group: the parent is cancelled in each turn (3.13)")
async def _():
    async def inner(name, error):
        async with TaskGroup() as group:
            group.create_task(step(name + "1", 2, error))
            group.create_task(step(name + "2", 4))

    async def outer():
        async with TaskGroup() as group:
            group.create_task(inner("a", None))
            group.create_task(inner("b", ValueError("b")))
            await turns(1)

    def plot():
        tasks = start(t=told("t", outer()))
        return tasks, tasks["t"].cancel

    await sweep(11, plot)


@scenario("a group: children come while others fail (3.13)")
async def _():
    def plot():
        async def add(group):
            for i in range(4):
                try:
                    group.create_task(step(f"child {i}", 3))
                except RuntimeError:
                    log("no more")
                    return
                await turns(1)

        async def body(failing):
            async with TaskGroup() as group:
                group.create_task(add(group))
                group.create_task(failing)

        failed = loop().create_future()

        async def failing():
            await failed

        tasks = start(t=told("t", body(failing())))
        return tasks, lambda: failed.set_exception(ValueError("failed"))

    await sweep(8, plot)


run_all()
