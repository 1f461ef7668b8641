// SPDX-License-Identifier: MIT
// A queue between who logs and who writes: so that a loop never waits for a disk.
#pragma once

#include "logging/handlers.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace logging {

/// What becomes of a record for which a queue has no room.
enum class WhenFull {
    block,       // who logs waits
    drop_oldest, // the oldest one is lost, and counted
};

/// Records that wait for a listener. Bounded.
///
/// Thread    any.
class LogQueue final : public detail::ForkGuarded {
public:
    /// maxsize   how many records wait at most
    /// Throws    ValueError: 0.
    explicit LogQueue(std::size_t maxsize = 10'000, WhenFull when_full = WhenFull::block);
    ~LogQueue() { leave(); }

    /// Puts a record behind the others. Blocks only as `when_full` says, and only while somebody
    /// listens: else the oldest one goes.
    void put(LogRecord record);
    std::size_t size() const;
    /// How many were lost for want of room.
    std::size_t dropped() const;

private:
    friend class QueueListener;
    std::optional<LogRecord> take(); // waits; nothing: told to stop, and empty
    void start_thread(); // with the lock
    bool try_before_fork() noexcept override { return lock_.try_lock(); }
    void after_fork_in_parent() noexcept override { lock_.unlock(); }
    void after_fork_in_child() noexcept override;

    const std::size_t maxsize_;
    const WhenFull when_full_;
    mutable std::mutex lock_; // for all that follows
    std::condition_variable more_;
    std::condition_variable room_;
    std::deque<LogRecord> records_;
    std::size_t dropped_ = 0;
    class QueueListener* listener_ = nullptr; // LIFETIME: it takes itself out when it stops
    bool stopping_ = false;
    bool thread_lost_ = false; // in a forked child, until the next record
};

/// Puts records into a queue instead of writing them.
/// Source    Python's logging.handlers.QueueHandler.
class QueueHandler final : public Handler {
public:
    explicit QueueHandler(std::shared_ptr<LogQueue> queue) : queue_(std::move(queue)) {}

private:
    void emit(const LogRecord& record) override { queue_->put(record); }
    std::shared_ptr<LogQueue> queue_;
};

/// Takes records out of a queue, on a thread of its own, and hands them to handlers.
///
/// After fork(), the parent's thread writes what waits, and the child gets a thread of its own with
/// its first record. The destructor is stop(); shutdown() stops all that still listen.
///
/// Source    Python's logging.handlers.QueueListener.
class QueueListener {
public:
    QueueListener(std::shared_ptr<LogQueue> queue, std::vector<std::shared_ptr<Handler>> handlers);
    QueueListener(const QueueListener&) = delete;
    QueueListener& operator=(const QueueListener&) = delete;
    ~QueueListener();

    /// Throws    RuntimeError: it, or another one, listens to the queue already.
    void start();
    /// Waits until all records are written, and the thread has ended. Harmless twice.
    void stop();

    // ---- the library's own use ------------------------------------------------------------------

    /// Stops all that listen.
    static void stop_all() noexcept;

private:
    friend class LogQueue;
    void listen() noexcept;
    void write(const LogRecord& record) noexcept;

    std::shared_ptr<LogQueue> queue_;
    std::vector<std::shared_ptr<Handler>> handlers_;
    std::thread thread_;
};

} // namespace logging
