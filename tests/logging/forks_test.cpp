// SPDX-License-Identifier: MIT
// Locks and forks.
#include "logging/forks.h"

#include "asyncio/testing/testing.h"
#include "logging/handlers.h"
#include "logging/loggers.h"
#include "support/child_process.h"

#include <atomic>
#include <memory>
#include <string>
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

TEST("LG03: a fork that waits for one lock does not keep the others") {
    ForkSafeMutex first;
    ForkSafeMutex second;
    std::atomic<bool> held{false};
    std::thread holder([&] {
        const std::scoped_lock hold(second);
        held = true;
        for (int i = 0; i < 100; ++i) { // meanwhile the fork asks for both
            const std::scoped_lock also(first);
            std::this_thread::yield();
        }
    });
    while (!held) std::this_thread::yield();
    const auto ended = support::in_child([&] {
        const std::scoped_lock one(second); // both are free
        const std::scoped_lock other(first);
    });
    CHECK(ended.exited(0));
    holder.join();
}

TEST("LG03: a lock that goes is forgotten: a later fork does not touch it") {
    {
        const ForkSafeMutex gone;
    }
    CHECK(support::in_child([] {}).exited(0));
}

TEST("LG03: a fork while another thread makes loggers and drops handlers waits for no lock") {
    const auto ended = support::in_child([] { // nobody else is to see these loggers
        std::atomic<bool> done{false};
        std::thread maker([&] {
            for (int i = 0; !done; ++i) {
                // A lock is taken to find the logger, and another to register what is new in it.
                logging::Logger& logger = logging::get_logger("made." + std::to_string(i % 20));
                const auto handler = std::make_shared<logging::NullHandler>();
                logger.add_handler(handler);
                logger.remove_handler(handler);
            }
        });
        for (int i = 0; i < 50; ++i) {
            const auto child =
                support::in_child([] { logging::get_logger("made.in_child").info("text"); });
            CHECK(child.exited(0));
        }
        done = true;
        maker.join();
    });
    CHECK(ended.exited(0));
}
