// SPDX-License-Identifier: MIT
// readable() and writable(): who waits for a descriptor, and how that ends.
#include "asyncio/readiness.h"

#include "asyncio/base_events.h"
#include "asyncio/testing/sweep.h"
#include "support/pipes.h"

using namespace asyncio;
using namespace std::chrono_literals;
using support::Pipe;

namespace {

Coro<char> read_byte(const Pipe& pipe) {
    co_await get_running_loop().readable(pipe.in());
    co_return pipe.get();
}

} // namespace

CO_TEST("readable: waits until there is something to read, and leaves nothing registered") {
    const Pipe pipe;
    const auto reader = create_task(read_byte(pipe));
    co_await sleep(10s);
    CHECK(!reader.done());
    pipe.put('z');
    CHECK_EQ(co_await reader, 'z');
    CHECK(!testing::loop().remove_reader(pipe.in()));
}

CO_TEST("writable: waits until there is room") {
    const Pipe pipe;
    const auto writer = [](const Pipe& full) -> Coro<> {
        co_await get_running_loop().writable(full.out());
    };
    pipe.fill();
    const auto task = create_task(writer(pipe));
    co_await sleep(1s);
    CHECK(!task.done());
    pipe.drain();
    co_await task;
    CHECK(!testing::loop().remove_writer(pipe.out()));
}

CO_TEST("readable: a second waiter is a RuntimeError, and the first goes on waiting") {
    const Pipe pipe;
    const auto first = create_task(read_byte(pipe));
    co_await sleep(0s);
    CHECK_THROWS_MSG(co_await read_byte(pipe), RuntimeError, "watched already");
    pipe.put('q');
    CHECK_EQ(co_await first, 'q');
}

CO_TEST("readable: a cancelled waiter stops watching and reads nothing") {
    const Pipe pipe;
    const auto task = create_task(read_byte(pipe));
    co_await sleep(0s);
    task.cancel();
    CHECK(!testing::loop().remove_reader(pipe.in()));
    CHECK_THROWS_AS(co_await task, CancelledError);
    pipe.put('s');
    CHECK_EQ(co_await read_byte(pipe), 's');
}

CO_TEST("readable: the wait of another loop's descriptor is a RuntimeError") {
    const Pipe pipe;
    EventLoop other;
    CHECK_THROWS_AS(co_await other.readable(pipe.in()), RuntimeError);
}

CO_SWEEP("readable under the cancel sweep: no byte is lost, and the next wait works") {
    const Pipe pipe;
    auto task = sweep.victim(read_byte(pipe));
    co_await sleep(0s);
    pipe.put('k');
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    const char expected = sweep.struck() ? 'k' : '\0';
    CHECK_EQ(pipe.get(), expected);
    pipe.put('l');
    CHECK_EQ(co_await read_byte(pipe), 'l');
}
