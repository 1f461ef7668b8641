// SPDX-License-Identifier: MIT
// A process pool for CPU-bound work: the loop stays free, the results come back in order, an
// exception crosses the process boundary. Tutorial 003, 何时使用 asyncio.
#include <asyncio/asyncio.h>
#include <multiprocessing/multiprocessing.h>

#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

int count_primes(int limit) {
    std::vector<bool> sieve(static_cast<std::size_t>(limit), true);
    int count = 0;
    for (std::size_t i = 2; i < sieve.size(); ++i) {
        if (!sieve[i]) continue;
        ++count;
        for (std::size_t j = i * i; j < sieve.size(); j += i) sieve[j] = false;
    }
    return count;
}

int worker_pid() { return ::getpid(); }

void failing(int x) { throw asyncio::ValueError("bad argument " + std::to_string(x)); }

const multiprocessing::Registration functions[] = {
    {"count_primes", count_primes},
    {"worker_pid", worker_pid},
    {"failing", failing},
};

asyncio::Coro<> main_() {
    auto& loop = asyncio::get_running_loop();
    multiprocessing::ProcessPoolExecutor pool(2);
    const std::vector<int> limits{10, 1000, 100000, 300000};
    std::vector<asyncio::Future<int>> work;
    for (int n : limits) work.push_back(loop.run_in_executor(&pool, count_primes, n));
    const std::vector<int> results = co_await asyncio::gather(std::move(work));
    for (std::size_t i = 0; i < limits.size(); ++i) {
        std::cout << "primes below " << limits[i] << ": " << results[i] << '\n';
    }
    const int pid = co_await loop.run_in_executor(&pool, worker_pid);
    std::cout << "ran in another process: " << (pid != ::getpid() ? "True" : "False") << '\n';
    try {
        co_await loop.run_in_executor(&pool, failing, 7);
    } catch (const asyncio::ValueError& e) {
        std::cout << "ValueError: " << e.what() << '\n';
    }
}

int main() {
    multiprocessing::freeze_support();
    asyncio::run(main_());
}
