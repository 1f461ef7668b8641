// SPDX-License-Identifier: MIT
// The queue, its listener's thread, and what is left of both in a child after fork().
#include "logging/queues.h"

#include "asyncio/exceptions.h"
#include "os/process.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace logging {

namespace {

struct Listeners {
    detail::ForkSafeMutex lock;
    std::vector<QueueListener*> all;
};
Listeners& listeners() {
    static auto* const those = [] {
        std::atexit(&QueueListener::stop_all);
        return new Listeners; // never destroyed: some stop at the very end
    }();
    return *those;
}

// Made before main: a fork while another thread is in the first use would leave the child a
// guard that nobody opens.
[[maybe_unused]] const Listeners& listeners_from_the_start = listeners();

} // namespace

// ---- LogQueue -----------------------------------------------------------------------------------

LogQueue::LogQueue(std::size_t maxsize, WhenFull when_full)
    : ForkGuarded(Order::queue), maxsize_(maxsize), when_full_(when_full) {
    if (maxsize == 0) throw asyncio::ValueError("a queue of records has a size");
    enlist();
}

void LogQueue::put(LogRecord record) {
    std::unique_lock hold(lock_);
    if (thread_lost_) start_thread();
    if (when_full_ == WhenFull::block) {
        room_.wait(hold, [this] { return records_.size() < maxsize_ || listener_ == nullptr; });
    }
    if (records_.size() == maxsize_) {
        records_.pop_front();
        ++dropped_;
    }
    records_.push_back(std::move(record));
    more_.notify_one();
}

std::size_t LogQueue::size() const {
    const std::scoped_lock hold(lock_);
    return records_.size();
}

std::size_t LogQueue::dropped() const {
    const std::scoped_lock hold(lock_);
    return dropped_;
}

std::optional<LogRecord> LogQueue::take() {
    std::unique_lock hold(lock_);
    more_.wait(hold, [this] { return !records_.empty() || stopping_; });
    if (records_.empty()) return std::nullopt;
    std::optional<LogRecord> record = std::move(records_.front());
    records_.pop_front();
    room_.notify_one();
    return record;
}

void LogQueue::start_thread() {
    thread_lost_ = false;
    listener_->thread_ = std::thread([listener = listener_] { listener->listen(); });
}

// What waits is the parent's to write. The thread, and who waited for the conditions, are not here:
// their objects are made anew, for those that were copied cannot be destroyed.
void LogQueue::after_fork_in_child() noexcept {
    new (&more_) std::condition_variable;
    new (&room_) std::condition_variable;
    if (listener_ != nullptr) {
        records_.clear();
        new (&listener_->thread_) std::thread;
        thread_lost_ = true;
    }
    lock_.unlock();
}

// ---- QueueListener ------------------------------------------------------------------------------

QueueListener::QueueListener(std::shared_ptr<LogQueue> queue,
                             std::vector<std::shared_ptr<Handler>> handlers)
    : queue_(std::move(queue)), handlers_(std::move(handlers)) {}

QueueListener::~QueueListener() { stop(); }

void QueueListener::start() {
    {
        const std::scoped_lock hold(queue_->lock_);
        if (queue_->listener_ != nullptr) throw asyncio::RuntimeError("Listener already started");
        queue_->listener_ = this;
        queue_->stopping_ = false;
        queue_->start_thread();
    }
    const std::scoped_lock hold(listeners().lock);
    listeners().all.push_back(this);
}

void QueueListener::stop() {
    {
        const std::scoped_lock hold(listeners().lock);
        std::erase(listeners().all, this);
    }
    {
        const std::scoped_lock hold(queue_->lock_);
        if (queue_->listener_ != this) return;
        queue_->stopping_ = true;
        queue_->more_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
    {
        const std::scoped_lock hold(queue_->lock_);
        queue_->listener_ = nullptr; // only now: until the end, who logs may wait for room
        queue_->thread_lost_ = false;
        queue_->room_.notify_all();
    }
    while (queue_->size() > 0) write(*queue_->take()); // of who has waited until now
    for (const auto& handler : handlers_) handler->flush();
}

void QueueListener::stop_all() noexcept {
    for (;;) {
        QueueListener* one = nullptr;
        {
            const std::scoped_lock hold(listeners().lock);
            if (listeners().all.empty()) return;
            one = listeners().all.back();
        }
        one->stop();
    }
}

void QueueListener::listen() noexcept {
    asyncio::os::name_this_thread("logging");
    while (const auto record = queue_->take()) write(*record);
}

void QueueListener::write(const LogRecord& record) noexcept {
    for (const auto& handler : handlers_) handler->handle(record);
}

} // namespace logging
