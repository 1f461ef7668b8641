// SPDX-License-Identifier: MIT
// The loop's inbox: posts from other threads, and the mark that a signal has come.
#include "asyncio/inbox.h"

#include "asyncio/base_events.h"
#include "asyncio/task_steps.h"

namespace asyncio {

using detail::here;
using detail::ReadyKind;
using detail::ReadyNode;
using detail::ReadyQueue;

namespace {

constexpr std::uintptr_t signal_bit = 1; // a signal came

} // namespace

// ---- what is posted -----------------------------------------------------------------------------

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
        if (head == detail::closed_inbox) return false;
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
        if (head == detail::closed_inbox) return;
    } while (!inbox_.compare_exchange_weak(head, head | signal_bit, std::memory_order_seq_cst,
                                           std::memory_order_relaxed));
    backend_->wake();
}

void EventLoop::take_inbox() {
    detail::leave_task();
    if (take_posts()) {
        inbox_.fetch_and(~signal_bit, std::memory_order_acq_rel);
        detail::dispatch_signals(*this);
    }
}

// Forgets what is in it, and lets nothing more in.
void EventLoop::close_inbox() noexcept {
    std::uintptr_t incoming = inbox_.exchange(detail::closed_inbox, std::memory_order_seq_cst);
    while (posting_.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
    incoming &= ~signal_bit;
    while (incoming != 0) {
        auto* hop = static_cast<detail::Hop*>(ReadyQueue::node_of(incoming));
        incoming = hop->next;
        detail::drop_hop(hop);
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

} // namespace asyncio
