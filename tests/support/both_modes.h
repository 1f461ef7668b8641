// SPDX-License-Identifier: MIT
// Cases that have to hold however tasks start: in the next turn, and eagerly.
#pragma once

#include "asyncio/testing/testing.h"

namespace support {

inline void run_in_both_modes(asyncio::Coro<> (*body)()) {
    using asyncio::testing::CaseClock;
    asyncio::testing::run_case(body, CaseClock::virtual_time);
    const int failed_before = asyncio::testing::failures();
    asyncio::testing::CaseLoop eager(CaseClock::virtual_time);
    eager.loop().set_task_factory(asyncio::eager_task_factory);
    eager.run(body());
    eager.check_idle();
    eager.close();
    if (asyncio::testing::failures() != failed_before) {
        asyncio::testing::fail("case", 0, "... with eager tasks");
    }
}

} // namespace support

// NOLINTBEGIN(cppcoreguidelines-macro-usage): as CO_TEST.
/// A coroutine case that runs twice: with lazy tasks and with eager ones.
#define CO_TEST_BOTH_MODES(name)                                                             \
    static ::asyncio::Coro<> ASYNCIO_TESTING_NAME(asyncio_body_)();                          \
    static void ASYNCIO_TESTING_NAME(asyncio_case_)() {                                      \
        ::support::run_in_both_modes(&ASYNCIO_TESTING_NAME(asyncio_body_));                  \
    }                                                                                        \
    static const ::asyncio::testing::Registration ASYNCIO_TESTING_NAME(asyncio_registered_)( \
        __FILE__, name, &ASYNCIO_TESTING_NAME(asyncio_case_));                               \
    static ::asyncio::Coro<> ASYNCIO_TESTING_NAME(asyncio_body_)()
// NOLINTEND(cppcoreguidelines-macro-usage)
