// SPDX-License-Identifier: MIT
// The runner: what a case may not leave behind, its clock and log, the command line.
#include "asyncio/testing/testing.h"

#include "support/child_process.h"
#include "support/pipes.h"

#include <cstdio>
#include <fcntl.h>
#include <string>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::failed_checks;
using testing::CaseClock;

namespace {

int failed_in_case(Coro<> (*body)()) {
    return failed_checks([body] { testing::run_case(body, CaseClock::virtual_time); });
}

bool asked_to_fail = false; // by the tests of run_all
bool asked_to_skip = false;

// What run_all() prints in a child of its own; "" if it crashed.
std::string run_all_with(std::vector<std::string> words, int& status) {
    const support::Pipe output;
    const support::ChildEnd end = support::in_child([&] {
        ::dup2(output.out(), STDOUT_FILENO);
        ::dup2(output.out(), STDERR_FILENO);
        words.insert(words.begin(), "program");
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        const int code = testing::run_all(static_cast<int>(arguments.size()), arguments.data());
        std::fflush(stdout);
        ::_exit(code);
    });
    status = WIFEXITED(end.status) ? WEXITSTATUS(end.status) : -1;
    std::string text;
    for (char byte = output.get(); byte != '\0'; byte = output.get()) text += byte;
    return text;
}

std::string run_all_of(const std::string& filter, bool listed, int& status) {
    std::vector<std::string> words{"--filter", filter};
    if (listed) words.push_back("--list");
    return run_all_with(words, status);
}

} // namespace

// ---- what is left -------------------------------------------------------------------------------

TEST("run_case: a case that leaves nothing passes") {
    CHECK_EQ(failed_in_case([]() -> Coro<> {
                 const auto task = create_task(sleep(1h));
                 co_await sleep(1s);
                 task.cancel();
                 static_cast<void>(co_await outcome(task));
             }),
             0);
}

TEST("run_case: a task that is left running is a failure") {
    CHECK(failed_in_case([]() -> Coro<> {
              create_task(sleep(1h));
              co_await sleep(1s);
          }) > 0);
}

TEST("run_case: a timer that is left armed is a failure") {
    CHECK_EQ(failed_in_case([]() -> Coro<> {
                 testing::loop().call_later(1h, [] {});
                 co_return;
             }),
             1);
}

TEST("run_case: a descriptor that is left open is a failure") {
    CHECK_EQ(failed_in_case([]() -> Coro<> {
                 static_cast<void>(::open("/dev/null", O_RDONLY | O_CLOEXEC));
                 co_return;
             }),
             1);
}

TEST("run_case: frames and states that outlive the case are a failure") {
    static std::vector<Future<>> kept;
    CHECK_EQ(failed_in_case([]() -> Coro<> {
                 kept.emplace_back();
                 co_return;
             }),
             1);
}

TEST("run_case: a body that throws, or is cancelled, is a failure") {
    CHECK_EQ(failed_in_case([]() -> Coro<> {
                 throw ValueError("from the body");
                 co_return;
             }),
             1);
    CHECK_EQ(failed_in_case([]() -> Coro<> {
                 current_task().cancel();
                 co_await sleep(1s);
             }),
             1);
}

// ---- what a case has ----------------------------------------------------------------------------

CO_TEST("a case's loop begins at time 0 and turn 1, and an hour takes no time") {
    CHECK_EQ(testing::loop().time().time_since_epoch(), 0ns);
    const testing::Turns turns;
    CHECK_EQ(turns.count(), 0);
    co_await yield_now();
    CHECK_EQ(turns.count(), 1);
    co_await sleep(1h);
    CHECK_EQ(testing::loop().time().time_since_epoch(), 1h);
}

CO_TEST_REAL_TIME("a case on the real clock has a loop whose time does not jump") {
    const TimePoint before = testing::loop().time();
    co_await sleep(1ms);
    const Duration took = testing::loop().time() - before;
    CHECK(took >= Duration(1ms));
    CHECK_EQ(std::string(testing::loop().backend_name()), "epoll");
}

CO_TEST("take_logs: gives each line once, with its level") {
    EventLoop& loop = testing::loop();
    ExceptionContext context;
    context.message = "something happened";
    loop.default_exception_handler(context);
    const auto records = testing::take_logs();
    REQUIRE(records.size() == 1);
    CHECK(records[0].level == LogLevel::error);
    CHECK(records[0].text.find("something happened") != std::string::npos);
    CHECK(testing::take_logs().empty());
    co_return;
}

// ---- the command line ---------------------------------------------------------------------------

TEST("run_all: this very case fails when it is asked to") { CHECK(!asked_to_fail); }
CO_TEST("run_all: this very case is skipped when it is asked to") {
    CHECK(!asked_to_fail);
    if (asked_to_skip) testing::skip("it was asked to");
    co_return;
}

TEST("run_all: runs what the filter leaves, counts it, and exits with 0 if all passed") {
    int status = -1;
    const std::string text = run_all_of("this very case fails when", false, status);
    CHECK_EQ(status, 0);
    CHECK(text.ends_with("1 passed, 0 failed\n"));
}

TEST("run_all: a failure is named, counted, and seen in the exit status") {
    int status = -1;
    asked_to_fail = true;
    const std::string text = run_all_of("this very case fails when", false, status);
    asked_to_fail = false;
    CHECK_EQ(status, 1);
    CHECK(text.starts_with("FAILED  run_all: this very case fails when it is asked to\n"));
    CHECK(text.ends_with("0 passed, 1 failed\n"));
    CHECK(text.find("testing_test.cpp:") != std::string::npos);
}

TEST("run_all: a case that is skipped is named with the reason, and is no failure") {
    int status = -1;
    asked_to_skip = true;
    const std::string text = run_all_of("this very case is skipped when", false, status);
    asked_to_fail = true;
    const std::string failed = run_all_of("this very case is skipped when", false, status);
    asked_to_skip = asked_to_fail = false;
    CHECK(text.starts_with("skipped run_all: this very case is skipped when it is asked to\n"
                           "        it was asked to\n"));
    CHECK(text.ends_with("0 passed, 0 failed, 1 skipped\n"));
    CHECK(failed.ends_with("0 passed, 1 failed\n"));
}

TEST("run_all: --list names the cases and runs none") {
    int status = -1;
    asked_to_fail = true;
    const std::string text = run_all_of("this very case fails when", true, status);
    asked_to_fail = false;
    CHECK_EQ(status, 0);
    CHECK_EQ(text, "run_all: this very case fails when it is asked to\n");
}

TEST("run_all: a filter that leaves nothing passes nothing") {
    int status = -1;
    const std::string text = run_all_of("no case is called so", false, status);
    CHECK(text.ends_with("0 passed, 0 failed\n"));
    CHECK_EQ(status, 0);
}

TEST("run_all: the parts are all of the cases, each case in one of them") {
    int status = -1;
    std::size_t bytes = 0;
    const std::string all = run_all_with({"--list", "--filter", "run_all: "}, status);
    for (const char* part : {"1/3", "2/3", "3/3"}) {
        const std::string text =
            run_all_with({"--list", "--filter", "run_all: ", "--part", part}, status);
        CHECK_EQ(status, 0);
        CHECK(!text.empty());
        bytes += text.size();
        for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
            CHECK(all.find(text.substr(at, text.find('\n', at) + 1 - at)) != std::string::npos);
        }
    }
    CHECK_EQ(bytes, all.size());
}

TEST("run_all: a part that there is not is a mistake") {
    for (const char* part : {"0/2", "3/2", "1", "1/0", "1/2x", ""}) {
        int status = -1;
        CHECK(run_all_with({"--list", "--part", part}, status).starts_with("usage: program "));
        CHECK_EQ(status, 2);
    }
}
