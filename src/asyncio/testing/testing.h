// SPDX-License-Identifier: MIT
// Tests of asynchronous code: cases on a virtual clock, with a look afterwards for what is left.
#pragma once

#include "asyncio/runners.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/checks.h"
#include "asyncio/testing/virtual_clock.h"

#include <string>
#include <vector>

namespace asyncio::testing {

/// One line of the library's log during a case.
struct LogRecord {
    LogLevel level;
    std::string text;
};

/// What was logged since the last call. A case fails if warnings or errors are left at its end.
std::vector<LogRecord> take_logs();

/// Turns of the running loop since it was made.
class Turns {
public:
    Turns() : start_(get_running_loop().turn_count()) {}
    int count() const { return static_cast<int>(get_running_loop().turn_count() - start_); }

private:
    std::uint64_t start_;
};

/// The running case's loop.
inline EventLoop& loop() { return get_running_loop(); }
/// The seed the runner was given; 0: natural order.
std::uint64_t seed() noexcept;
/// Do the long tiers run (ASYNCIO_TEST_FULL=1)?
bool full() noexcept;

/// The clock of a case's loop. On the real one it takes as long as it says: for threads alone.
enum class CaseClock { virtual_time, real_time };

/// What a case may have used and must give back: descriptors, coroutine frames and states.
struct Baseline {
    static Baseline now();
    std::size_t descriptors = 0;
    std::size_t blocks = 0;
};

/// The loop of a case. It is the thread's current one while this lives.
class CaseLoop {
public:
    explicit CaseLoop(CaseClock clock);
    CaseLoop(const CaseLoop&) = delete;
    CaseLoop& operator=(const CaseLoop&) = delete;
    ~CaseLoop() { close(); }

    /// Not after close().
    EventLoop& loop() noexcept { return *loop_; }
    /// Runs it until `body` has ended, which has to be without an exception.
    void run(Coro<> body);
    /// No task may be left running, and no timer armed. Then generators and threads are shut down.
    void check_idle();
    /// Destroys the loop. Descriptors, frames and states have to be as before it was made. Harmless
    /// twice.
    void close();

private:
    Baseline before_;
    std::optional<EventLoop> loop_;
};

/// How many descriptors the pollers of this process watch.
std::size_t watched_descriptors_count();

/// Runs `body` on a loop of its own and checks that nothing is left: task, timer, descriptor,
/// frame, line in the log.
void run_case(Coro<> (*body)(), CaseClock clock);

using CaseFunction = void (*)();

/// What TEST and its kin leave behind, for run_all().
struct Registration {
    Registration(const char* file, const char* name, CaseFunction run);
};

/// Runs the registered cases as the command line says. Returns main's status.
int run_all(int argc, char** argv);

} // namespace asyncio::testing

// NOLINTBEGIN(cppcoreguidelines-macro-usage): a case needs its name, its place and a function.
#define ASYNCIO_TESTING_PASTE(a, b) a##b
#define ASYNCIO_TESTING_JOIN(a, b) ASYNCIO_TESTING_PASTE(a, b)
#define ASYNCIO_TESTING_NAME(prefix) ASYNCIO_TESTING_JOIN(prefix, __LINE__)

#ifndef ASYNCIO_TESTING_NO_SHORT_MACROS

/// A plain case.
#define TEST(name)                                                                           \
    static void ASYNCIO_TESTING_NAME(asyncio_case_)();                                       \
    static const ::asyncio::testing::Registration ASYNCIO_TESTING_NAME(asyncio_registered_)( \
        __FILE__, name, &ASYNCIO_TESTING_NAME(asyncio_case_));                               \
    static void ASYNCIO_TESTING_NAME(asyncio_case_)()

#define ASYNCIO_TESTING_COROUTINE(name, clock)                                               \
    static ::asyncio::Coro<> ASYNCIO_TESTING_NAME(asyncio_body_)();                          \
    static void ASYNCIO_TESTING_NAME(asyncio_case_)() {                                      \
        ::asyncio::testing::run_case(&ASYNCIO_TESTING_NAME(asyncio_body_), clock);           \
    }                                                                                        \
    static const ::asyncio::testing::Registration ASYNCIO_TESTING_NAME(asyncio_registered_)( \
        __FILE__, name, &ASYNCIO_TESTING_NAME(asyncio_case_));                               \
    static ::asyncio::Coro<> ASYNCIO_TESTING_NAME(asyncio_body_)()

/// A coroutine case on a virtual clock. It must end with co_return or an await in its body.
#define CO_TEST(name) ASYNCIO_TESTING_COROUTINE(name, ::asyncio::testing::CaseClock::virtual_time)

/// A coroutine case on the real clock, for what involves threads. Keep it short.
#define CO_TEST_REAL_TIME(name) \
    ASYNCIO_TESTING_COROUTINE(name, ::asyncio::testing::CaseClock::real_time)

#endif
// NOLINTEND(cppcoreguidelines-macro-usage)
