// SPDX-License-Identifier: MIT
// Which loop is whose: by index, running on this thread, set for it; and the handles of calls.
#include "asyncio/events.h"

#include "asyncio/base_events.h"

namespace asyncio {

using detail::here;

namespace {

thread_local EventLoop* current_loop = nullptr;

std::mutex loop_table_lock;
std::uint32_t last_loop_index = 0; // 0 is nobody's

} // namespace

// ---- all loops, by index ------------------------------------------------------------------------

namespace detail {

std::uint16_t take_loop_index(LoopCore* loop) {
    const std::scoped_lock hold(loop_table_lock);
    watch_forks(loop_table_lock);
    for (std::size_t tries = 1; tries < loops_max; ++tries) {
        last_loop_index = static_cast<std::uint32_t>(last_loop_index % (loops_max - 1) + 1);
        if (loop_table[last_loop_index] == nullptr) {
            loop_table[last_loop_index] = loop;
            return static_cast<std::uint16_t>(last_loop_index);
        }
    }
    throw RuntimeError("too many event loops");
}

std::vector<KnownLoop> all_loops() {
    std::vector<KnownLoop> loops;
    const std::scoped_lock hold(loop_table_lock);
    for (std::size_t index = 1; index < loops_max; ++index) {
        LoopCore* const loop = loop_table[index];
        if (loop == nullptr) continue;
        loops.push_back({static_cast<std::uint16_t>(index), EventLoop::of(*loop).parts().link});
    }
    return loops;
}

void forget_loop(EventLoop& loop) noexcept {
    if (current_loop == &loop) current_loop = nullptr;
    const std::scoped_lock hold(loop_table_lock);
    loop_table[loop.core().index] = nullptr;
}

} // namespace detail

// ---- the thread's loops -------------------------------------------------------------------------

namespace detail {

void throw_no_running_loop() { throw RuntimeError("no running event loop"); }

LoopCore& running_or_current_loop() {
    if (running_loop_or_null() != nullptr) return *here.loop;
    if (current_loop != nullptr) return current_loop->core();
    throw RuntimeError("There is no current event loop in this thread.");
}

LoopCore& core_of(EventLoop* loop) {
    return loop != nullptr ? loop->core() : running_or_current_loop();
}

std::uint16_t loop_for_new_future() { return running_or_current_loop().index; }
std::uint16_t index_of(EventLoop& loop) noexcept { return loop.core().index; }

} // namespace detail

EventLoop& get_running_loop() {
    EventLoop* loop = running_loop_or_null();
    if (loop == nullptr) detail::throw_no_running_loop();
    return *loop;
}

EventLoop* running_loop_or_null() noexcept {
    // A loop that is closed while it runs is the parent's, in a forked child.
    return here.loop != nullptr && !here.loop->closed ? &EventLoop::of(*here.loop) : nullptr;
}

EventLoop& get_event_loop() { return EventLoop::of(detail::running_or_current_loop()); }

void set_event_loop(EventLoop* loop) noexcept { current_loop = loop; }

std::unique_ptr<EventLoop> new_event_loop(LoopOptions options) {
    return std::make_unique<EventLoop>(std::move(options));
}

// ---- handles ------------------------------------------------------------------------------------

void Handle::cancel() noexcept {
    if (cancelled()) return;
    node_->set(detail::CallbackNode::cancelled);
    if (!node_->has(detail::CallbackNode::ran)) detail::drop_callable(node_);
}

void TimerHandle::cancel() noexcept {
    if (cancelled()) return;
    auto* timer = static_cast<detail::TimerCallback*>(node_);
    if (timer->armed()) {
        detail::loop_table[timer->CallbackNode::loop]->timers.remove(timer);
        detail::release(node_); // the heap's count
    }
    Handle::cancel();
}

TimePoint TimerHandle::when() const noexcept {
    return TimePoint(
        std::chrono::nanoseconds(static_cast<const detail::TimerCallback*>(node_)->when));
}

} // namespace asyncio
