// SPDX-License-Identifier: MIT
// Where workers begin, and whole programs that have some: without the call, ended, interrupted.
#include "multiprocessing/freeze_support.h"

#include "asyncio/testing/testing.h"
#include "support/held_workers.h"
#include "support/programs.h"

#include <filesystem>

using namespace std::chrono_literals;
using support::is_alive;

namespace {

/// This program, in a role.
support::Program playing(const std::string& role) {
    const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
    return support::Program({"env", "ROLE=" + role, self});
}

/// A process that its parent has not reaped, or init has not yet, is dead as well.
bool is_dead(int pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(status, text);
    return !is_alive(pid) || text.find(") Z ") != std::string::npos;
}

/// Waits until a process has ended; the runner ends a test that waits for ever.
void wait_for_end(int pid) {
    while (!is_dead(pid)) support::take_time(1ms);
}

} // namespace

TEST("MP01: a pool in a program without freeze_support is an error that names it") {
    const support::Program program = playing("no freeze_support");
    const std::string line = program.line();
    CHECK(line.starts_with("RuntimeError: a pool of processes needs "
                           "multiprocessing::freeze_support() at the beginning of main()"));
    CHECK_EQ(program.line(), ""); // and nothing else has happened
}

TEST("MP01: a worker that never comes to freeze_support breaks the pool, which names it") {
    const support::Program program = playing("freeze_support too late");
    CHECK_EQ(program.line(),
             "BrokenProcessPool: A worker process has ended before it was ready (exit code 5): the "
             "process pool is not usable anymore. Does main() begin with "
             "multiprocessing::freeze_support()?");
    CHECK_EQ(program.line(), "");
}

TEST("MP01: workers end with their parent, those that work and those that do not") {
    support::Program program = playing("parent of two");
    const int busy = std::stoi(program.line());
    const int idle = std::stoi(program.line());
    CHECK(is_alive(busy) && is_alive(idle));
    program.end(); // SIGKILL
    wait_for_end(busy);
    wait_for_end(idle);
    CHECK(is_dead(busy) && is_dead(idle));
}

TEST("MP01: Ctrl-C reaches the worker, and the program that awaits it ends") {
    const support::Program program = playing("interrupted");
    const int parent = std::stoi(program.line());
    const int worker = std::stoi(program.line());
    ::kill(-parent, SIGINT);
    const std::string line = program.line();
    // Both are hit at once: whichever is seen first.
    CHECK(line == "KeyboardInterrupt" || line == "BrokenProcessPool -2");
    wait_for_end(worker);
    CHECK(is_dead(worker));
}

TEST("MP01: what functions leave in the worker's buffers is written at its end") {
    const support::Program program = playing("worker output");
    CHECK_EQ(program.line(), "from a worker");
}

TEST("MP01: a worker has no descriptor of its parent but its connection, which goes no further") {
    const support::Program program = playing("worker descriptors");
    CHECK_EQ(program.line(), "'c'");
}
