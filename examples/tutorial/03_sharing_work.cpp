// SPDX-License-Identifier: MIT
// Tutorial, chapter 3: queues, locks, semaphores, threads.
#include <algorithm>
#include <asyncio/asyncio.h>

#include <iostream>
#include <numeric>
#include <string>
#include <vector>

using namespace std::chrono_literals;

// [queue]
asyncio::Coro<> produce(asyncio::Queue<int>& queue) {
    for (int i = 1; i <= 5; ++i) co_await queue.put(i); // waits while the queue is full
    queue.shutdown();                                   // no more will come
}

asyncio::Coro<> consume(asyncio::Queue<int>& queue, std::string name) {
    while (auto item = co_await queue.next()) { // nothing: shut down and empty
        co_await asyncio::sleep(0.01s);
        std::cout << name << " has done " << *item << '\n';
    }
}

asyncio::Coro<> pipeline() {
    asyncio::Queue<int> queue(2);
    co_await asyncio::gather(produce(queue), consume(queue, "one"), consume(queue, "two"));
}
// [/queue]

// [lock]
asyncio::Coro<> withdraw(asyncio::Lock& lock, int& balance, int amount) {
    auto guard = co_await lock.scoped(); // released at the end of the scope
    int before = balance;
    co_await asyncio::sleep(0.01s); // others run here; without the lock they would see `before` too
    balance = before - amount;
}

asyncio::Coro<> bank() {
    asyncio::Lock lock;
    int balance = 100;
    co_await asyncio::gather(withdraw(lock, balance, 30), withdraw(lock, balance, 20));
    std::cout << "balance: " << balance << '\n';
}
// [/lock]

// [semaphore]
asyncio::Coro<> polite(asyncio::Semaphore& slots, int& busy, int& most) {
    auto slot = co_await slots.scoped();
    most = std::max(most, ++busy);
    co_await asyncio::sleep(0.02s);
    --busy;
}

asyncio::Coro<> at_most_three() {
    asyncio::Semaphore slots(3);
    int busy = 0;
    int most = 0;
    std::vector<asyncio::Coro<>> jobs;
    for (int i = 0; i < 10; ++i) jobs.push_back(polite(slots, busy, most));
    co_await asyncio::gather(std::move(jobs));
    std::cout << "at most " << most << " at a time\n";
}
// [/semaphore]

// [thread]
long add_up(long from, long to) { // blocks its thread, not the loop
    std::vector<long> numbers(static_cast<std::size_t>(to - from));
    std::iota(numbers.begin(), numbers.end(), from);
    return std::accumulate(numbers.begin(), numbers.end(), 0L);
}

asyncio::Coro<> in_threads() {
    auto sums = co_await asyncio::gather(asyncio::to_thread(add_up, 0L, 1000L),
                                         asyncio::to_thread(add_up, 1000L, 2000L));
    std::cout << "sum: " << std::get<0>(sums) + std::get<1>(sums) << '\n';
}
// [/thread]

asyncio::Coro<> main_() {
    co_await pipeline();
    co_await bank();
    co_await at_most_three();
    co_await in_threads();
}

int main() { asyncio::run(main_()); }
