// SPDX-License-Identifier: MIT
// Timer queue: a heap for what is due soon, lists by millisecond, second and quarter of an hour for
// the rest.
#pragma once

#include "base/timer_heap.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace asyncio::base {

/// All timers of a loop, in exact order: by deadline, equal ones first come, first served.
///
/// Time is cut into slots of 2^20 ns. What lies in a slot that has begun (up to `base_`) is in the
/// heap `near_`. Later timers wait in lists: one a slot for the next 1024, one for each 1024 slots
/// beyond that, one for each 1024 of those; what is further away than twelve days, in a heap.
/// Lists need no order: it is made when their slot begins. So a million sleepers cost no cache
/// misses in a deep heap, and a timer that is cancelled early (most time-outs are) costs a list
/// insertion.
///
/// Timer     derives from TimerSlot.
/// Lifetime  a timer must leave before it is destroyed.
/// Cost      push and remove O(1) for later timers, else O(log n of the present slot). push may
///           throw std::bad_alloc and leaves the queue as it was.
template <class Timer>
class TimerQueue {
public:
    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }

    /// Arms `timer` for `when`. It is not armed.
    /// now   the clock's present time, or earlier; a late one only makes the queue slower
    void push(Timer* timer, std::int64_t when, std::int64_t now) {
        if (size_ == 0 && slot_of(now) > base_) base_ = slot_of(now);
        const std::int64_t slot = slot_of(when);
        if (slot <= base_) {
            near_.push(timer, when);
        } else if (const Place place = place_of(slot); place.level < levels) {
            if (!wheel_) wheel_ = std::make_unique<Wheel>();
            timer->when = when;
            wheel_->push_back(place, timer);
        } else {
            far_.push(timer, when);
        }
        ++size_;
    }

    /// Disarms `timer`, which is armed here.
    void remove(Timer* timer) noexcept {
        --size_;
        const std::int64_t slot = slot_of(timer->when);
        if (timer->linked()) {
            wheel_->remove(list_of(timer, slot), timer);
        } else {
            (slot <= base_ ? near_ : far_).remove(timer);
        }
    }

    /// When the next timer is due. With many timers in the next list: when its slot begins, which
    /// is not later. The queue must not be empty.
    std::int64_t next_deadline() const noexcept {
        if (!near_.empty()) return near_.top().when;
        std::int64_t least = far_.empty() ? INT64_MAX : far_.top().when;
        for (std::size_t level = 0; wheel_ && level < levels; ++level) {
            const Candidate first = first_of(level);
            if (first.slot < INT64_MAX) least = earlier(earliest_in(first), least);
        }
        return least;
    }

    /// The first timer that is due at `now`, taken out; null if there is none.
    Timer* pop_due(std::int64_t now) {
        if (slot_of(now) > base_) advance(slot_of(now));
        if (near_.empty() || near_.top().when > now) return nullptr;
        return pop_near();
    }

    /// Any timer, taken out; null if none is left.
    Timer* pop_any() noexcept {
        if (!near_.empty()) return pop_near();
        if (!far_.empty()) {
            Timer* timer = far_.top().timer;
            far_.pop();
            --size_;
            return timer;
        }
        if (size_ == 0) return nullptr;
        const Candidate next = next_candidate();
        Timer* timer = timer_of(wheel_->lists[next.level][next.index].front());
        remove(timer);
        return timer;
    }

    /// Gives storage back after a burst.
    void trim() noexcept { near_.trim(); }

private:
    static constexpr std::int64_t earlier(std::int64_t a, std::int64_t b) noexcept {
        return a < b ? a : b;
    }
    static constexpr int slot_bits = 20; // 1.05 ms
    static constexpr int level_bits = 10;
    static constexpr std::size_t level_size = std::size_t{1} << level_bits;
    static constexpr std::size_t levels = 3;
    static constexpr int scan_max = 32;

    using Node = TimerSlot;
    using List = IntrusiveList<Node>;

    struct Place {
        std::size_t level;
        std::size_t index;
    };
    struct Candidate { // the next list, or the far heap (level == levels)
        std::size_t level;
        std::size_t index;
        std::int64_t slot; // where it begins
    };

    struct Wheel {
        std::array<std::array<List, level_size>, levels> lists;
        std::array<std::array<std::uint64_t, level_size / 64>, levels> used{}; // a bit a list

        void push_back(Place place, Timer* timer) noexcept {
            lists[place.level][place.index].push_back(timer);
            mark(place);
        }
        void push_front(Place place, Timer* timer) noexcept {
            lists[place.level][place.index].push_front(timer);
            mark(place);
        }
        void remove(Place place, Timer* timer) noexcept {
            List& list = lists[place.level][place.index];
            list.remove(timer);
            timer->set_nowhere();
            if (list.empty()) clear(place);
        }
        List take(Place place) noexcept {
            clear(place);
            return lists[place.level][place.index].take();
        }
        void mark(Place place) noexcept {
            used[place.level][place.index / 64] |= std::uint64_t{1} << (place.index % 64);
        }
        void clear(Place place) noexcept {
            used[place.level][place.index / 64] &= ~(std::uint64_t{1} << (place.index % 64));
        }
        /// How many lists after `from` the next used one comes (1..level_size); 0: none.
        std::size_t distance_to_used(std::size_t level, std::size_t from) const noexcept {
            for (std::size_t step = 1; step <= level_size;) {
                const std::size_t index = (from + step) % level_size;
                const std::uint64_t word = used[level][index / 64] >> (index % 64);
                if (word != 0) {
                    const std::size_t found =
                        step + static_cast<std::size_t>(std::countr_zero(word));
                    return found <= level_size ? found : 0;
                }
                step += 64 - index % 64;
            }
            return 0;
        }
    };

    static std::int64_t slot_of(std::int64_t when) noexcept { return when >> slot_bits; }
    static std::size_t index_of(std::int64_t slot, std::size_t level) noexcept {
        return static_cast<std::size_t>(slot >> (level_bits * static_cast<int>(level))) %
               level_size;
    }
    /// Does a list of this level begin with `slot`?
    static bool begins(std::int64_t slot, std::size_t level) noexcept {
        return (slot & ((std::int64_t{1} << (level_bits * static_cast<int>(level))) - 1)) == 0;
    }
    static Timer* timer_of(Node* node) noexcept { return static_cast<Timer*>(node); }

    /// Where a slot later than base_ belongs.
    Place place_of(std::int64_t slot) const noexcept {
        for (std::size_t level = 0; level < levels; ++level) {
            const int shift = level_bits * static_cast<int>(level);
            if ((slot >> shift) - (base_ >> shift) < static_cast<std::int64_t>(level_size)) {
                return {level, index_of(slot, level)};
            }
        }
        return {levels, 0};
    }

    /// The list that a linked timer heads, or else any: only at the head does it matter. A timer
    /// may stand on a higher level than it would be put now.
    Place list_of(const Timer* timer, std::int64_t slot) const noexcept {
        Place place{0, 0};
        for (std::size_t level = 0; level < levels; ++level) {
            place = {level, index_of(slot, level)};
            if (wheel_->lists[place.level][place.index].front() == timer) break;
        }
        return place;
    }

    Timer* pop_near() noexcept {
        Timer* timer = near_.top().timer;
        near_.pop();
        --size_;
        return timer;
    }

    /// The first list of a level; slot is INT64_MAX if there is none.
    Candidate first_of(std::size_t level) const noexcept {
        const int shift = level_bits * static_cast<int>(level);
        const std::int64_t block = base_ >> shift;
        const std::size_t from = static_cast<std::size_t>(block) % level_size;
        const std::size_t distance = wheel_->distance_to_used(level, from);
        if (distance == 0) return {level, 0, INT64_MAX};
        return {level, (from + distance) % level_size,
                (block + static_cast<std::int64_t>(distance)) << shift};
    }

    /// The earliest deadline of a list; of a long one, when it begins.
    std::int64_t earliest_in(const Candidate& place) const noexcept {
        const List& list = wheel_->lists[place.level][place.index];
        std::int64_t least = INT64_MAX;
        int left = scan_max;
        for (const Node* node = list.front(); node != nullptr; node = list.after(node)) {
            if (--left < 0) return place.slot << slot_bits;
            least = earlier(node->when, least);
        }
        return least;
    }

    /// What begins first.
    Candidate next_candidate() const noexcept {
        Candidate next{0, 0, INT64_MAX};
        for (std::size_t level = 0; wheel_ && level < levels; ++level) {
            const Candidate first = first_of(level);
            if (first.slot < next.slot) next = first;
        }
        if (!far_.empty() && slot_of(far_.top().when) < next.slot) {
            next = {levels, 0, slot_of(far_.top().when)};
        }
        return next;
    }

    void advance(std::int64_t to) {
        for (;;) {
            const Candidate next = next_candidate();
            if (next.slot > to) break;
            begin_slot(next.slot);
        }
        base_ = to;
    }

    /// Takes up whatever begins with this slot, oldest first, so that ties keep their order.
    void begin_slot(std::int64_t slot) {
        reserve_for(slot);
        base_ = slot;
        while (!far_.empty() && slot_of(far_.top().when) <= slot) {
            Timer* timer = far_.top().timer;
            far_.pop();
            near_.push(timer, timer->when);
        }
        for (std::size_t level = levels; wheel_ && level-- > 0;) {
            if (begins(slot, level)) spread(wheel_->take({level, index_of(slot, level)}));
        }
    }

    /// Distributes a list: what is due in the present slot to the heap, the rest to lower levels,
    /// before what stands there: it is older.
    void spread(List list) noexcept {
        List later;
        while (Node* node = list.pop_front()) {
            node->set_nowhere();
            Timer* timer = timer_of(node);
            if (slot_of(timer->when) <= base_) {
                near_.push(timer, timer->when);
            } else {
                later.push_back(node);
            }
        }
        while (!later.empty()) {
            Node* last = static_cast<Node*>(later.front()->prev);
            later.remove(last);
            wheel_->push_front(place_of(slot_of(last->when)), timer_of(last));
        }
    }

    /// After this, taking up `slot` allocates nothing.
    void reserve_for(std::int64_t slot) {
        std::size_t count = far_.size();
        for (std::size_t level = 0; wheel_ && level < levels; ++level) {
            if (!begins(slot, level)) continue;
            const List& list = wheel_->lists[level][index_of(slot, level)];
            for (const Node* node = list.front(); node != nullptr; node = list.after(node)) {
                count += slot_of(node->when) <= slot ? 1 : 0;
            }
        }
        near_.reserve_more(count);
    }

    TimerHeap<Timer> near_; // slots up to base_
    TimerHeap<Timer> far_; // beyond the wheel
    std::unique_ptr<Wheel> wheel_;
    std::int64_t base_ = INT64_MIN >> slot_bits;
    std::size_t size_ = 0;
};

} // namespace asyncio::base
