// SPDX-License-Identifier: MIT
// Done-callbacks: when they run, in which order, with what, and how they are removed.
#include "asyncio/futures.h"

#include "asyncio/testing/testing.h"

using namespace asyncio;

namespace {

// How a future may become done.
enum class End { result, exception, cancel };

void end(const Future<int>& future, End how) {
    switch (how) {
    case End::result: return future.set_result(1);
    case End::exception: return future.set_exception(ValueError("no"));
    case End::cancel: future.cancel(); return;
    }
}

} // namespace

CO_TEST("SEM-FUT-05: done-callbacks run in the order of registration, and never at once") {
    for (const End how : {End::result, End::exception, End::cancel}) {
        const Future<int> future;
        std::vector<int> order;
        future.add_done_callback([&order] { order.push_back(1); });
        future.add_done_callback([&order] { order.push_back(2); });
        future.add_done_callback([&order] { order.push_back(3); });
        end(future, how);
        CHECK(order.empty());
        co_await yield_now();
        CHECK_EQ(order, std::vector<int>{1, 2, 3});
        future.cancel(); // the exception has been seen
    }
}

CO_TEST("SEM-FUT-05: done-callbacks and tasks that await are told in the order they came") {
    const Future<int> future;
    std::vector<std::string> order;
    future.add_done_callback([&order] { order.emplace_back("first"); });
    const auto body = [&order](Future<int> awaited) -> Coro<> {
        co_await awaited;
        order.emplace_back("task");
    };
    const auto task = create_task(body(future));
    co_await yield_now();
    future.add_done_callback([&order] { order.emplace_back("last"); });
    future.set_result(1);
    co_await yield_now();
    CHECK_EQ(order, std::vector<std::string>{"first", "task", "last"});
}

CO_TEST("SEM-FUT-05: a done-callback stands behind what was ready when the future became done") {
    const Future<int> future;
    std::vector<int> order;
    future.add_done_callback([&order] { order.push_back(2); });
    testing::loop().call_soon([&order] { order.push_back(1); });
    future.set_result(1);
    testing::loop().call_soon([&order] { order.push_back(3); });
    co_await yield_now();
    CHECK_EQ(order, std::vector<int>{1, 2, 3});
}

CO_TEST("SEM-FUT-06: a callback added to a done future runs in the next turn, not at once") {
    for (const End how : {End::result, End::exception, End::cancel}) {
        const Future<int> future;
        end(future, how);
        int calls = 0;
        future.add_done_callback([&calls] { ++calls; });
        CHECK_EQ(calls, 0);
        const testing::Turns turns;
        co_await yield_now();
        CHECK_EQ(calls, 1);
        CHECK_EQ(turns.count(), 1);
        future.cancel();
    }
}

CO_TEST("SEM-FUT-07: remove_done_callback removes that registration and says how many there were") {
    const Future<int> future;
    int calls = 0;
    const auto callback = [&calls] { ++calls; };
    const CallbackId first = future.add_done_callback(callback);
    const CallbackId second = future.add_done_callback(callback);
    CHECK(first != second);
    CHECK_EQ(future.remove_done_callback(first), 1);
    CHECK_EQ(future.remove_done_callback(first), 0);
    future.set_result(1);
    CHECK_EQ(future.remove_done_callback(second), 0); // on its way already
    co_await yield_now();
    CHECK_EQ(calls, 1);
}

CO_TEST("SEM-FUT-07: an id removes nothing from another future") {
    const Future<int> future;
    const Future<int> other;
    const CallbackId id = future.add_done_callback([] {});
    CHECK_EQ(other.remove_done_callback(id), 0);
    CHECK_EQ(future.remove_done_callback(id), 1);
    co_return;
}

CO_TEST("SEM-FUT-07: callbacks may add and remove callbacks of the future that calls them") {
    const Future<int> future;
    std::vector<int> order;
    std::optional<CallbackId> second;
    future.add_done_callback([&](Future<int> self) {
        order.push_back(1);
        CHECK_EQ(self.remove_done_callback(*second), 0); // queued already: it will run
        self.add_done_callback([&order] { order.push_back(3); });
    });
    second = future.add_done_callback([&order] { order.push_back(2); });
    future.set_result(1);
    co_await yield_now();
    co_await yield_now();
    CHECK_EQ(order, std::vector<int>{1, 2, 3});
}

CO_TEST("SEM-FUT-07: what a removed callback captured is destroyed at once") {
    const Future<int> future;
    const auto captured = std::make_shared<int>(1);
    const auto callback = [captured] {};
    const CallbackId id = future.add_done_callback(callback);
    CHECK_EQ(captured.use_count(), 3L);
    future.remove_done_callback(id);
    CHECK_EQ(captured.use_count(), 2L);
    co_return;
}

CO_TEST("a done-callback gets its arguments and then the future, or its arguments alone") {
    const Future<int> future;
    std::string seen;
    future.add_done_callback(
        [&seen](int number, const Future<int>& done) {
            seen += std::to_string(number) + "+" + std::to_string(done.result());
        },
        4);
    future.add_done_callback([&seen](const std::string& text) { seen += " " + text; },
                             std::string("alone"));
    future.set_result(5);
    co_await yield_now();
    CHECK_EQ(seen, "4+5 alone");
}

CO_TEST("a callback keeps its future alive until it has run") {
    int seen = 0;
    {
        const Future<int> future;
        future.add_done_callback([&seen](const Future<int>& done) { seen = done.result(); });
        future.set_result(7);
    }
    co_await yield_now();
    CHECK_EQ(seen, 7);
}

CO_TEST("the callbacks of a future that is dropped pending never run, and are freed") {
    const auto captured = std::make_shared<int>(1);
    bool called = false;
    {
        const Future<int> future;
        const auto callback = [captured, &called] { called = true; };
        future.add_done_callback(callback);
    }
    CHECK_EQ(captured.use_count(), 1L);
    co_await yield_now();
    CHECK(!called);
}

CO_TEST("a callback that throws goes to the exception handler, the others still run") {
    const Future<int> future;
    std::string message;
    testing::loop().set_exception_handler(
        [&message](EventLoop&, const ExceptionContext& context) { message = context.message; });
    bool ran = false;
    future.add_done_callback([] { throw ValueError("in a callback"); });
    future.add_done_callback([&ran] { ran = true; });
    future.set_result(1);
    co_await yield_now();
    testing::loop().set_exception_handler(nullptr);
    CHECK(ran);
    CHECK(message.starts_with("Exception in callback"));
}

CO_TEST("a callback may complete another future, whose callbacks run a turn later") {
    const Future<int> first;
    const Future<int> second;
    std::vector<int> turns;
    const testing::Turns count;
    first.add_done_callback([&] {
        turns.push_back(count.count());
        second.set_result(2);
    });
    second.add_done_callback([&] { turns.push_back(count.count()); });
    first.set_result(1);
    co_await yield_now();
    co_await yield_now();
    CHECK_EQ(turns, std::vector<int>{1, 2});
}
