// SPDX-License-Identifier: MIT
// The results of many calls, one after the other: what map() of an executor and imap() give.
#pragma once

#include "asyncio/coroutines.h"
#include "asyncio/threads.h"
#include "base/next_iterator.h"
#include "multiprocessing/batches.h"

#include <atomic>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

namespace multiprocessing {

/// Results of calls in workers, in the order of the items, or as they come.
///
/// Each is waited for by next(), on a thread that may block, or by anext(), on a loop; a range-for
/// is next(). Destroying it cancels what has not begun.
///
/// Thread    one at a time.
/// Source    the iterators of CPython's Executor.map and multiprocessing.Pool.imap.
template <class R>
class Results {
public:
    using value_type = Result<R>; // std::monostate for void
    using Future = asyncio::ConcurrentFuture<Batch<R>>;

    Results(Results&&) noexcept = default;
    Results& operator=(Results&&) = delete;
    ~Results() { give_up(); }

    /// Blocks for the next result; nothing at the end.
    ///
    /// timeout   for this one; nothing: no limit but that of all of them
    /// Throws    what the call has thrown. TimeoutError: the time was up. BrokenProcessPool.
    std::optional<value_type> next(std::optional<asyncio::Duration> timeout = std::nullopt) {
        while (position_ == batch_.results.size()) {
            throw_error();
            if (taken_ == batches_.size()) return std::nullopt;
            block(batches_[taken_], timeout);
            take();
        }
        return std::move(batch_.results[position_++]);
    }

    /// Waits for the next result; nothing at the end.
    ///
    /// Throws    as next().
    /// Cancel    takes no result; calls that run go on, and the next anext() gives theirs.
    /// Lifetime  this must outlive the await.
    asyncio::Coro<std::optional<value_type>> anext() {
        // LIFETIME: this is the caller's, who awaits.
        while (position_ == batch_.results.size()) {
            throw_error();
            if (taken_ == batches_.size()) co_return std::nullopt;
            auto done = end_of(batches_[taken_]);
            co_await asyncio::wrap_job(std::move(done));
            take();
        }
        co_return std::move(batch_.results[position_++]);
    }

    /// For a range-for; it is moved on by the loop alone.
    using Iterator = asyncio::base::NextIterator<Results, value_type>;
    Iterator begin() { return Iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

    // ---- the library's own use ------------------------------------------------------------------

    /// batches    in the order of the items
    /// deadline   of all of them
    /// goes_on    behind what a call has thrown the other results are given
    Results(std::vector<Future> batches, std::optional<asyncio::TimePoint> deadline, bool goes_on)
        : batches_(std::move(batches)), deadline_(deadline), goes_on_(goes_on) {}

private:
    void block(const Future& next, std::optional<asyncio::Duration> timeout) {
        if (deadline_) {
            const asyncio::Duration left = *deadline_ - asyncio::TimePoint(asyncio::Clock::now());
            if (!timeout || left < *timeout) timeout = left;
        }
        if (!timeout) return next.wait();
        if (next.wait_for(*timeout)) return;
        if (!goes_on_) give_up();
        throw asyncio::TimeoutError();
    }
    /// A future that says that `next` is done; who cancels it does not cancel `next`.
    static asyncio::ConcurrentFuture<> end_of(const Future& next) {
        asyncio::ConcurrentFuture<> end;
        next.add_done_callback([end] {
            if (end.set_running_or_notify_cancel()) end.set_result();
        });
        return end;
    }
    /// Takes what the next future has; a worker that was lost counts as one error of its batch.
    void take() {
        Future next = std::exchange(batches_[taken_++], Future());
        batch_ = Batch<R>();
        position_ = 0;
        try {
            batch_ = std::move(next).get();
        } catch (...) {
            batch_.error = std::current_exception();
        }
    }
    void throw_error() {
        if (!batch_.error) return;
        if (!goes_on_) give_up();
        std::rethrow_exception(std::exchange(batch_.error, nullptr));
    }
    void give_up() noexcept {
        for (; taken_ < batches_.size(); ++taken_) batches_[taken_].cancel();
    }

    std::vector<Future> batches_;
    std::optional<asyncio::TimePoint> deadline_;
    bool goes_on_;
    std::size_t taken_ = 0;
    Batch<R> batch_; // that was taken last
    std::size_t position_ = 0;
};

} // namespace multiprocessing
