// SPDX-License-Identifier: MIT
// Posts from other threads: order, wake-ups, cancelling, the end of the loop.
#include "asyncio/inbox.h"

#include "asyncio/events.h"
#include "asyncio/testing/testing.h"
#include "support/threads.h"

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

// epoll that counts how often other threads wake it.
class CountingBackend final : public EpollBackend {
public:
    explicit CountingBackend(std::atomic<int>& wakes) : wakes_(wakes) {}
    void wake() noexcept override {
        ++wakes_;
        EpollBackend::wake();
    }

private:
    std::atomic<int>& wakes_;
};

} // namespace

// ---- call_soon_threadsafe -----------------------------------------------------------------------

TEST("SEM-THR-06: call_soon_threadsafe wakes a loop that is blocked in poll") {
    EventLoop loop; // nothing is due: only the call can wake it
    std::thread::id where;
    std::thread other([&] {
        support::take_time(1ms);
        loop.call_soon_threadsafe([&] {
            where = std::this_thread::get_id();
            loop.stop();
        });
    });
    loop.run_forever();
    other.join();
    CHECK(where == std::this_thread::get_id());
}

TEST("SEM-THR-06: calls of one thread keep their order") {
    EventLoop loop;
    std::vector<int> order;
    std::thread other([&] {
        for (int i = 0; i < 100; ++i)
            loop.call_soon_threadsafe([&order, i] { order.push_back(i); });
        loop.call_soon_threadsafe([&loop] { loop.stop(); });
    });
    loop.run_forever();
    other.join();
    CHECK_EQ(order.size(), 100U);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

CO_TEST("SEM-THR-06: from the loop's thread call_soon_threadsafe orders like call_soon") {
    std::vector<int> order;
    const testing::Turns turns;
    std::vector<int> called_in;
    for (int i = 0; i < 6; ++i) {
        const auto note = [&order, &called_in, &turns, i] {
            order.push_back(i);
            called_in.push_back(turns.count());
        };
        if (i % 2 == 0) {
            testing::loop().call_soon_threadsafe(note);
        } else {
            testing::loop().call_soon(note);
        }
    }
    co_await sleep(0s);
    CHECK_EQ(order, std::vector<int>{0, 1, 2, 3, 4, 5});
    CHECK_EQ(called_in, std::vector<int>(6, 1));
}

CO_TEST("SEM-THR-06: a call from the loop's thread comes behind those that others made before") {
    std::vector<int> order;
    std::thread other([&order, &loop = testing::loop()] {
        loop.call_soon_threadsafe([&order] { order.push_back(1); });
    });
    other.join();
    testing::loop().call_soon_threadsafe([&order] { order.push_back(2); });
    co_await sleep(0s);
    CHECK_EQ(order, std::vector<int>{1, 2});
}

CO_TEST("SEM-THR-07: a handle cancelled by another thread keeps its callback from running") {
    bool ran = false;
    EventLoop& loop = testing::loop();
    auto handle = loop.call_soon_threadsafe([&ran] { ran = true; });
    CHECK(!handle.cancelled());
    std::thread other([handle]() mutable {
        handle.cancel();
        CHECK(handle.cancelled());
    });
    other.join();
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(!ran);
    CHECK(handle.cancelled());
}

CO_TEST("SEM-THR-08: cancel and cancelled of other threads wait for a running callback") {
    EventLoop& loop = testing::loop();
    std::latch running{1};
    std::atomic<bool> finished{false};
    auto handle = loop.call_soon_threadsafe([&] {
        running.count_down();
        support::take_time(2ms);
        finished = true;
    });
    std::atomic<int> seen_finished{0};
    std::vector<std::thread> others;
    others.emplace_back([&, handle] {
        running.wait();
        handle.cancelled();
        seen_finished += finished ? 1 : 0;
    });
    others.emplace_back([&, handle]() mutable {
        running.wait();
        handle.cancel();
        seen_finished += finished ? 1 : 0;
    });
    co_await sleep(0s);
    co_await sleep(0s);
    for (std::thread& other : others) other.join();
    CHECK_EQ(seen_finished.load(), 2);
}

CO_TEST("SEM-THR-08: a callback may cancel its own handle") {
    std::optional<ThreadsafeHandle> handle;
    bool ran = false;
    handle = testing::loop().call_soon_threadsafe([&] {
        handle->cancel();
        ran = handle->cancelled();
    });
    co_await sleep(0s);
    CHECK(ran);
}

TEST("FLT-CORE-08: of calls from 4 threads into a blocked loop none is lost, one wakes it") {
    const int calls = testing::full() ? 250'000 : 10'000; // a thread
    std::atomic<int> wakes{0};
    LoopOptions options;
    options.backend(std::make_unique<CountingBackend>(wakes));
    EventLoop loop(std::move(options));
    std::vector<int> last(4, -1);
    int in_order = 0;
    std::latch done{4};
    std::vector<std::thread> threads;
    loop.call_soon([&] { // the loop is blocked in here
        for (std::size_t t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < calls; ++i) {
                    loop.call_soon_threadsafe([&last, &in_order, t, i] {
                        in_order += last[t] == i - 1 ? 1 : 0;
                        last[t] = i;
                    });
                }
                done.count_down();
            });
        }
        done.wait();
        loop.call_soon([&] { loop.call_soon([&] { loop.stop(); }); });
    });
    loop.run_forever();
    for (std::thread& thread : threads) thread.join();
    CHECK_EQ(in_order, 4 * calls);
    CHECK(wakes <= 1);
    loop.close();
    CHECK_THROWS_MSG(loop.call_soon_threadsafe([] {}), RuntimeError, "Event loop is closed");
}

TEST("FLT-CORE-08: calls that a loop closes before it runs them are freed") {
    const auto captured = std::make_shared<int>(1);
    {
        EventLoop loop;
        auto kept = loop.call_soon_threadsafe([captured] {});
        loop.call_soon([&loop, captured] {
            loop.call_soon_threadsafe([captured] {});
            loop.stop();
        });
        loop.run_forever();
        loop.call_soon_threadsafe([captured] {});
        loop.close();
        CHECK_THROWS_AS(loop.call_soon_threadsafe([captured] {}), RuntimeError);
    }
    CHECK_EQ(captured.use_count(), 1);
}
