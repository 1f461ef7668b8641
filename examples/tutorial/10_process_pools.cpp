// SPDX-License-Identifier: MIT
// Tutorial, chapter 10: functions in other processes.
#include <asyncio/asyncio.h>
#include <multiprocessing/multiprocessing.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

// [functions]
long sum_below(long n) {
    long sum = 0;
    for (long i = 0; i < n; ++i) sum += i;
    return sum;
}

void parse(const std::string& input) {
    if (input.empty()) throw asyncio::ValueError("no input");
    if (input == "poison") std::abort(); // a bug, in a library that is not ours
}

const multiprocessing::Registration functions[] = {
    {"sum_below", sum_below},
    {"parse", parse},
};
// [/functions]

// [types]
struct Sample {
    std::string name;
    std::vector<double> values;

    template <class Archive>
    void serialize(Archive& archive) {
        archive(name, values);
    }
};

struct OutOfRange : asyncio::ValueError {
    using ValueError::ValueError;
};

double largest(const Sample& sample) {
    if (sample.values.empty()) throw OutOfRange(sample.name + " is empty");
    return sample.values.back();
}

const multiprocessing::Registration largest_(std::string("largest"), largest);
const multiprocessing::ExceptionRegistration<OutOfRange> out_of_range("OutOfRange");
// [/types]

// [executor]
asyncio::Coro<> ask_an_executor() {
    auto& loop = asyncio::get_running_loop();
    multiprocessing::ProcessPoolExecutor pool(2);
    auto small = loop.run_in_executor(&pool, sum_below, 1'000);
    auto large = loop.run_in_executor(&pool, sum_below, 100'000);
    std::cout << co_await small << ' ' << co_await large << '\n';
}
// [/executor]

// [errors]
asyncio::Coro<> survive_a_crash() {
    auto& loop = asyncio::get_running_loop();
    multiprocessing::ProcessPoolExecutor pool(1);
    for (std::string input : {"", "poison", "good"}) {
        try {
            co_await loop.run_in_executor(&pool, parse, input);
            std::cout << input << ": parsed\n";
        } catch (const asyncio::ValueError& error) {
            std::cout << "ValueError: " << error.what() << '\n';
        } catch (const multiprocessing::BrokenProcessPool& lost) {
            std::cout << input << ": the worker has ended by signal "
                      << -lost.exitcode().value_or(0) << '\n';
        }
    }
}
// [/errors]

// [pool]
asyncio::Coro<> work_through_a_range() {
    multiprocessing::Pool pool(2);
    std::vector<long> numbers{10, 100, 1'000};

    auto sums = co_await pool.map_async(sum_below, numbers);
    std::cout << sums.size() << " sums, the last is " << sums.back() << '\n';

    auto results = pool.imap(sum_below, numbers);
    while (auto sum = co_await results.anext()) std::cout << *sum << '\n';
}
// [/pool]

asyncio::Coro<> send_a_sample() {
    auto& loop = asyncio::get_running_loop();
    multiprocessing::ProcessPoolExecutor pool(1);
    Sample sample{"a", {1.5, 2.5}};
    std::cout << co_await loop.run_in_executor(&pool, largest, sample) << '\n';
}

// [main]
asyncio::Coro<> main_() {
    co_await ask_an_executor();
    co_await survive_a_crash();
    co_await work_through_a_range();
    co_await send_a_sample();
}

int main() {
    multiprocessing::freeze_support(); // first: a worker begins here, and goes no further
    asyncio::run(main_());
}
// [/main]
