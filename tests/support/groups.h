// SPDX-License-Identifier: MIT
// What the tests of task groups share: children that fail, and what a group ended with.
#pragma once

#include "asyncio/taskgroups.h"
#include "asyncio/testing/testing.h"
#include "support/moments.h"

#include <string>
#include <vector>

namespace support {

inline asyncio::Coro<> wait_long() { co_await asyncio::sleep(std::chrono::hours(10)); }

inline asyncio::Coro<> fail_after(asyncio::Duration delay, std::string message) {
    co_await asyncio::sleep(delay);
    throw asyncio::ValueError(message);
}

/// The ExceptionGroup that `work` ends with; it is an error if it ends otherwise.
template <class A>
asyncio::Coro<std::exception_ptr> group_error(A work) {
    const auto end = co_await asyncio::outcome(std::move(work));
    const std::exception_ptr error = end.exception();
    if (!asyncio::is_exception<asyncio::ExceptionGroup>(error)) {
        asyncio::testing::fail("groups.h", __LINE__,
                               "it ended with " + asyncio::repr(error) + ", not an ExceptionGroup");
    }
    co_return error;
}

/// Its members, as Python writes them.
inline Names members(const std::exception_ptr& error) {
    Names names;
    const auto collect = [&names](const asyncio::BaseExceptionGroup& group) {
        for (const std::exception_ptr& member : group.exceptions()) {
            names.push_back(asyncio::repr(member));
        }
    };
    if (!asyncio::detail::visit_exception<asyncio::ExceptionGroup>(error, collect)) {
        asyncio::detail::visit_exception<asyncio::MixedExceptionGroup>(error, collect);
    }
    return names;
}

} // namespace support
