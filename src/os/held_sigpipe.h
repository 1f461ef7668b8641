// SPDX-License-Identifier: MIT
// Writing where nobody reads, without the signal that ends a program.
#pragma once

#include <cerrno>
#include <csignal>
#include <ctime>

namespace asyncio::os {

/// While it lives, a SIGPIPE that this thread brings about is held back, and forgotten at its end:
/// only send() has a flag for that, and how the program treats the signal is not ours to change.
class HeldSigpipe {
public:
    HeldSigpipe() noexcept {
        ::sigemptyset(&sigpipe_);
        ::sigaddset(&sigpipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
    }
    HeldSigpipe(const HeldSigpipe&) = delete;
    HeldSigpipe& operator=(const HeldSigpipe&) = delete;
    ~HeldSigpipe() {
        if (::sigismember(&before_, SIGPIPE) == 1) return; // the caller's business
        if (came_) forget();
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    void came() noexcept { came_ = true; }

private:
    void forget() const noexcept {
        constexpr timespec at_once{};
        while (::sigtimedwait(&sigpipe_, nullptr, &at_once) < 0 && errno == EINTR) {
        }
    }

    sigset_t sigpipe_{};
    sigset_t before_{};
    bool came_ = false;
};

} // namespace asyncio::os
