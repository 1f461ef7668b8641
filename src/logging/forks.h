// SPDX-License-Identifier: MIT
// What has locks and threads, and must be whole in a child after fork().
#pragma once

#include <mutex>

namespace logging::detail {

/// Held still while the process forks: from enlist(), the last thing in its constructor, until
/// leave(), the first in its destructor. Between them a fork may come at any time.
class ForkGuarded {
public:
    ForkGuarded(const ForkGuarded&) = delete;
    ForkGuarded& operator=(const ForkGuarded&) = delete;

    virtual bool try_before_fork() noexcept = 0; // takes its lock, if it is free
    virtual void after_fork_in_parent() noexcept = 0; // gives it back
    virtual void after_fork_in_child() noexcept = 0; // the same; its threads are gone

protected:
    /// order     locks are taken in this order: those of handlers, then those of queues
    enum class Order { handler, queue };
    explicit ForkGuarded(Order order) noexcept : order_(order) {}
    ~ForkGuarded() = default;
    void enlist();
    void leave() noexcept;

private:
    Order order_;
};

/// A mutex that is free in a child after fork(), whoever held it in the parent.
class ForkSafeMutex final : public ForkGuarded {
public:
    ForkSafeMutex() : ForkGuarded(Order::handler) { enlist(); }
    ~ForkSafeMutex() { leave(); }
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }

private:
    bool try_before_fork() noexcept override { return mutex_.try_lock(); }
    void after_fork_in_parent() noexcept override { mutex_.unlock(); }
    void after_fork_in_child() noexcept override { mutex_.unlock(); }
    std::mutex mutex_;
};

} // namespace logging::detail
