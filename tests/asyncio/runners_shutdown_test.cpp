// SPDX-License-Identifier: MIT
// The end of run(): tasks, then generators, then the default executor, then the loop.
#include "asyncio/runners.h"

#include "asyncio/generators.h"
#include "asyncio/testing/testing.h"
#include "asyncio/threads.h"
#include "support/threads.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

class Events { // of several threads
public:
    void add(const std::string& event) {
        const std::scoped_lock hold(lock_);
        events_.push_back(event);
    }
    std::vector<std::string> all() const {
        const std::scoped_lock hold(lock_);
        return events_;
    }

private:
    mutable std::mutex lock_;
    std::vector<std::string> events_;
};

// Tells when its loop lets go of it.
class TracedBackend final : public EpollBackend {
public:
    explicit TracedBackend(Events& events) : events_(events) {}
    ~TracedBackend() override { events_.add("loop closed"); }

private:
    Events& events_;
};

AsyncGenerator<int> generator_with_clean_up(Events& events) {
    try {
        co_yield 1;
    } catch (const GeneratorExit&) {
        events.add("generator closed");
    }
}

Coro<> task_with_clean_up(Events& events) {
    const auto end = co_await outcome(sleep(3600s));
    co_await sleep(1ms);
    events.add("task ended");
    end.value();
}

Coro<int> leave_everything(Events& events, AsyncGenerator<int>& generator) {
    create_task(task_with_clean_up(events));
    (void)co_await generator.next();
    get_running_loop().run_in_executor(nullptr, [&events] {
        support::take_time(30ms);
        events.add("thread ended");
    });
    co_await sleep(0s);
    events.add("main returns");
    co_return 3;
}

} // namespace

TEST("SEM-RUN-05: tasks, then generators, then the default executor, then the loop") {
    Events events;
    auto generator = generator_with_clean_up(events);
    const int result = run(leave_everything(events, generator), RunOptions().loop_factory([&] {
        return new_event_loop(LoopOptions().backend(std::make_unique<TracedBackend>(events)));
    }));
    CHECK_EQ(result, 3);
    CHECK_EQ(events.all(),
             std::vector<std::string>({"main returns", "task ended", "generator closed",
                                       "thread ended", "loop closed"}));
}

TEST("SEM-RUN-05: also when main fails") {
    Events events;
    auto generator = generator_with_clean_up(events);
    const auto fails = [](Events& log, AsyncGenerator<int>& gen) -> Coro<> {
        co_await leave_everything(log, gen);
        throw ValueError("main");
    };
    CHECK_THROWS_MSG(run(fails(events, generator)), ValueError, "main");
    const auto seen = events.all();
    CHECK(std::find(seen.begin(), seen.end(), "generator closed") != seen.end());
    CHECK_EQ(seen.back(), "thread ended");
}

CO_TEST_REAL_TIME(
    "SEM-RUN-05: threads that overrun the limit are left to themselves, with a warning") {
    std::atomic<bool> let_go = false;
    std::atomic<bool> ended = false;
    const auto job = testing::loop().run_in_executor(nullptr, [&] {
        while (!let_go) support::take_time(1ms);
        ended = true;
    });
    co_await testing::loop().shutdown_default_executor(5ms);
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].level == LogLevel::warning);
    CHECK(logs[0].text.starts_with("The executor did not finish joining its threads within"));
    CHECK(!ended);
    let_go = true;
    co_await job;
    CHECK(ended);
}

TEST("FLT-CORE-14: a loop that goes while threads work for it neither waits nor is touched by "
     "them") {
    std::atomic<bool> began = false;
    std::atomic<bool> let_go = false;
    std::atomic<bool> ended = false;
    {
        EventLoop loop;
        const auto job = loop.run_in_executor(nullptr, [&] {
            began = true;
            while (!let_go) support::take_time(1ms);
            ended = true;
            return std::string("a result that nobody will fetch, long enough to be allocated");
        });
        const auto waits = [](Future<std::string> result) -> Coro<> { co_await result; };
        loop.create_task(waits(job), "waits");
        loop.call_soon([&loop] { loop.stop(); });
        loop.run_forever();
        while (!began) std::this_thread::yield();
    }
    CHECK(!ended);
    let_go = true;
    while (!ended) std::this_thread::yield();
    CHECK_EQ(testing::take_logs().size(), 1U); // the task
}
