// SPDX-License-Identifier: MIT
// The virtual clock on top of epoll.
#include "asyncio/testing/virtual_clock.h"

#include "os/clock.h"

namespace asyncio::testing {

namespace {

class VirtualBackend final : public EpollBackend {
public:
    VirtualBackend(std::int64_t patience_ns, base::Function<void()> on_jump)
        : patience_ns_(patience_ns), on_jump_(std::move(on_jump)) {}

    std::int64_t now_ns() noexcept override { return now_; }

    std::span<const os::ReadyEvent> poll(std::int64_t timeout_ns, bool outside) override {
        if (timeout_ns < 0) return wait_for_others();
        if (timeout_ns > 0 && outside) return EpollBackend::poll(patience_ns_, outside);
        const auto ready = EpollBackend::poll(0, outside);
        if (ready.empty() && !woken() && timeout_ns > 0) jump(timeout_ns);
        return ready;
    }

    const char* name() const noexcept override { return "virtual"; }

private:
    void jump(std::int64_t ns) {
        now_ += ns;
        if (on_jump_) on_jump_();
    }

    std::span<const os::ReadyEvent> wait_for_others() {
        const std::int64_t until = os::monotonic_ns() + patience_ns_;
        for (;;) { // a poll may end early, by a signal
            const auto ready = EpollBackend::poll(patience_ns_, true);
            if (!ready.empty() || woken()) return ready;
            if (os::monotonic_ns() >= until) throw Deadlock();
        }
    }

    std::int64_t patience_ns_; // real time
    std::int64_t now_ = 0;
    base::Function<void()> on_jump_;
};

} // namespace

Deadlock::Deadlock() : Error("deadlock: no task is ready, no timer is armed, nobody can wake it") {}

std::unique_ptr<Backend> make_virtual_backend(Duration patience, base::Function<void()> on_jump) {
    return std::make_unique<VirtualBackend>(patience.ns(), std::move(on_jump));
}

} // namespace asyncio::testing
