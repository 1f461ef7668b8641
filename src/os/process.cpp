// SPDX-License-Identifier: MIT
// Error output, parents, forks, environment, names of threads.
#include "os/process.h"

#include <cerrno>
#include <csignal>
#include <new>
#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace asyncio::os {

void write_to_stderr(std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t wrote = ::write(STDERR_FILENO, text.data(), text.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return; // nobody is left to tell
        text.remove_prefix(static_cast<std::size_t>(wrote));
    }
}

int process_id() noexcept { return ::getpid(); }

std::string program_name() { return ::program_invocation_name; }

// In this order: a parent that ends between the two is seen by one of them.
bool end_with_parent(int parent) noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    return ::getppid() == parent;
}

void at_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) {
    if (::pthread_atfork(before, in_parent, in_child) != 0) throw std::bad_alloc();
}

long process_number() noexcept { return ::getpid(); }
long thread_number() noexcept { return ::gettid(); }
unsigned effective_user() noexcept { return ::geteuid(); }

bool process_exists(long number) noexcept {
    return ::kill(static_cast<pid_t>(number), 0) == 0 || errno == EPERM;
}

std::vector<std::pair<std::string, std::string>> environment() {
    std::vector<std::pair<std::string, std::string>> variables;
    for (char** line = ::environ; line != nullptr && *line != nullptr; ++line) {
        const std::string_view text = *line;
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

void name_this_thread(std::string name) noexcept {
    if (name.size() > thread_name_bytes_max) name.erase(thread_name_bytes_max);
    ::pthread_setname_np(::pthread_self(), name.c_str());
}

} // namespace asyncio::os
