// SPDX-License-Identifier: MIT
// The loop: its beginning, its turns, its timers; what other threads post is in inbox.cpp, its end
// in closing.cpp.
#include "asyncio/base_events.h"

#include "asyncio/origins.h"
#include "asyncio/resolver.h"
#include "asyncio/task_steps.h"
#include "asyncio/thread_pool.h"
#include "os/clock.h"

#include <algorithm>
#include <cstdio>

namespace asyncio {

using detail::FutureState;
using detail::here;
using detail::ReadyKind;
using detail::ReadyNode;
using detail::ReadyQueue;

namespace {

constexpr std::int64_t poll_ns_max = std::int64_t{24} * 3600 * 1'000'000'000;

} // namespace

// ---- beginning and end --------------------------------------------------------------------------

detail::LoopParts::LoopParts() = default;
detail::LoopParts::~LoopParts() = default;

EventLoop::EventLoop(LoopOptions options) : parts_(std::make_unique<detail::LoopParts>()) {
    parts_->backend =
        options.backend_ != nullptr ? std::move(options.backend_) : make_epoll_backend();
    backend_ = parts_->backend.get();
    parts_->shuffle_state = options.shuffle_seed_;
    parts_->link = std::make_shared<detail::LoopLink>(this);
    index = detail::take_loop_index(this);
    set_debug(options.debug_.value_or(detail::debug_by_environment()));
}

EventLoop::~EventLoop() {
    parts_->running = false;
    close();
    detail::forget_loop(*this);
    if (!parts_->orphaned) return;
    parts_->backend.reset(); // this process's copies of the descriptors
    static_cast<void>(parts_.release()); // its threads and tasks are the parent's
}

bool EventLoop::is_running() const noexcept { return parts_->running; }

const char* EventLoop::backend_name() const noexcept {
    return backend_ != nullptr ? backend_->name() : "closed";
}

void EventLoop::check_open() const {
    if (closed) throw RuntimeError("Event loop is closed");
}

void EventLoop::check_call_slow(const char* what) const {
    check_open();
    if (debug && is_running() && parts_->thread != std::this_thread::get_id()) {
        throw RuntimeError(std::string("Non-thread-safe operation invoked on an event loop other "
                                       "than the current one: ") +
                           what);
    }
}

void EventLoop::set_debug(bool on) noexcept {
    debug = on;
    set_turn(instrumented, on || parts_->instruments != nullptr);
    update_tests();
    if (here.loop == this) detail::track_origins(on);
}

// ---- running ------------------------------------------------------------------------------------

void EventLoop::enter_running() {
    check_open();
    if (is_running()) throw RuntimeError("This event loop is already running");
    if (running_loop_or_null() != nullptr) {
        throw RuntimeError("Cannot run the event loop while another loop is running");
    }
    parts_->outer = here; // empty, but in a forked child
    parts_->outer_context = std::exchange(detail::context_slot, nullptr);
    parts_->running = true;
    parts_->thread = std::this_thread::get_id();
    here.loop = this;
    here.loop_index = index;
    here.task = nullptr;
    here.inline_child = nullptr;
    here.stack_limit = detail::stack_position() - detail::inline_stack_bytes;
    detail::track_origins(debug);
}

void EventLoop::leave_running() noexcept {
    const detail::ThisThread& outer = parts_->outer;
    here.loop = outer.loop;
    here.loop_index = outer.loop_index;
    here.stack_limit = outer.stack_limit;
    detail::track_origins(outer.track_origins);
    detail::forget_failure();
    here.task = outer.task;
    here.next = outer.next;
    here.inline_child = outer.inline_child;
    detail::context_slot = parts_->outer_context;
    parts_->running = false;
    set_turn(stopping, false);
}

[[gnu::always_inline]] inline void EventLoop::run_callback(detail::CallbackNode* node) {
    node->flags = static_cast<std::uint8_t>(node->flags & ~detail::CallbackNode::queued);
    if (!node->has(detail::CallbackNode::cancelled)) [[likely]] {
        node->set(detail::CallbackNode::ran);
        detail::context_slot = &node->context;
        try {
            node->ops->run(node);
        } catch (...) {
            detail::context_slot = nullptr;
            callback_failed(node);
            return;
        }
        detail::context_slot = nullptr;
    }
    detail::release(node);
}

// Ready nodes may add new ones. Only those that were here when the turn began run in it, or two
// tasks that wake each other would keep the loop from ever looking at its descriptors. Nothing is
// detached, so an exception that leaves the loop loses nothing.
// The queue must not be empty.
[[gnu::always_inline]] inline void EventLoop::run_ready() {
    const ReadyNode* const last = ready.last();
    for (;;) {
        const std::uintptr_t link = ready.pop();
        ReadyNode* const node = ReadyQueue::node_of(link);
        const ReadyKind kind = ReadyQueue::kind_of(link);
        if (kind == ReadyKind::task) {
            detail::step_task(static_cast<FutureState*>(node));
        } else if (kind == ReadyKind::callback) {
            detail::here.task = nullptr; // the node before may have been one
            run_callback(static_cast<detail::CallbackNode*>(node));
        } else {
            detail::leave_task();
            detail::run_own_node(node, kind);
        }
        if (node == last) break;
    }
}

// One turn, in CPython's order: poll, queue what is ready, queue what is due, run what was queued.
[[gnu::noinline]] void EventLoop::run_once() {
    ++turns_;
    if (has_turn(polls) || (ready.empty() && !has_turn(stopping))) {
        poll(poll_timeout());
    } else if (inbox_.load(std::memory_order_acquire) != 0) {
        take_inbox();
    }
    if (!timers.empty()) queue_due_timers();
    if (has_turn(instrumented)) return run_ready_instrumented();
    if (!ready.empty()) run_ready();
}

// The same where there is nothing to look at, nothing to stop for and something to run: what is
// due, and what was queued.
[[gnu::always_inline]] inline void EventLoop::run_plain_turns() {
    while (turn_flags == 0 && inbox_.load(std::memory_order_acquire) == 0 && !ready.empty()) {
        ++turns_;
        if (!timers.empty()) queue_due_timers();
        run_ready();
    }
}

void EventLoop::run_forever() {
    struct Running {
        explicit Running(EventLoop& running) : loop(running) { loop.enter_running(); }
        ~Running() { loop.leave_running(); }
        EventLoop& loop;
    } running(*this);
    do {
        run_once();
        run_plain_turns();
    } while (!has_turn(stopping));
}

void EventLoop::stop() noexcept { set_turn(stopping); }

void EventLoop::run_until_done(FutureState* future, bool own_task) {
    // LIFETIME: the callback knows only the loop; it is removed when this leaves by an exception.
    const AnyFuture handle{detail::StateRef(future)};
    if (own_task) future->set(FutureState::silent);
    const CallbackId id = handle.add_done_callback([this](const AnyFuture& done) {
        done.state()->set(FutureState::retrieved);
        // An interrupt has left the loop already: this may be a later run.
        if (!done.state()->has(FutureState::fatal)) stop();
    });
    try {
        run_forever();
    } catch (...) {
        handle.remove_done_callback(id);
        if (own_task && handle.done()) future->set(FutureState::retrieved);
        throw;
    }
    handle.remove_done_callback(id);
    if (!handle.done()) throw RuntimeError("Event loop stopped before Future completed.");
}

void EventLoop::set_instruments(detail::LoopInstruments* instruments) noexcept {
    parts_->instruments = instruments;
    set_turn(instrumented, debug || instruments != nullptr);
}

std::int64_t EventLoop::poll_timeout() const {
    if (!ready.empty() || has_turn(stopping)) return 0;
    if (timers.empty()) return -1;
    const std::int64_t deadline = timers.next_deadline();
    if (deadline == INT64_MAX) return -1; // endless timers only
    const std::int64_t now = now_ns();
    return deadline <= now ? 0 : std::min(deadline - now, poll_ns_max);
}

// A short sleep may be one between bursts that want the same memory; once a second is often enough.
void EventLoop::trim_before_sleep(std::int64_t timeout_ns) {
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t now = now_ns();
    if (timeout_ns > 0 && timeout_ns < second && now < parts_->trimmed_at + second) return;
    parts_->trimmed_at = now;
    base::trim_pools();
}

void EventLoop::poll(std::int64_t timeout_ns) {
    detail::leave_task(); // the last one that ran
    if (timeout_ns != 0) {
        if (base::pools_are_swollen) [[unlikely]]
            trim_before_sleep(timeout_ns);
        sleeping_.store(true, std::memory_order_seq_cst);
        if (inbox_.load(std::memory_order_seq_cst) != 0) timeout_ns = 0;
    }
    if (here.holds_failure) [[unlikely]]
        detail::forget_failure();
    const bool outside = parts_->outside_jobs.load(std::memory_order_seq_cst) != 0;
    const auto events = backend_->poll(timeout_ns, outside);
    sleeping_.store(false, std::memory_order_relaxed);
    if (inbox_.load(std::memory_order_acquire) != 0) take_inbox();
    if (events.empty()) return;
    if (parts_->shuffle_state == 0) {
        for (const os::ReadyEvent& event : events) handle_event(event);
        return;
    }
    const std::size_t start = parts_->shuffle_state++ % events.size();
    for (std::size_t i = 0; i < events.size(); ++i)
        handle_event(events[(start + i) % events.size()]);
}

void EventLoop::queue_due_timers() {
    const std::int64_t now = backend_->now_ns();
    while (detail::TimedWaiter* timer = timers.pop_due(now)) timer->fired();
    timers.trim();
}

// The same with clocks, reports and instruments; kept apart so that the other stays small.
[[gnu::noinline]] void EventLoop::run_ready_instrumented() {
    if (ready.empty()) return;
    const ReadyNode* const last = ready.last();
    const ReadyNode* node = nullptr;
    do {
        const std::uintptr_t link = ready.pop();
        node = ReadyQueue::node_of(link);
        timed(ReadyQueue::node_of(link), ReadyQueue::kind_of(link));
    } while (node != last);
}

void EventLoop::timed(ReadyNode* node, ReadyKind kind) {
    const bool measure = debug;
    const std::int64_t began = measure ? backend_->now_ns() : 0;
    AnyTask task;
    std::optional<Handle> handle;
    if (kind == ReadyKind::task) {
        task = AnyTask(detail::StateRef(static_cast<FutureState*>(node)));
        if (parts_->instruments != nullptr) parts_->instruments->before_step(task.state());
        detail::run_step(task.state());
        if (parts_->instruments != nullptr) parts_->instruments->after_step(task.state());
    } else if (kind == ReadyKind::callback) {
        auto* callback = static_cast<detail::CallbackNode*>(node);
        detail::add_ref(callback);
        handle = Handle(callback);
        run_callback(callback);
    } else {
        detail::run_own_node(node, kind);
    }
    if (!measure || !debug || (!task && !handle)) return;
    const Duration took = Duration::from_ns(backend_->now_ns() - began);
    if (took < slow_callback_) return;
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.3f", took.seconds().count());
    detail::log(LogLevel::warning, "Executing " + (task ? to_string(task) : to_string(*handle)) +
                                       " took " + seconds + " seconds");
}

void EventLoop::run_posted(detail::CallbackNode* node) { run_callback(node); }

// Called in a handler. An interrupt goes on; anything else is the exception handler's.
void EventLoop::callback_failed(detail::CallbackNode* node) {
    struct Release {
        detail::CallbackNode* node;
        ~Release() { detail::release(node); }
    } release{node};
    const std::exception_ptr error = std::current_exception();
    if (is_exception<KeyboardInterrupt>(error) || is_exception<SystemExit>(error)) throw;
    detail::context_slot = &node->context;
    struct Leave {
        ~Leave() { detail::context_slot = nullptr; }
    } leave;
    try {
        ExceptionContext context;
        context.message = "Exception in callback " + detail::describe(*node);
        context.handle = detail::handle_text(*node);
        context.source_traceback = detail::origin_text(*node);
        context.exception = error;
        call_exception_handler(context);
    } catch (const std::bad_alloc&) {
        detail::log(LogLevel::error, "Exception in callback, and no memory for its report");
    }
}

// ---- timers -------------------------------------------------------------------------------------

namespace detail {

void TimerCallback::fired() noexcept { queue_callback(*loop_table[CallbackNode::loop], this); }

std::int64_t LoopCore::now_ns() const {
    auto& self = const_cast<EventLoop&>(static_cast<const EventLoop&>(*this));
    Backend* backend = self.parts().backend.get();
    return backend != nullptr ? backend->now_ns() : os::monotonic_ns(); // none: it is closed
}

} // namespace detail

void EventLoop::arm(detail::TimerCallback* timer) {
    timers.push(timer, timer->when,
                timers.empty() ? now_ns() : 0); // the handle's owner frees it if this throws
    detail::add_ref(timer);
}

void EventLoop::shuffle(std::vector<FutureState*>& order) noexcept {
    std::uint64_t& state = parts_->shuffle_state;
    if (state == 0) return;
    for (std::size_t i = order.size(); i > 1; --i) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        std::swap(order[i - 1], order[state % i]);
    }
}

} // namespace asyncio
