// SPDX-License-Identifier: MIT
// What ThreadPoolExecutor::map takes and gives: options, the work in pieces, the results in order.
#pragma once

#include "asyncio/concurrent_futures.h"
#include "base/function.h"
#include "base/next_iterator.h"

#include <iterator>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace asyncio {

/// The keyword arguments of ThreadPoolExecutor::map.
class MapOptions {
public:
    MapOptions() noexcept {}
    /// For all results, counted from the call of map; nothing: no limit.
    MapOptions& timeout(std::optional<Duration> time) {
        timeout_ = time;
        return *this;
    }
    /// How many items one piece of work takes: more is cheaper for small ones; 1.
    MapOptions& chunk(std::size_t items) {
        chunk_ = items;
        return *this;
    }
    /// How many pieces of work are submitted ahead of the result that was taken last; nothing: all.
    MapOptions& buffer(std::optional<std::size_t> pieces) {
        buffer_ = pieces;
        return *this;
    }

private:
    friend class ThreadPoolExecutor;
    std::optional<Duration> timeout_;
    std::size_t chunk_ = 1;
    std::optional<std::size_t> buffer_;
};

namespace detail {

/// A piece of map()'s work: as many values as were made, then the exception that ended it.
template <class R>
struct MapPiece {
    std::vector<Stored<R>> values;
    std::exception_ptr error;
};

/// Copies of the n-th items of all ranges, for as many n as the shortest has.
template <class... Ranges>
auto zipped(const Ranges&... ranges) {
    std::vector<std::tuple<std::decay_t<decltype(*std::begin(ranges))>...>> items;
    [&](auto... its) {
        while (((its != std::end(ranges)) && ...)) {
            items.emplace_back(*its...);
            ((void)++its, ...);
        }
    }(std::begin(ranges)...);
    return items;
}

/// All of map()'s work. Copies share it; each call has items of its own, which it uses up.
template <class F, class Item>
class MapWork {
public:
    using Result = std::decay_t<decltype(std::apply(std::declval<F&>(), std::declval<Item>()))>;
    using Piece = MapPiece<Result>;

    template <class G>
    MapWork(G&& f, std::vector<Item> items)
        : callable_(std::make_shared<F>(std::forward<G>(f))),
          items_(std::make_shared<std::vector<Item>>(std::move(items))) {}

    /// The calls with the items from `first` on, up to `last` or to one that throws.
    Piece operator()(std::size_t first, std::size_t last) const {
        Piece piece;
        try {
            piece.values.reserve(last - first);
            for (; first != last; ++first) {
                if constexpr (std::is_void_v<Result>) {
                    std::apply(*callable_, std::move((*items_)[first]));
                    piece.values.emplace_back();
                } else {
                    piece.values.push_back(std::apply(*callable_, std::move((*items_)[first])));
                }
            }
        } catch (...) {
            piece.error = std::current_exception();
        }
        return piece;
    }

private:
    std::shared_ptr<F> callable_;
    std::shared_ptr<std::vector<Item>> items_;
};

} // namespace detail

/// The results of ThreadPoolExecutor::map, in the order of the items.
///
/// Destroying it cancels what has not begun.
template <class R>
class MapResults {
    using Piece = detail::MapPiece<R>;

public:
    using value_type = detail::Stored<R>; // std::monostate for void

    MapResults(MapResults&&) noexcept = default;
    MapResults& operator=(MapResults&&) = delete;
    ~MapResults() { give_up(); }

    /// Blocks for the next result; nothing at the end.
    /// Throws    what the call has thrown; TimeoutError: the time is up. Either ends the results.
    std::optional<value_type> next() {
        while (position_ == values_.size()) {
            if (error_) {
                give_up();
                std::rethrow_exception(std::exchange(error_, nullptr));
            }
            if (!take_piece()) return std::nullopt;
        }
        return std::move(values_[position_++]);
    }

    /// For a range-for; it is moved on by the loop alone.
    using Iterator = base::NextIterator<MapResults, value_type>;
    Iterator begin() { return Iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    friend class ThreadPoolExecutor;
    using Submit = base::Function<std::optional<ConcurrentFuture<Piece>>()>;

    MapResults(Submit submit, std::optional<Duration> timeout, std::optional<std::size_t> buffer)
        : submit_(std::move(submit)), deadline_(detail::deadline_of(timeout)) {
        for (std::size_t i = 0; !buffer || i < *buffer; ++i) {
            if (!submit_more()) break;
        }
    }

    bool submit_more() {
        std::optional<ConcurrentFuture<Piece>> future = submit_();
        if (future) pieces_.push_back(std::move(future));
        return future.has_value();
    }

    bool take_piece() {
        if (taken_ == pieces_.size()) return false;
        std::optional<Duration> left;
        if (deadline_) left = *deadline_ - TimePoint(Clock::now());
        Piece piece = [&] {
            try {
                return std::move(*pieces_[taken_++]).get(left);
            } catch (...) {
                give_up();
                throw;
            }
        }();
        pieces_[taken_ - 1].reset();
        values_ = std::move(piece.values);
        error_ = std::move(piece.error);
        position_ = 0;
        if (!error_) submit_more();
        return true;
    }

    void give_up() noexcept {
        for (; taken_ < pieces_.size(); ++taken_) pieces_[taken_]->cancel();
    }

    Submit submit_; // nothing: all items are submitted
    std::optional<TimePoint> deadline_;
    std::vector<std::optional<ConcurrentFuture<Piece>>> pieces_; // empty ones are taken
    std::size_t taken_ = 0;
    std::vector<value_type> values_; // of the piece that was taken last
    std::size_t position_ = 0;
    std::exception_ptr error_; // behind values_
};

} // namespace asyncio
