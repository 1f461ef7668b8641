// SPDX-License-Identifier: MIT
// What cases ask of the moment they are in, and how they let turns pass.
#pragma once

#include "asyncio/testing/testing.h"

#include <string>
#include <string_view>
#include <vector>

namespace support {

/// Who came, in which order.
using Names = std::vector<std::string>;

/// The turn that the loop is in.
inline std::uint64_t turn() { return asyncio::testing::loop().turn_count(); }
inline asyncio::TimePoint now() { return asyncio::testing::loop().time(); }
/// How often the running task was asked to end.
inline int cancelling() { return asyncio::current_task().cancelling(); }

inline asyncio::Coro<> turns_pass(int count) {
    for (int i = 0; i < count; ++i) co_await asyncio::yield_now();
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

} // namespace support
