// SPDX-License-Identifier: MIT
// Timer heap: which timer is due next, and how to take one out again.
#pragma once

#include "base/intrusive_list.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace asyncio::base {

/// A timer's place: in a heap (position and order), or in a list of a TimerQueue. In the timer
/// itself, so that it can be found again.
struct TimerSlot : ListNode {
    static constexpr std::uint32_t nowhere = UINT32_MAX;

    std::int64_t when = 0; // nanoseconds of the loop's clock

    /// Does it stand in a heap or queue?
    bool armed() const noexcept { return linked() || place().position != nowhere; }

    /// The place in a heap; `prev` serves for it while the slot is in no list.
    struct Place {
        std::uint32_t position = nowhere; // nowhere: in no heap
        std::uint32_t sequence = 0; // order among equal deadlines; wraps
    };
    Place place() const noexcept { return std::bit_cast<Place>(prev); }
    void set_place(Place place) noexcept { prev = std::bit_cast<ListNode*>(place); }
    void set_nowhere() noexcept {
        next = nullptr;
        set_place({});
    }

    TimerSlot() noexcept { set_nowhere(); }
};
static_assert(sizeof(TimerSlot::Place) == sizeof(ListNode*));

/// A 4-ary heap of (deadline, timer), with equal deadlines first come, first served.
///
/// Timer     derives from TimerSlot.
/// Lifetime  a timer must leave before it is destroyed.
/// Cost      push, remove and pop are O(log n); 16 bytes a timer. push may throw std::bad_alloc
///           and leaves the heap as it was.
template <class Timer>
class TimerHeap {
public:
    /// A timer, and its deadline beside it: comparing touches no timer.
    struct Entry {
        std::int64_t when;
        Timer* timer;
    };

    bool empty() const noexcept { return entries_.empty(); }
    std::size_t size() const noexcept { return entries_.size(); } // how many are armed
    const Entry& top() const noexcept { return entries_.front(); } // the first; there must be one
    std::size_t capacity() const noexcept { return entries_.capacity(); } // held from the heap

    /// Room for `count` more: push throws nothing until they are in.
    void reserve_more(std::size_t count) {
        const std::size_t wanted = entries_.size() + count;
        if (wanted > entries_.capacity()) entries_.reserve(2 * wanted);
    }

    /// Arms `timer` for `when`. It is not armed.
    void push(Timer* timer, std::int64_t when) {
        const std::size_t hole = entries_.size();
        entries_.push_back({when, timer});
        timer->when = when;
        timer->set_place({0, next_sequence_++});
        sift_up(hole, {when, timer});
    }

    void pop() noexcept { remove_at(0); } // the first one is armed no more
    /// Disarms `timer`, which is armed here.
    void remove(Timer* timer) noexcept { remove_at(timer->place().position); }

    /// Gives storage back after a burst: keeps at most four times what is in use.
    void trim() noexcept {
        if (entries_.capacity() <= 1024 || entries_.size() >= entries_.capacity() / 4) return;
        try {
            std::vector<Entry> smaller;
            smaller.reserve(entries_.capacity() / 2);
            smaller.assign(entries_.begin(), entries_.end());
            entries_.swap(smaller);
        } catch (const std::bad_alloc&) {
            // The storage that is there serves as well.
        }
    }

private:
    static bool before(const Entry& a, const Entry& b) noexcept {
        if (a.when != b.when) return a.when < b.when;
        return static_cast<std::int32_t>(a.timer->place().sequence - b.timer->place().sequence) < 0;
    }

    void place(std::size_t i, const Entry& entry) noexcept {
        entries_[i] = entry;
        entry.timer->set_place({static_cast<std::uint32_t>(i), entry.timer->place().sequence});
    }

    void sift_up(std::size_t hole, Entry entry) noexcept {
        while (hole > 0) {
            const std::size_t parent = (hole - 1) / 4;
            if (!before(entry, entries_[parent])) break;
            place(hole, entries_[parent]);
            hole = parent;
        }
        place(hole, entry);
    }

    void sift_down(std::size_t hole, Entry entry) noexcept {
        const std::size_t size = entries_.size();
        for (std::size_t child = 4 * hole + 1; child < size; child = 4 * hole + 1) {
            std::size_t least = child;
            const std::size_t end = child + 4 < size ? child + 4 : size;
            for (std::size_t i = child + 1; i < end; ++i) {
                if (before(entries_[i], entries_[least])) least = i;
            }
            if (!before(entries_[least], entry)) break;
            place(hole, entries_[least]);
            hole = least;
        }
        place(hole, entry);
    }

    void remove_at(std::size_t hole) noexcept {
        entries_[hole].timer->set_nowhere();
        const Entry last = entries_.back();
        entries_.pop_back();
        if (hole == entries_.size()) return;
        if (hole > 0 && before(last, entries_[(hole - 1) / 4])) {
            sift_up(hole, last);
        } else {
            sift_down(hole, last);
        }
    }

    std::vector<Entry> entries_;
    std::uint32_t next_sequence_ = 0;
};

} // namespace asyncio::base
