// SPDX-License-Identifier: MIT
// The virtual clock on top of epoll.
#include "asyncio/testing/virtual_clock.h"

namespace asyncio::testing {

namespace {

constexpr std::int64_t patience_ns = 5'000'000'000; // real time without a deadline

class VirtualBackend final : public EpollBackend {
public:
    std::int64_t now_ns() noexcept override { return now_; }

    std::span<const os::ReadyEvent> poll(std::int64_t timeout_ns, bool outside) override {
        if (timeout_ns < 0) return wait_for_others();
        if (timeout_ns > 0 && outside) return EpollBackend::poll(patience_ns, outside);
        const auto ready = EpollBackend::poll(0, outside);
        if (ready.empty() && !woken()) now_ += timeout_ns;
        return ready;
    }

    const char* name() const noexcept override { return "virtual"; }

private:
    std::span<const os::ReadyEvent> wait_for_others() {
        const auto ready = EpollBackend::poll(patience_ns, true);
        if (ready.empty() && !woken()) throw Deadlock();
        return ready;
    }

    std::int64_t now_ = 0;
};

} // namespace

Deadlock::Deadlock() : Error("deadlock: no task is ready, no timer is armed, nobody can wake it") {}

std::unique_ptr<Backend> make_virtual_backend() { return std::make_unique<VirtualBackend>(); }

} // namespace asyncio::testing
