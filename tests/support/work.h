// SPDX-License-Identifier: MIT
// Coroutines to be combined: they give a value, fail, or say that they have ended, after some time.
#pragma once

#include "asyncio/testing/testing.h"

#include <vector>

namespace support {

inline asyncio::Coro<int> give(int value, asyncio::Duration after) {
    co_await asyncio::sleep(after);
    co_return value;
}

template <class T = void>
asyncio::Coro<T> fail(const char* text, asyncio::Duration after) {
    co_await asyncio::sleep(after);
    throw asyncio::ValueError(text);
}

inline asyncio::Coro<> note_end(bool& ended, asyncio::Duration after) {
    co_await asyncio::sleep(after);
    ended = true;
}

/// Tasks that give 1, 2 and 3, each after its time.
inline std::vector<asyncio::Task<int>> three(asyncio::Duration a, asyncio::Duration b,
                                             asyncio::Duration c) {
    std::vector<asyncio::Task<int>> tasks;
    tasks.push_back(asyncio::create_task(give(1, a)));
    tasks.push_back(asyncio::create_task(give(2, b)));
    tasks.push_back(asyncio::create_task(give(3, c)));
    return tasks;
}

} // namespace support
