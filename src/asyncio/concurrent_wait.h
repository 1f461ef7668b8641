// SPDX-License-Identifier: MIT
// concurrent::wait, concurrent::as_completed: a thread that waits for several futures of threads.
#pragma once

#include "asyncio/concurrent_futures.h"
#include "asyncio/wait.h"
#include "base/next_iterator.h"

#include <iterator>
#include <memory>
#include <optional>
#include <vector>

namespace asyncio {

namespace detail {

/// Several states, in the order in which they are done.
class CompletionQueue {
public:
    /// Throws    std::bad_alloc.
    explicit CompletionQueue(std::vector<ConcurrentState*> states);
    CompletionQueue(CompletionQueue&&) noexcept;
    CompletionQueue& operator=(CompletionQueue&&) = delete;
    ~CompletionQueue();

    /// The index of the next one, or nothing: the time was up.
    std::optional<std::size_t> next(std::optional<TimePoint> deadline);

private:
    struct Part;
    std::unique_ptr<Part> part_;
};

/// The futures of a range, each once, in their order.
template <class Range>
auto each_once(const Range& range) {
    std::vector<std::decay_t<decltype(*std::begin(range))>> futures;
    for (const auto& future : range) {
        bool known = false;
        for (const auto& seen : futures) known = known || seen == future;
        if (!known) futures.push_back(future);
    }
    return futures;
}

[[noreturn]] void throw_unfinished(std::size_t pending, std::size_t total);

} // namespace detail

/// Blocking waits for several futures of threads: Python's concurrent.futures.
namespace concurrent {

/// What `wait` gives: both in the order given.
template <class T>
struct WaitResult {
    std::vector<ConcurrentFuture<T>> done;
    std::vector<ConcurrentFuture<T>> not_done;
};

/// The futures, each once, in the order in which they are done.
template <class T>
class AsCompleted {
public:
    AsCompleted(std::vector<ConcurrentFuture<T>> futures, std::optional<Duration> timeout)
        : futures_(std::move(futures)), deadline_(detail::deadline_of(timeout)),
          left_(futures_.size()), queue_(states_of(futures_)) {}

    /// Blocks for the next one; nothing at the end.
    /// Throws    TimeoutError: the time of all of them is up.
    std::optional<ConcurrentFuture<T>> next() {
        if (left_ == 0) return std::nullopt;
        const std::optional<std::size_t> index = queue_.next(deadline_);
        if (!index) detail::throw_unfinished(left_, futures_.size());
        --left_;
        return futures_[*index];
    }

    /// For a range-for; it is moved on by the loop alone.
    using Iterator = base::NextIterator<AsCompleted, const ConcurrentFuture<T>>;
    Iterator begin() { return Iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    static std::vector<detail::ConcurrentState*>
    states_of(const std::vector<ConcurrentFuture<T>>& futures) {
        std::vector<detail::ConcurrentState*> states;
        for (const auto& future : futures) states.push_back(future.state());
        return states;
    }

    std::vector<ConcurrentFuture<T>> futures_;
    std::optional<TimePoint> deadline_;
    std::size_t left_;
    detail::CompletionQueue queue_; // LIFETIME: goes before the futures
};

/// Iterates over futures as they are done: `for (const auto& f : as_completed(futures))`.
///
/// futures   a range of ConcurrentFuture<T>; one that is in it twice is given once
/// timeout   for all of them, counted from this call; then TimeoutError is thrown
/// Thread    blocks the calling one: not for a loop's.
/// Source    CPython 3.14 concurrent.futures.as_completed.
template <class Range>
auto as_completed(const Range& futures, std::optional<Duration> timeout = std::nullopt) {
    using Future = std::decay_t<decltype(*std::begin(futures))>;
    return AsCompleted<typename Future::value_type>(detail::each_once(futures), timeout);
}

/// Blocks until all futures of a range are done, or the first, or one has failed.
///
/// options   as of asyncio::wait: until when, and how long; or just FIRST_COMPLETED. When the time
///           is up, what is done so far is given: no exception
/// Returns   `done` and `not_done`, each future once.
/// Thread    blocks the calling one: not for a loop's.
/// Source    CPython 3.14 concurrent.futures.wait.
template <class Range>
auto wait(const Range& futures, const WaitOptions& options = WaitOptions()) {
    using Future = std::decay_t<decltype(*std::begin(futures))>;
    const auto all = detail::each_once(futures);
    std::vector<detail::ConcurrentState*> states;
    for (const auto& future : all) states.push_back(future.state());
    detail::CompletionQueue queue(states);
    const auto deadline = detail::deadline_of(options.timeout());
    for (std::size_t seen = 0; seen < all.size(); ++seen) {
        const auto index = queue.next(deadline);
        if (!index || options.return_when() == FIRST_COMPLETED) break;
        if (options.return_when() == FIRST_EXCEPTION && states[*index]->error()) break;
    }
    WaitResult<typename Future::value_type> result;
    for (const auto& future : all) {
        (future.done() ? result.done : result.not_done).push_back(future);
    }
    return result;
}

} // namespace concurrent

} // namespace asyncio
