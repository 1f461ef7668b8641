// SPDX-License-Identifier: MIT
// The handle of what another thread has posted into a loop.
#pragma once

#include <utility>

namespace asyncio {

class EventLoop;
namespace detail {
struct ThreadsafeNode;
} // namespace detail

/// A call from another thread; cancel() and cancelled() may be called from any.
///
/// While the callback runs, both wait on other threads until it has finished.
/// Source    CPython 3.14 asyncio.Handle of a free-threaded call_soon_threadsafe.
class ThreadsafeHandle {
public:
    ThreadsafeHandle(const ThreadsafeHandle& other) noexcept;
    ThreadsafeHandle(ThreadsafeHandle&& other) noexcept
        : node_(std::exchange(other.node_, nullptr)) {}
    ThreadsafeHandle& operator=(ThreadsafeHandle other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~ThreadsafeHandle();
    void cancel();
    bool cancelled() const;

private:
    friend class EventLoop;
    explicit ThreadsafeHandle(detail::ThreadsafeNode* node) noexcept : node_(node) {}
    detail::ThreadsafeNode* node_;
};

} // namespace asyncio
