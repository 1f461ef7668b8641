// SPDX-License-Identifier: MIT
// Pools and loops: what is awaited, cancelled, refused, and left when the loop closes.
#include "multiprocessing/pool.h"

#include "asyncio/gather.h"
#include "asyncio/runners.h"
#include "asyncio/taskgroups.h"
#include "asyncio/testing/testing.h"
#include "support/held_workers.h"

using namespace multiprocessing;
using namespace std::chrono_literals;
using asyncio::Coro;
using support::HeldWorker;
using support::pid_after;
using support::Scratch;

namespace {

int triple(int number) {
    if (number < 0) throw asyncio::ValueError("negative");
    return 3 * number;
}
int unknown(int number) { return number; }
void with_text(const std::string&) {}
const Registration functions[] = {{"loops.triple", triple}, {"loops.with_text", with_text}};

Coro<int> triple_of(ProcessPoolExecutor& pool, int number) {
    // LIFETIME: the pool is the test's, which awaits this.
    auto& loop = asyncio::get_running_loop();
    co_return co_await loop.run_in_executor(&pool, triple, number);
}

} // namespace

TEST("MP01: one pool serves one loop after the other") {
    ProcessPoolExecutor pool(1);
    CHECK_EQ(asyncio::run(triple_of(pool, 2)), 6);
    CHECK_EQ(asyncio::run(triple_of(pool, 3)), 9);
}

CO_TEST("MP01: a failing call cancels its siblings in a task group") {
    ProcessPoolExecutor pool(1);
    bool caught = false;
    try {
        co_await asyncio::task_group([&pool](asyncio::TaskGroup& group) -> Coro<> {
            group.create_task(triple_of(pool, -1));
            group.create_task(triple_of(pool, 1));
            co_return;
        });
    } catch (const asyncio::ExceptionGroup& errors) {
        caught = errors.subgroup<asyncio::ValueError>().has_value();
    }
    CHECK(caught);
}

CO_TEST("MP01: a pool that is shut down, or does not know the function, says so") {
    ProcessPoolExecutor pool(1);
    auto& loop = asyncio::get_running_loop();
    auto not_known = loop.run_in_executor(&pool, unknown, 1);
    CHECK_THROWS_AS(co_await not_known, PicklingError);
    pool.shutdown();
    CHECK_THROWS_AS(loop.run_in_executor(&pool, triple, 1), asyncio::RuntimeError);
}

CO_TEST("MP01: an initializer that is not registered is refused where it is named") {
    CHECK_THROWS_AS(ProcessPoolOptions()
                        .initializer(with_text, "a")
                        .initializer(
                            +[](int) {}, 1),
                    PicklingError);
    CHECK_THROWS_AS(PoolOptions().initializer(+[] {}), PicklingError);
    CHECK_THROWS_AS(Pool(0), asyncio::ValueError);
    co_return;
}

CO_TEST("FLT-EXEC-01: a cancelled await of an AsyncResult drops a call that has not begun") {
    Pool pool(1);
    const Scratch scratch;
    const Scratch other;
    const auto held = pool.apply_async(pid_after, scratch.path("begun"), scratch.path("go"));
    support::wait_for_file(scratch.path("begun"));
    const auto queued = pool.apply_async(pid_after, other.path("begun"), other.path("go"));
    auto waiting =
        asyncio::create_task([](auto result) -> Coro<int> { co_return co_await result; }(queued));
    co_await asyncio::yield_now();
    waiting.cancel();
    CHECK_THROWS_AS(co_await waiting, asyncio::CancelledError);
    co_await asyncio::yield_now();
    CHECK(queued.future().cancelled());
    scratch.put("go", "x");
    CHECK(co_await held > 0);
}

TEST("FLT-EXEC-01: a loop may close before its worker has ended; the result is nobody's") {
    ProcessPoolExecutor pool(1);
    const HeldWorker held(pool);
    held.pid();
    auto leave = [](ProcessPoolExecutor& of, const HeldWorker& worker) -> Coro<> {
        auto& loop = asyncio::get_running_loop();
        auto queued = loop.run_in_executor(&of, triple, 1);
        auto running = asyncio::wrap_future(worker.future());
        co_await asyncio::yield_now();
    };
    asyncio::run(leave(pool, held));
    held.let_go();
    CHECK(held.future().result() > 0);
    CHECK_EQ(pool.submit(triple, 5).get(), 15);
}
