// SPDX-License-Identifier: MIT
// One hook for all of them: locks are taken together or not at all, and given back on both sides.
#include "logging/forks.h"

#include "os/process.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

namespace logging::detail {

namespace {

struct Guarded {
    std::mutex lock;
    std::vector<ForkGuarded*> handlers;
    std::vector<ForkGuarded*> queues;

    std::vector<ForkGuarded*>& of(bool queue) { return queue ? queues : handlers; }
    template <class F>
    void each(F&& call) {
        for (ForkGuarded* one : handlers) call(*one);
        for (ForkGuarded* one : queues) call(*one);
    }

    // All locks, or none. Who holds one may wait for `lock`, to register a new one or to take out
    // an old one: so nothing here waits with `lock` held.
    bool try_hold() {
        lock.lock();
        std::size_t held = 0;
        bool all = true;
        each([&](ForkGuarded& one) {
            all = all && one.try_before_fork();
            if (all) ++held;
        });
        if (all) return true;
        each([&](ForkGuarded& one) {
            if (held == 0) return;
            one.after_fork_in_parent();
            --held;
        });
        lock.unlock();
        return false;
    }
};

Guarded& guarded() {
    static auto* const all = [] {
        asyncio::os::at_fork(
            [] {
                while (!guarded().try_hold()) std::this_thread::yield();
            },
            [] {
                guarded().each([](ForkGuarded& one) { one.after_fork_in_parent(); });
                guarded().lock.unlock();
            },
            [] {
                guarded().each([](ForkGuarded& one) { one.after_fork_in_child(); });
                guarded().lock.unlock();
            });
        return new Guarded; // never destroyed: the process may fork until its end
    }();
    return *all;
}

// Made before main: a fork while another thread is in the first use would leave the child a
// guard that nobody opens.
[[maybe_unused]] const Guarded& guarded_from_the_start = guarded();

} // namespace

void ForkGuarded::enlist() {
    Guarded& all = guarded();
    const std::scoped_lock hold(all.lock);
    all.of(order_ == Order::queue).push_back(this);
}

void ForkGuarded::leave() noexcept {
    Guarded& all = guarded();
    const std::scoped_lock hold(all.lock);
    std::erase(all.of(order_ == Order::queue), this);
}

} // namespace logging::detail
