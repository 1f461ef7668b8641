// SPDX-License-Identifier: MIT
// What a test does to the process's signals, undone at its end.
#pragma once

#include "asyncio/testing/checks.h"

#include <csignal>

namespace support {

/// Sets the action of one signal, and restores what was there before.
class SignalGuard {
public:
    explicit SignalGuard(int number, void (*handler)(int) = SIG_DFL) : number_(number) {
        struct sigaction action{};
        action.sa_handler = handler;
        ::sigaction(number, &action, &before_);
    }
    SignalGuard(const SignalGuard&) = delete;
    SignalGuard& operator=(const SignalGuard&) = delete;
    ~SignalGuard() { ::sigaction(number_, &before_, nullptr); }

private:
    int number_;
    struct sigaction before_{};
};

/// The handler that is set for `number` now.
inline auto handler_of(int number) {
    struct sigaction now{};
    ::sigaction(number, nullptr, &now);
    return now.sa_handler;
}

} // namespace support
