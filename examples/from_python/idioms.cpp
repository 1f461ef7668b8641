// SPDX-License-Identifier: MIT
// Python's idioms, one by one: the snippets of docs/from-python.md.
#include <asyncio/asyncio.h>

#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<int> fetch(int n) {
    co_await asyncio::sleep(0.01s);
    if (n < 0) throw asyncio::ValueError("negative");
    co_return n * 10;
}

asyncio::Coro<> combining() {
    // [gather]
    auto pair = co_await asyncio::gather(fetch(1), fetch(2)); // std::tuple<int, int>
    // [/gather]
    std::cout << std::get<0>(pair) + std::get<1>(pair) << '\n';

    // [gather_list]
    std::vector<asyncio::Coro<int>> coros;
    for (int n = 0; n < 3; ++n) coros.push_back(fetch(n));
    std::vector<int> values = co_await asyncio::gather(std::move(coros));
    // [/gather_list]
    std::cout << values.size() << '\n';

    // [return_exceptions]
    auto ends = co_await asyncio::gather_outcomes(fetch(1), fetch(-1));
    if (std::get<1>(ends).has_exception()) std::cout << "the second failed\n";
    // [/return_exceptions]

    // [as_completed]
    std::vector<asyncio::Task<int>> tasks{asyncio::create_task(fetch(1)),
                                          asyncio::create_task(fetch(2))};
    auto completed = asyncio::as_completed(tasks);
    while (auto next = co_await completed.next()) std::cout << next->result() << '\n';
    // [/as_completed]

    // [wait]
    auto first = asyncio::create_task(fetch(1));
    auto second = asyncio::create_task(fetch(2));
    std::vector<asyncio::Task<int>> both{first, second};
    auto state = co_await asyncio::wait(both, asyncio::FIRST_COMPLETED);
    for (auto& task : state.pending) task.cancel();
    // [/wait]
    co_await asyncio::gather_outcomes(first, second);
}

asyncio::Coro<> let_others_run() {
    // [sleep_zero]
    co_await asyncio::sleep(0s); // in Python: await asyncio.sleep(0)
    co_await asyncio::yield_now(); // the same, by its name
    // [/sleep_zero]
}

// [shielded]
asyncio::Coro<> store_safely(int value) {
    auto store = [value]() -> asyncio::Coro<> {
        co_await asyncio::sleep(0.01s);
        std::cout << "stored " << value << '\n';
    };
    co_await asyncio::shielded(store); // ends before a cancel gets through
}
// [/shielded]

// [async_with]
class Connection {
public:
    template <class Body>
    asyncio::Coro<> with(Body body) { // async with Connection() as c: ...
        co_await asyncio::sleep(0.01s);
        std::cout << "connected\n";
        auto end = co_await asyncio::outcome(body(*this));
        co_await asyncio::sleep(0.01s);
        std::cout << "closed\n"; // runs however the body has ended
        end.value();
    }
};
// [/async_with]

// [async_generator]
asyncio::AsyncGenerator<int> ticker(int count) {
    for (int i = 0; i < count; ++i) {
        co_await asyncio::sleep(0.01s);
        co_yield i;
    }
}
// [/async_generator]

asyncio::Coro<> scopes_and_loops() {
    Connection connection;
    co_await connection.with([](Connection&) -> asyncio::Coro<> {
        std::cout << "using it\n";
        co_return;
    });
    // [async_for]
    auto ticks = ticker(3);
    while (auto tick = co_await ticks.next()) std::cout << *tick << '\n';
    // [/async_for]
}

// [except_await]
asyncio::Coro<int> with_fallback() {
    auto end = co_await asyncio::outcome(fetch(-1));
    if (asyncio::is_exception<asyncio::ValueError>(end.exception())) {
        co_return co_await fetch(7); // in Python: await in the except block
    }
    co_return std::move(end).value(); // the value, or throws what it was
}
// [/except_await]

// [contextvar]
asyncio::ContextVar<std::string> request_id("request_id", "none");
// [/contextvar]

asyncio::Coro<> background() {
    // [lambda_task]
    std::string name = "job";
    auto task = asyncio::create_task(
        [](std::string text) -> asyncio::Coro<std::size_t> { // arguments, not captures
            co_await asyncio::sleep(0.01s);
            co_return text.size();
        },
        name);
    // [/lambda_task]
    std::cout << co_await task << '\n';
    request_id.set("42");
    std::cout << co_await asyncio::to_thread([] { return request_id.get(); }) << '\n';
}

asyncio::Coro<> main_() {
    co_await combining();
    co_await let_others_run();
    co_await store_safely(1);
    co_await scopes_and_loops();
    std::cout << co_await with_fallback() << '\n';
    co_await background();
}

int main() { asyncio::run(main_()); }
