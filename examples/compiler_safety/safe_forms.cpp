// SPDX-License-Identifier: MIT
// What is right on every compiler: the safe forms of docs/compiler-safety.md, each beside its rule.
#include <asyncio/asyncio.h>

#include <functional>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

std::size_t hash(const std::string& text) { return std::hash<std::string>()(text); }

asyncio::Coro<> lambdas(std::string s) {
    // [lambda]
    co_await asyncio::to_thread(hash, s); // the library keeps s
    auto work = [s] { return hash(s); };
    co_await asyncio::to_thread(work); // a lambda with a name
    co_await asyncio::to_thread([&s] { return hash(s); }); // a reference is no object
    // [/lambda]
}

// [options_class]
class Options {
public:
    Options() {} // so it is no aggregate
    Options& host(std::string name) {
        host_ = std::move(name);
        return *this;
    }
    const std::string& host() const { return host_; }

private:
    std::string host_;
};
// [/options_class]

asyncio::Coro<> open(Options options) {
    std::cout << "open " << options.host() << '\n';
    co_return;
}

asyncio::Coro<> options(std::string name) {
    // [options]
    co_await open(Options().host(name));
    // [/options]
}

asyncio::Coro<int> sum_of(std::vector<int> numbers) {
    int sum = 0;
    for (int n : numbers) sum += n;
    co_return sum;
}

asyncio::Coro<> lists() {
    // [list]
    std::vector<int> numbers{1, 2, 3};
    int sum = co_await sum_of(numbers);
    auto pending = sum_of({4, 5, 6}); // or the awaitable first: everything can be awaited later
    sum += co_await std::move(pending);
    // [/list]
    std::cout << sum << '\n';
}

asyncio::Coro<> greet(std::string name) {
    std::cout << "hello, " << name << '\n';
    co_return;
}

asyncio::Coro<bool> is_known() { co_return true; }

asyncio::Coro<> choices(bool formal) {
    // [choice]
    std::string name = formal ? "Mr. Smith" : "Jim"; // no await in this statement
    co_await greet(name);
    if (co_await is_known()) co_await greet(name); // `name` is the declaration that it needs
    // [/choice]
}

asyncio::Coro<> main_() {
    co_await lambdas("text");
    co_await options("example.org");
    co_await lists();
    co_await choices(true);
}

int main() { asyncio::run(main_()); }
