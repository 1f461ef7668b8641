// SPDX-License-Identifier: MIT
// Locks and forks.
#include "logging/forks.h"

#include "asyncio/testing/testing.h"
#include "support/child_process.h"

#include <atomic>
#include <thread>

using logging::detail::ForkSafeMutex;

TEST("LG03: a lock that another thread holds is free in the child, and whole in the parent") {
    ForkSafeMutex mutex;
    std::atomic<bool> done{false};
    int guarded = 0;
    std::thread busy([&] {
        while (!done) {
            const std::scoped_lock hold(mutex);
            ++guarded;
            --guarded;
        }
    });
    for (int i = 0; i < 30; ++i) {
        const auto ended = support::in_child([&] {
            const std::scoped_lock hold(mutex);
            CHECK_EQ(guarded, 0); // nobody was in the middle of it
        });
        CHECK(ended.exited(0));
    }
    done = true;
    busy.join();
}

TEST("LG03: a lock that goes is forgotten: a later fork does not touch it") {
    {
        const ForkSafeMutex gone;
    }
    CHECK(support::in_child([] {}).exited(0));
}
