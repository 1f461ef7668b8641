// SPDX-License-Identifier: MIT
// Chance by a seed, and tasks that are cancelled by it.
#pragma once

#include "asyncio/testing/testing.h"

#include <chrono>
#include <random>
#include <vector>

namespace support {

/// The same seed throws the same numbers on every machine.
class Dice {
public:
    explicit Dice(unsigned seed) : random_(seed) {}
    /// From 0 to bound - 1.
    int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }
    asyncio::Duration milliseconds_below(int bound) {
        return std::chrono::milliseconds(below(bound));
    }

private:
    std::mt19937 random_;
};

/// Runs `count` tasks of `model.work()`, cancels and uncancels some by its dice, and ends when all
/// of them have ended.
template <class Model>
asyncio::Coro<> work_under_cancels(Model& model, int count) {
    std::vector<asyncio::Task<>> tasks;
    for (int i = 0; i < count; ++i) tasks.push_back(asyncio::create_task(model.work()));
    for (int i = 0; i < 60; ++i) {
        const auto victim = static_cast<std::size_t>(model.dice.below(count));
        if (model.dice.below(2) == 0) tasks[victim].cancel();
        if (model.dice.below(4) == 0) tasks[victim].uncancel();
        co_await asyncio::sleep(model.dice.milliseconds_below(2));
    }
    for (const asyncio::Task<>& task : tasks) static_cast<void>(co_await asyncio::outcome(task));
}

} // namespace support
