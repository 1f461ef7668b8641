// SPDX-License-Identifier: MIT
// The loop: turns, timers, posts from other threads, its beginning and its end.
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

constexpr std::uintptr_t signal_bit = 1;   // in the inbox: a signal came
constexpr std::uintptr_t closed_mark = 2;  // the inbox of a closed loop
constexpr std::int64_t poll_ns_max = std::int64_t{24} * 3600 * 1'000'000'000;

std::mutex loop_table_lock;
std::uint32_t last_loop_index = 0; // 0 is nobody's

std::uint16_t take_loop_index(detail::LoopCore* loop) {
    const std::scoped_lock hold(loop_table_lock);
    detail::watch_forks(loop_table_lock);
    for (std::size_t tries = 1; tries < detail::loops_max; ++tries) {
        last_loop_index = static_cast<std::uint32_t>(last_loop_index % (detail::loops_max - 1) + 1);
        if (detail::loop_table[last_loop_index] == nullptr) {
            detail::loop_table[last_loop_index] = loop;
            return static_cast<std::uint16_t>(last_loop_index);
        }
    }
    throw RuntimeError("too many event loops");
}

void give_loop_index(std::uint16_t index) noexcept {
    const std::scoped_lock hold(loop_table_lock);
    detail::loop_table[index] = nullptr;
}

thread_local EventLoop* current_loop = nullptr;

void drop_hop(detail::Hop* hop) noexcept {
    if (hop->drop != nullptr) hop->drop(hop);
}

} // namespace

// ---- beginning and end -----------------------------------------------------------------------------

detail::LoopParts::LoopParts() = default;
detail::LoopParts::~LoopParts() = default;

EventLoop::EventLoop(LoopOptions options) : parts_(std::make_unique<detail::LoopParts>()) {
    parts_->backend =
        options.backend_ != nullptr ? std::move(options.backend_) : make_epoll_backend();
    backend_ = parts_->backend.get();
    parts_->shuffle_state = options.shuffle_seed_;
    parts_->link = std::make_shared<detail::LoopLink>(this);
    index = take_loop_index(this);
    set_debug(options.debug_.value_or(detail::debug_by_environment()));
}

EventLoop::~EventLoop() {
    parts_->running = false;
    close();
    if (current_loop == this) current_loop = nullptr;
    give_loop_index(index);
    if (!parts_->orphaned) return;
    parts_->backend.reset(); // this process's copies of the descriptors
    static_cast<void>(parts_.release()); // its threads and tasks are the parent's
}

// In a forked child, where this loop must not be used. What runs on it goes on to its next await.
void EventLoop::orphan() noexcept {
    static detail::Hop stop_running([](detail::Hop*) {
        throw RuntimeError("an event loop cannot run on in a forked child of its process");
    });
    closed = true;
    plain_tasks = false;
    polls_ = false;
    parts_->orphaned = true;
    inbox_.store(closed_mark, std::memory_order_relaxed);
    if (here.loop != this) return;
    ::new (&ready) ReadyQueue; // the parent runs what was in it
    ready.push(&stop_running, ReadyKind::hop);
}

bool EventLoop::is_running() const noexcept { return parts_->running; }

const char* EventLoop::backend_name() const noexcept {
    return backend_ != nullptr ? backend_->name() : "closed";
}

void EventLoop::close() {
    if (is_running()) throw RuntimeError("Cannot close a running event loop");
    if (closed) return;
    // What destructors below still ask of the loop finds it closed.
    parts_->link->cut();
    std::uintptr_t incoming = inbox_.exchange(closed_mark, std::memory_order_seq_cst);
    while (posting_.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
    closed = true;
    plain_tasks = false;
    while ((incoming & ~signal_bit) != 0) {
        auto* node = ReadyQueue::node_of(incoming);
        incoming = node->next;
        drop_hop(static_cast<detail::Hop*>(node));
    }
    destroy_pending_tasks();
    for (base::ListNode* node = parts_->generators.next; node != &parts_->generators;) {
        base::ListNode* after = node->next;
        node->prev = node->next = nullptr; // its owner destroys it, and the list is gone by then
        node = after;
    }
    parts_->generators = {&parts_->generators, &parts_->generators};
    while (detail::TimedWaiter* timer = timers.pop_any()) timer->dropped();
    detail::remove_all_signals(*this);
    for (auto& [fd, watch] : parts_->watches) {
        if (watch.reader != nullptr) detail::release(watch.reader);
        if (watch.writer != nullptr) detail::release(watch.writer);
    }
    parts_->watches.clear();
    if (parts_->channels != nullptr) parts_->channels->close_all();
    parts_->resolver.reset();
    parts_->exception_handler = nullptr;
    parts_->task_factory = nullptr;
    detail::leave_outside_work(*parts_->link);
    if (parts_->executor) parts_->executor->shutdown(false);
    parts_->executor.reset();
    parts_->backend.reset();
    backend_ = nullptr;
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
    instrumented = on || parts_->instruments != nullptr;
    plain_tasks = !has_task_factory && !closed && !debug;
    if (here.loop == this) detail::track_origins(on);
}

// ---- running ---------------------------------------------------------------------------------------

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
    here.task = nullptr;
    here.inline_child = nullptr;
    here.stack_limit = detail::stack_position() - detail::inline_stack_bytes;
    detail::track_origins(debug);
}

void EventLoop::leave_running() noexcept {
    const detail::ThisThread& outer = parts_->outer;
    here.loop = outer.loop;
    here.stack_limit = outer.stack_limit;
    detail::track_origins(outer.track_origins);
    detail::forget_failure();
    here.task = outer.task;
    here.next = outer.next;
    here.inline_child = outer.inline_child;
    here.resumed = outer.resumed;
    detail::context_slot = parts_->outer_context;
    parts_->running = false;
    stopping_ = false;
}

void EventLoop::run_forever() {
    struct Running {
        explicit Running(EventLoop& running) : loop(running) { loop.enter_running(); }
        ~Running() { loop.leave_running(); }
        EventLoop& loop;
    } running(*this);
    do {
        run_once();
    } while (!stopping_);
}

void EventLoop::stop() noexcept { stopping_ = true; }

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

// One turn, in CPython's order: poll, queue what is ready, queue what is due, run what was queued.
void EventLoop::run_once() {
    ++turns_;
    if (polls_ || (ready.empty() && !stopping_)) {
        poll(poll_timeout());
    } else if (inbox_.load(std::memory_order_acquire) != 0) [[unlikely]] {
        take_inbox();
    }
    if (!timers.empty()) queue_due_timers();
    if (instrumented) [[unlikely]] {
        run_ready_instrumented();
    } else {
        run_ready();
    }
}

void EventLoop::set_instruments(detail::LoopInstruments* instruments) noexcept {
    parts_->instruments = instruments;
    instrumented = debug || instruments != nullptr;
}

std::int64_t EventLoop::poll_timeout() const {
    if (!ready.empty() || stopping_) return 0;
    if (timers.empty()) return -1;
    const std::int64_t deadline = timers.next_deadline();
    if (deadline == INT64_MAX) return -1; // endless timers only
    const std::int64_t now = now_ns();
    return deadline <= now ? 0 : std::min(deadline - now, poll_ns_max);
}

void EventLoop::poll(std::int64_t timeout_ns) {
    if (timeout_ns != 0) {
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

// Ready nodes may add new ones. Only those that were here when the turn began run in it, or two
// tasks that wake each other would keep the loop from ever looking at its descriptors. Nothing is
// detached, so an exception that leaves the loop loses nothing.
void EventLoop::run_ready() {
    if (ready.empty()) return;
    const ReadyNode* const last = ready.last();
    const ReadyNode* node = nullptr;
    do {
        const std::uintptr_t link = ready.pop();
        node = ReadyQueue::node_of(link);
        switch (ReadyQueue::kind_of(link)) {
        case ReadyKind::task:
            detail::step_task(static_cast<FutureState*>(ReadyQueue::node_of(link)));
            break;
        case ReadyKind::callback:
            run_callback(static_cast<detail::CallbackNode*>(ReadyQueue::node_of(link)));
            break;
        case ReadyKind::hop: {
            auto* hop = static_cast<detail::Hop*>(ReadyQueue::node_of(link));
            hop->run(hop);
            break;
        }
        case ReadyKind::due:
            detail::wake_due(detail::TimedWaiter::of_due(ReadyQueue::node_of(link)));
            break;
        }
    } while (node != last);
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
    } else if (kind == ReadyKind::hop) {
        auto* hop = static_cast<detail::Hop*>(node);
        hop->run(hop);
    } else {
        detail::wake_due(detail::TimedWaiter::of_due(node));
    }
    if (!measure || !debug || (!task && !handle)) return;
    const Duration took = Duration::from_ns(backend_->now_ns() - began);
    if (took < slow_callback_) return;
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.3f", took.seconds().count());
    detail::log(LogLevel::warning, "Executing " + (task ? to_string(task) : to_string(*handle)) +
                                       " took " + seconds + " seconds");
}

inline void EventLoop::run_callback(detail::CallbackNode* node) {
    if (node->has(detail::CallbackNode::repeats)) {
        node->flags = static_cast<std::uint8_t>(node->flags & ~detail::CallbackNode::queued);
    }
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

// ---- posts from other threads ------------------------------------------------------------------------

namespace detail {

ThreadsafeNode::ThreadsafeNode(CallbackNode* callback) noexcept
    : Hop(
          [](Hop* hop) {
              auto* self = static_cast<ThreadsafeNode*>(hop);
              struct Release {
                  ThreadsafeNode* node;
                  ~Release() { release(node); }
              } release_at_end{self};
              const std::scoped_lock hold(self->running);
              if (CallbackNode* posted = std::exchange(self->inner, nullptr)) {
                  EventLoop::of(*here.loop).run_posted(posted);
              }
          },
          [](Hop* hop) noexcept { release(static_cast<ThreadsafeNode*>(hop)); }),
      inner(callback) {}

void release(ThreadsafeNode* node) noexcept {
    if (node->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (node->inner != nullptr) release(node->inner);
    delete node;
}

} // namespace detail

detail::ThreadsafeNode* EventLoop::make_threadsafe(detail::CallbackNode* inner) {
    try {
        return new detail::ThreadsafeNode(inner);
    } catch (...) {
        detail::release(inner);
        throw;
    }
}

ThreadsafeHandle EventLoop::post(detail::ThreadsafeNode* node) {
    ThreadsafeHandle handle(node);
    node->refs.fetch_add(1, std::memory_order_relaxed);
    if (here.loop == this && !closed) { // in the order of call_soon, behind what came before
        take_posts();
        ready.push(node, ReadyKind::hop);
    } else if (!put_in_inbox(node)) {
        detail::release(node);
        throw RuntimeError("Event loop is closed");
    }
    return handle;
}

bool EventLoop::put_in_inbox(detail::Hop* node) noexcept {
    // Once the node is in, the loop may run it, end and close: it waits until this has left.
    posting_.fetch_add(1, std::memory_order_seq_cst);
    struct Leave {
        std::atomic<int>& posting;
        ~Leave() { posting.fetch_sub(1, std::memory_order_release); }
    } leave{posting_};
    std::uintptr_t head = inbox_.load(std::memory_order_relaxed);
    do {
        if (head == closed_mark) return false;
        node->next = head & ~signal_bit;
    } while (!inbox_.compare_exchange_weak(
        head, reinterpret_cast<std::uintptr_t>(node) | (head & signal_bit),
        std::memory_order_seq_cst, std::memory_order_relaxed));
    nudge();
    return true;
}

void EventLoop::nudge() noexcept {
    if (sleeping_.load(std::memory_order_seq_cst) && sleeping_.exchange(false)) backend_->wake();
}

void EventLoop::note_signal() noexcept {
    std::uintptr_t head = inbox_.load(std::memory_order_relaxed);
    do {
        if (head == closed_mark) return;
    } while (!inbox_.compare_exchange_weak(head, head | signal_bit, std::memory_order_seq_cst,
                                           std::memory_order_relaxed));
    backend_->wake();
}

void EventLoop::take_inbox() {
    if (take_posts()) {
        inbox_.fetch_and(~signal_bit, std::memory_order_acq_rel);
        detail::dispatch_signals(*this);
    }
}

// Moves the inbox to the end of the queue. True: a signal has come, too; its mark stays.
bool EventLoop::take_posts() noexcept {
    const std::uintptr_t head = inbox_.fetch_and(signal_bit, std::memory_order_acq_rel);
    ReadyNode* oldest = nullptr;
    for (ReadyNode* node = ReadyQueue::node_of(head & ~signal_bit); node != nullptr;) {
        ReadyNode* older = ReadyQueue::node_of(node->next);
        node->next = reinterpret_cast<std::uintptr_t>(oldest);
        oldest = node;
        node = older;
    }
    while (oldest != nullptr) {
        ReadyNode* newer = ReadyQueue::node_of(oldest->next);
        ready.push(oldest, ReadyKind::hop);
        oldest = newer;
    }
    return (head & signal_bit) != 0;
}

ThreadsafeHandle::ThreadsafeHandle(const ThreadsafeHandle& other) noexcept : node_(other.node_) {
    node_->refs.fetch_add(1, std::memory_order_relaxed);
}

ThreadsafeHandle::~ThreadsafeHandle() {
    if (node_ != nullptr) detail::release(node_);
}

void ThreadsafeHandle::cancel() {
    const std::scoped_lock hold(node_->running);
    node_->cancelled = true;
    if (detail::CallbackNode* inner = std::exchange(node_->inner, nullptr)) detail::release(inner);
}

bool ThreadsafeHandle::cancelled() const {
    const std::scoped_lock hold(node_->running);
    return node_->cancelled;
}

// ---- timers ----------------------------------------------------------------------------------------

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

// ---- the thread's loops ------------------------------------------------------------------------------

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

// ---- pending tasks at the end --------------------------------------------------------------------------

namespace {

void discard(ReadyQueue& ready) noexcept {
    while (!ready.empty()) {
        const std::uintptr_t link = ready.pop();
        ReadyNode* node = ReadyQueue::node_of(link);
        if (ReadyQueue::kind_of(link) == ReadyKind::callback) {
            detail::release(static_cast<detail::CallbackNode*>(node));
        } else if (ReadyQueue::kind_of(link) == ReadyKind::hop) {
            drop_hop(static_cast<detail::Hop*>(node));
        }
    }
}

// Leaf first: what a frame still owns is told that its child is gone. A generator's frame is its
// owner's to destroy.
void destroy_frames(FutureState* task) noexcept {
    detail::Frame* frame = task->cell.frame();
    task->cell.st = 0;
    while (frame != nullptr) {
        detail::Frame* parent = frame->parent;
        if (frame->out != nullptr) {
            if (frame->out != &task->cell) frame->out->st = detail::CellHead::gone;
            frame->handle().destroy();
        }
        frame = parent;
    }
}

} // namespace

// What is queued lives in the frames, so it goes first. Their destructors may queue tasks again: those
// are kept until they are out of the queue.
void EventLoop::destroy_pending_tasks() noexcept {
    discard(ready);
    base::ListNode gone{&gone, &gone};
    while (tasks.next != &tasks) {
        FutureState* task = FutureState::of(tasks.next);
        const AnyTask handle{detail::StateRef(task)};
        if (!task->has(FutureState::silent)) {
            constexpr const char* message = "Task was destroyed but it is pending!";
            try {
                ExceptionContext context;
                context.message = message;
                context.task = handle;
                call_exception_handler(context);
            } catch (...) {
                detail::log(LogLevel::error, message);
            }
        }
        const bool waits =
            !task->has(FutureState::queued | FutureState::not_started) && task->waiter() != nullptr;
        if (waits) task->waiter()->abandon();
        detail::leave_task_list(task);
        FutureState* const running = std::exchange(here.task, task); // destructors may look
        destroy_frames(task);
        here.task = running; // of another loop, which closes this one
        task->set(FutureState::is_cancelled | FutureState::is_done);
        ::new (task->cell.payload()) std::exception_ptr();
        task->cell.st = detail::CellHead::error;
        while (detail::LinkedWaiter* waiter = task->callbacks.pop_front()) {
            if (waiter->awaiting() == nullptr) waiter->dropped();
        }
        task->all = {gone.prev, &gone};
        gone.prev->next = &task->all;
        gone.prev = &task->all;
    }
    discard(ready);
    while (gone.next != &gone) {
        FutureState* task = FutureState::of(gone.next);
        detail::leave_task_list(task);
        detail::release(task); // the loop's count
    }
    discard(ready);
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
