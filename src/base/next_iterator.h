// SPDX-License-Identifier: MIT
// NextIterator: makes a range of what gives its values by next(), one after the other.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <type_traits>

namespace asyncio::base {

/// Calls `range.next()`, which gives a std::optional, until that gives nothing. The range is moved
/// on by this alone; its end is std::default_sentinel.
///
/// Value     what it gives; const: it is not to be changed or moved from.
/// Throws    from its constructor and ++: what next() throws.
/// Lifetime  it does not outlive its range.
template <class Range, class Value>
class NextIterator {
public:
    using value_type = std::remove_const_t<Value>;
    using difference_type = std::ptrdiff_t;

    explicit NextIterator(Range& range) : range_(&range), current_(range.next()) {}
    Value& operator*() noexcept { return *current_; }
    NextIterator& operator++() {
        current_ = range_->next();
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const NextIterator& it, std::default_sentinel_t) noexcept {
        return !it.current_;
    }

private:
    Range* range_;
    std::optional<value_type> current_;
};

} // namespace asyncio::base
