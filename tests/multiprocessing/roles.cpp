// SPDX-License-Identifier: MIT
// The roles, by the name in the environment variable ROLE.
#include "multiprocessing/roles.h"

#include "asyncio/asyncio.h"
#include "multiprocessing/process_pool.h"
#include "support/held_workers.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace roles {

namespace {

bool role_is(const char* name) {
    const char* role = std::getenv("ROLE");
    return role != nullptr && std::strcmp(role, name) == 0;
}

void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

int own_pid() { return ::getpid(); }
void leave_in_buffer(const std::string& text) { std::printf("%s\n", text.c_str()); }
std::string open_descriptors(int first) {
    std::string open;
    for (int fd = first; fd < 200; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) open += ::fcntl(fd, F_GETFD) == FD_CLOEXEC ? "c" : "o";
    }
    return open;
}
const multiprocessing::Registration functions[] = {
    {"roles.own_pid", own_pid},
    {"roles.leave_in_buffer", leave_in_buffer},
    {"roles.open_descriptors", open_descriptors},
};

/// Says how the call of a pool fails.
template <class F>
int say_error(F&& call) {
    try {
        call();
        say("no error");
    } catch (const multiprocessing::BrokenProcessPool& e) {
        say(std::string("BrokenProcessPool: ") + e.what());
    } catch (const asyncio::RuntimeError& e) {
        say(std::string("RuntimeError: ") + e.what());
    }
    return 0;
}

/// A busy worker and an idle one; says their pids, and waits to be ended.
int parent_of_two() {
    multiprocessing::ProcessPoolExecutor pool(2);
    const support::HeldWorker held(pool);
    say(std::to_string(held.pid()));
    say(std::to_string(pool.submit(own_pid).get()));
    for (;;) ::pause();
}

asyncio::Coro<> await_a_worker() {
    multiprocessing::ProcessPoolExecutor pool(1);
    const support::HeldWorker held(pool);
    say(std::to_string(held.pid()));
    co_await asyncio::wrap_future(held.future());
}

/// A program in a process group of its own that awaits a worker until Ctrl-C.
int interrupted() {
    ::setpgid(0, 0);
    say(std::to_string(::getpid()));
    try {
        asyncio::run(await_a_worker());
    } catch (const asyncio::KeyboardInterrupt&) {
        say("KeyboardInterrupt");
    } catch (const multiprocessing::BrokenProcessPool& lost) {
        say("BrokenProcessPool " + std::to_string(lost.exitcode().value_or(0)));
    }
    return 0;
}

int worker_output() {
    multiprocessing::ProcessPoolExecutor pool(1);
    pool.submit(leave_in_buffer, "from a worker").get();
    pool.shutdown();
    return 0;
}

int worker_descriptors() {
    const int leaked = ::dup(STDOUT_FILENO); // open, and not closed on exec
    multiprocessing::ProcessPoolExecutor pool(1);
    say("'" + pool.submit(open_descriptors, 3).get() + "'");
    ::close(leaked);
    return 0;
}

} // namespace

std::optional<int> before_freeze_support(int argc) {
    const bool is_worker = argc > 1;
    if (role_is("no freeze_support")) {
        return say_error([] { const multiprocessing::ProcessPoolExecutor pool(1); });
    }
    if (role_is("freeze_support too late") && is_worker) return 5;
    return std::nullopt;
}

std::optional<int> after_freeze_support() {
    if (role_is("freeze_support too late")) {
        return say_error([] {
            multiprocessing::ProcessPoolExecutor pool(1);
            pool.submit(own_pid).get();
        });
    }
    if (role_is("parent of two")) return parent_of_two();
    if (role_is("interrupted")) return interrupted();
    if (role_is("worker output")) return worker_output();
    if (role_is("worker descriptors")) return worker_descriptors();
    return std::nullopt;
}

} // namespace roles
