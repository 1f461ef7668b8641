// SPDX-License-Identifier: MIT
// fork() without exec: the child has copies of its parent's loops, which must not be used there.
#include "asyncio/base_events.h"

#include "os/process.h"

namespace asyncio {

// In a forked child, where this loop must not be used. What runs on it goes on to its next await.
void EventLoop::orphan() noexcept {
    static detail::Hop stop_running([](detail::Hop*) {
        throw RuntimeError("an event loop cannot run on in a forked child of its process");
    });
    closed = true;
    update_tests();
    set_turn(polls, false);
    parts_->orphaned = true;
    inbox_.store(detail::closed_inbox, std::memory_order_relaxed);
    if (detail::here.loop != this) return;
    ::new (&ready) detail::ReadyQueue; // the parent runs what was in it
    ready.push(&stop_running, detail::ReadyKind::hop);
}

namespace {

std::mutex* table_lock = nullptr;

void before_fork() noexcept { table_lock->lock(); }
void after_fork_in_parent() noexcept { table_lock->unlock(); }

// The poller is shared with the parent: what the child would take out of it or read from it would
// be missing there. So all loops are closed here, and the one that runs on this thread stops.
void after_fork_in_child() noexcept {
    for (detail::LoopCore* loop : detail::loop_table) {
        if (loop != nullptr) EventLoop::of(*loop).orphan();
    }
    set_event_loop(nullptr);
    table_lock->unlock();
}

} // namespace

namespace detail {

void watch_forks(std::mutex& loop_table_lock) {
    if (table_lock != nullptr) return;
    os::at_fork(&before_fork, &after_fork_in_parent, &after_fork_in_child);
    table_lock = &loop_table_lock;
}

} // namespace detail

} // namespace asyncio
