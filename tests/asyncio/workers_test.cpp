// SPDX-License-Identifier: MIT
// run_workers: several loops at once, their ends, and a server on each.
#include "asyncio/workers.h"

#include "asyncio/runners.h"
#include "asyncio/streams.h"
#include "asyncio/testing/testing.h"
#include "os/descriptor.h"
#include "support/child_process.h"

#include <atomic>
#include <csignal>
#include <mutex>
#include <set>
#include <thread>

using namespace asyncio;
using namespace std::chrono_literals;
using support::in_child;

namespace {

// A port that nobody but who shares it can take.
os::Socket reserved_port() {
    os::Socket socket(AF_INET);
    socket.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1);
    socket.bind(*os::Address::from_literal("127.0.0.1", 0));
    return socket;
}

} // namespace

TEST("run_workers: each has a loop and a thread of its own, and knows which it is") {
    std::mutex lock;
    std::set<std::size_t> indices;
    std::set<std::thread::id> threads;
    std::set<EventLoop*> loops;
    std::atomic<int> there = 0;
    run_workers(3, [&](Worker worker) -> Coro<> {
        {
            const std::scoped_lock hold(lock);
            indices.insert(worker.index());
            threads.insert(std::this_thread::get_id());
            loops.insert(&get_running_loop());
            CHECK_EQ(worker.count(), 3U);
        }
        ++there;
        while (there != 3) co_await sleep(1ms); // all at the same time
    });
    CHECK_EQ(indices, (std::set<std::size_t>{0, 1, 2}));
    CHECK_EQ(threads.size(), 3U);
    CHECK_EQ(loops.size(), 3U);
    CHECK_EQ(threads.count(std::this_thread::get_id()), 0U);
}

TEST("run_workers: main may take no worker, and one that ends leaves the others alone") {
    std::atomic<int> ended = 0;
    run_workers(4, [&]() -> Coro<> {
        co_await sleep(std::chrono::milliseconds(ended.load()));
        ++ended;
    });
    CHECK_EQ(ended.load(), 4);
}

TEST("run_workers: a failure cancels the others, which clean up, and comes out") {
    std::atomic<int> there = 0;
    std::atomic<int> cleaned = 0;
    const auto work = [&](Worker worker) -> Coro<> {
        ++there;
        while (there != 3) co_await sleep(1ms);
        if (worker.index() == 1) throw KeyError("one");
        co_await sleep(1h);
    };
    const auto main = [&](Worker worker) -> Coro<> {
        const Outcome<void> end = co_await outcome(work(worker));
        if (end.cancelled()) {
            co_await sleep(1ms);
            ++cleaned;
        }
        end.value();
    };
    CHECK_THROWS_MSG(run_workers(3, main), KeyError, "one");
    CHECK_EQ(cleaned.load(), 2);
}

TEST("run_workers: several failures come out together") {
    std::atomic<int> there = 0;
    const auto main = [&](Worker worker) -> Coro<> {
        ++there;
        while (there != 2) static_cast<void>(co_await outcome(sleep(1ms)));
        throw ValueError(std::to_string(worker.index()));
    };
    try {
        run_workers(2, main);
        FAIL("nothing came out");
    } catch (const ExceptionGroup& group) {
        CHECK_EQ(group.exceptions().size(), 2U);
        CHECK(std::string(group.what()).find("errors in workers") != std::string::npos);
    }
}

TEST("run_workers: no workers, and a loop that runs already, are errors") {
    const auto main = []() -> Coro<> { co_return; };
    CHECK_THROWS_AS(run_workers(0, main), ValueError);
    run([](auto nothing) -> Coro<> {
        CHECK_THROWS_AS(run_workers(1, nothing), RuntimeError);
        co_return;
    }(main));
}

TEST("run_workers: Ctrl-C ends all of them in order, and comes out as KeyboardInterrupt") {
    const auto end = in_child([] {
        std::signal(SIGINT, SIG_DFL); // a background job is born ignoring it
        std::atomic<int> there = 0;
        std::atomic<int> cleaned = 0;
        const auto main = [&]() -> Coro<> {
            if (++there == 3) ::raise(SIGINT); // on a worker's thread: it reaches the first one
            const Outcome<void> stopped = co_await outcome(sleep(1h));
            co_await sleep(1ms);
            ++cleaned;
            stopped.value();
        };
        CHECK_THROWS_AS(run_workers(3, main), KeyboardInterrupt);
        CHECK_EQ(cleaned.load(), 3);
    });
    CHECK(end.exited(0));
}

TEST("run_workers: a second Ctrl-C waits for the threads, too") {
    const auto end = in_child([] {
        std::signal(SIGINT, SIG_DFL); // a background job is born ignoring it
        std::atomic<int> there = 0;
        std::atomic<int> cleaned = 0;
        const auto main = [&]() -> Coro<> {
            if (++there == 2) ::raise(SIGINT);
            const Outcome<void> stopped = co_await outcome(sleep(1h));
            if (++there == 3) ::raise(SIGINT); // the first that cleans up
            co_await sleep(20ms);
            ++cleaned;
            stopped.value();
        };
        CHECK_THROWS_AS(run_workers(2, main), KeyboardInterrupt);
        CHECK_EQ(cleaned.load(), 2);
    });
    CHECK(end.exited(0));
}

TEST("run_workers: servers on one port share the connections, and stop together") {
    const os::Socket reserved = reserved_port();
    const Port port(reserved.getsockname().port());
    const std::size_t descriptors = os::open_descriptors_count();
    std::atomic<int> listening = 0;
    std::atomic<int> answered = 0;
    std::atomic<bool> stop = false;
    const auto serve = [&](Worker) -> Coro<> {
        const auto answer = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
            writer.write(co_await reader.readline());
            ++answered;
            writer.close();
        };
        auto server =
            co_await start_server(answer, "127.0.0.1", port, ServerOptions().reuse_port(true));
        ++listening;
        while (!stop) co_await sleep(1ms);
        co_await server.shutdown(1s);
    };
    std::thread clients([&] {
        while (listening != 3) std::this_thread::yield();
        run([](Port at) -> Coro<> {
            for (int i = 0; i < 60; ++i) {
                auto [reader, writer] = co_await open_connection("127.0.0.1", at);
                writer.write("hello\n");
                CHECK_EQ(co_await reader.readline(), "hello\n");
                writer.close();
            }
        }(port));
        stop = true;
    });
    run_workers(3, serve);
    clients.join();
    CHECK_EQ(answered.load(), 60);
    CHECK_EQ(os::open_descriptors_count(), descriptors);
}
