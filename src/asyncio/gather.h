// SPDX-License-Identifier: MIT
// gather: several awaitables at once, and all their results.
#pragma once

#include "asyncio/children.h"

namespace asyncio {

namespace detail {

enum class GatherMode : unsigned char {
    first_error, // the first failure completes the outer future
    or_cancel,   // the same, after the others have been cancelled and have ended
    outcomes,    // failures are results
};

struct GatherPart;

/// A child that is a task of the gather's own: it knows its slot by its cold part's word.
struct GatherSlot {
    GatherSlot(GatherPart& owner, FutureState* counted_child) noexcept
        : part(&owner), child(counted_child) {}
    bool waits() const noexcept { return child != nullptr && child->has(FutureState::gathered); }
    void leave() noexcept { leave_gather(child); }

    GatherPart* part;
    FutureState* child; // counted; null once nothing more is wanted of it
};

/// A child that was given as a future: a node in its line of who is told at the end. Waiter::task
/// is the outer future.
struct GatherNode final : LinkedWaiter {
    GatherNode(GatherPart& part, FutureState* counted_child) noexcept;
    ~GatherNode() = default;
    void fired() noexcept override;
    void abandon() noexcept override {}
    FutureState* awaiting() const noexcept override { return nullptr; }
    FutureState* behind() const noexcept override { return task; }
    const char* label() const noexcept override { return "gather"; }
    bool waits() const noexcept { return linked(); }
    void leave() noexcept { child->callbacks.remove(this); }

    FutureState* child; // as a slot's
};

/// How the value of a gather is made.
struct GatherCollector {
    void (*collect)(GatherPart&); // in the outer state; may throw
    bool wants_children; // no: a child that has ended well is let go of at once
};

/// What the outer futures of all gathers have behind their value.
struct GatherPart : Hop { // queued: holds a count of the outer future
    GatherPart(FutureState* of_outer, GatherMode how, const GatherCollector* by) noexcept
        : Hop(&run_queued, &drop_queued), outer(of_outer), collector(by), mode(how) {}
    ~GatherPart() { detach(false); }

    static GatherPart& of(FutureState* outer) noexcept {
        return *reinterpret_cast<GatherPart*>(reinterpret_cast<char*>(outer) + outer->ops->bytes -
                                              sizeof(GatherPart));
    }

    /// Room for the children. `own`: all are tasks that it makes, and that nobody else knows.
    void reserve(std::size_t count, bool own);
    /// The next child. `own`: a task that it has made.
    void add(StateRef child, bool own) noexcept;
    /// All are added: completes the outer future if that is decided already.
    void start() noexcept;

    std::size_t size() const noexcept { return slots.size() + nodes.size(); }
    FutureState*& child(std::size_t i) noexcept {
        return slots.capacity() != 0 ? slots[i].child : nodes[i].child;
    }
    template <class F>
    void for_each(F&& f) { // slots or nodes; never both
        for (GatherSlot& slot : slots) f(slot);
        for (GatherNode& node : nodes) f(node);
    }

    void child_ended(FutureState*& child) noexcept;
    void child_ended_well(FutureState*& child) noexcept;
    void child_failed(FutureState*& child) noexcept;
    void queue() noexcept;
    void settle() noexcept;
    void finish() noexcept;
    void cancel_children(std::string_view message) noexcept;
    void cancel_child(std::size_t i, std::string_view message) noexcept;
    void forget_children() noexcept;
    void detach(bool failures_are_seen) noexcept;
    bool takes_cancel() noexcept;
    static void run_queued(Hop* hop);
    static void drop_queued(Hop* hop) noexcept;

    FutureState* outer;
    base::FixedArray<GatherSlot> slots; // by argument, if it has made all of them
    base::FixedArray<GatherNode> nodes; // by argument, else
    std::size_t unfinished = 0; // those that wait
    const GatherCollector* collector;
    FutureState** failed = nullptr; // the first one
    GatherPart* cancelling = nullptr;   // whom the cancel comes from, while it is under way
    std::size_t cursor = 0;             // how far it has come
    GatherMode mode;
    bool queued = false;                // as a Hop
    bool cancel_requested = false;
    bool children_cancelled = false;
};

template <class V>
struct GatherState : TypedState<V> {
    GatherState(const StateOps* operations, std::uint16_t loop_index, std::source_location where,
                GatherMode mode, const GatherCollector* collector) noexcept
        : TypedState<V>(operations, std::uint16_t{0}, loop_index, where),
          part(this, mode, collector) {}
    GatherPart part; // the last member: GatherPart::of finds it there
};

bool cancel_gather(FutureState* outer, std::string_view message);
/// The outer future of the gather that has made a task and waits for it; null: none.
FutureState* gather_of(const FutureState* task) noexcept;
void destroy_gather(FutureState* outer) noexcept;

template <class V>
inline constexpr StateOps gather_ops{sizeof(GatherState<V>), (alignof(V) > 8),     0,
                                     &destroy_value<V>,      &state_value_text<V>, &cancel_gather,
                                     &destroy_gather};

/// The outer future of `count` children to come. One count.
template <class V>
FutureState* make_gather(LoopCore& loop, GatherMode mode, const GatherCollector* collector,
                         std::size_t count, bool own) {
    static_assert(sizeof(GatherState<V>) % 8 == 0 && alignof(GatherPart) == 8);
    auto* state = make_state<GatherState<V>>(gather_ops<V>, loop.index,
                                             std::source_location::current(), mode, collector);
    StateRef owner = StateRef::adopt(state);
    state->part.reserve(count, own && !loop.has_task_factory);
    return owner.release_ownership();
}

template <class T>
using not_void_t = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// What stands in the result for a child that gives T.
template <class T, GatherMode Mode>
using gathered_t = std::conditional_t<Mode == GatherMode::outcomes, Outcome<T>, not_void_t<T>>;

/// Takes the result of a done child and lets go of it.
template <class T, GatherMode Mode>
gathered_t<T, Mode> take_gathered(FutureState*& counted_child) {
    const StateRef child = StateRef::adopt(std::exchange(counted_child, nullptr));
    if constexpr (Mode == GatherMode::outcomes) {
        if (child && child->failed()) {
            return Outcome<T>::with_exception(exception_of(child.get()));
        }
        if constexpr (std::is_void_v<T>) {
            return Outcome<T>::with_value();
        } else {
            return Outcome<T>::with_value(take_value<T>(child.get()));
        }
    } else if constexpr (std::is_void_v<T>) {
        return {};
    } else {
        return take_value<T>(child.get());
    }
}

template <GatherMode Mode, class... T>
struct CollectTuple {
    using Value = std::tuple<gathered_t<T, Mode>...>;
    static void collect(GatherPart& part) {
        collect_in_order(part, std::index_sequence_for<T...>());
    }
    template <std::size_t... I>
    static void collect_in_order([[maybe_unused]] GatherPart& part, std::index_sequence<I...>) {
        ::new (part.outer->cell.payload()) Value(take_gathered<T, Mode>(part.child(I))...);
    }
    static constexpr GatherCollector collector{&collect, !(std::is_void_v<T> && ...)};
};

template <GatherMode Mode, class T>
struct CollectVector {
    using Value = std::vector<gathered_t<T, Mode>>;
    static void collect(GatherPart& part) {
        if constexpr (std::is_same_v<gathered_t<T, Mode>, std::monostate>) {
            ::new (part.outer->cell.payload()) Value(part.size());
        } else {
            collect_in_order(part);
        }
    }
    static void collect_in_order(GatherPart& part) {
        Value values;
        values.reserve(part.size());
        part.for_each([&](auto& place) { values.push_back(take_gathered<T, Mode>(place.child)); });
        ::new (part.outer->cell.payload()) Value(std::move(values));
    }
    static constexpr GatherCollector collector{&collect, !std::is_void_v<T>};
};

template <class A>
inline constexpr bool makes_task = !is_future_handle<std::decay_t<A>>;

template <class A>
void add_child(GatherPart& part, A&& child, LoopCore& loop) {
    const auto handle = to_future(std::forward<A>(child), loop);
    part.add(StateRef(handle.state()), makes_task<A>);
}

template <GatherMode Mode, class... A>
auto gather_arguments(A&&... awaitables) {
    static_assert((!std::is_reference_v<child_result_t<child_handle_t<A>>> && ...),
                  "a gather cannot hold references: return a pointer");
    using Collector = CollectTuple<Mode, child_result_t<child_handle_t<A>>...>;
    using Value = typename Collector::Value;
    LoopCore* loop = here.loop;
    if constexpr (sizeof...(A) == 0) loop = &running_or_current_loop();
    (join_loop_of(loop, std::as_const(awaitables)), ...);
    constexpr bool own = (makes_task<A> && ...);
    Future<Value> outer{
        StateRef::adopt(make_gather<Value>(*loop, Mode, &Collector::collector, sizeof...(A), own))};
    GatherPart& part = GatherPart::of(outer.state());
    (add_child(part, std::forward<A>(awaitables), *loop), ...);
    part.start();
    return outer;
}

template <GatherMode Mode, class R>
auto gather_range(R&& awaitables) {
    if constexpr (!requires { std::size(awaitables); }) {
        return gather_range<Mode>(elements_of(std::forward<R>(awaitables)));
    } else {
        using Made = child_handle_t<element_t<R>>;
        static_assert(!std::is_reference_v<child_result_t<Made>>,
                      "a gather cannot hold references: return a pointer");
        using Collector = CollectVector<Mode, child_result_t<Made>>;
        using Value = typename Collector::Value;
        LoopCore* loop = here.loop;
        if constexpr (!makes_task<element_t<R>>) {
            for (const auto& child : awaitables) join_loop_of(loop, child);
        }
        if (loop == nullptr) loop = &running_or_current_loop();
        const std::size_t count = std::size(awaitables);
        constexpr bool own = makes_task<element_t<R>>;
        Future<Value> outer{
            StateRef::adopt(make_gather<Value>(*loop, Mode, &Collector::collector, count, own))};
        GatherPart& part = GatherPart::of(outer.state());
        for (auto&& child : awaitables) {
            if (part.size() == count) break;
            add_child(part, hand_over<R>(std::forward<decltype(child)>(child)), *loop);
        }
        part.start();
        return outer;
    }
}

} // namespace detail

/// Awaits all at once: coroutines and operations become tasks, futures and tasks are taken as they
/// are (the same one may be given twice).
///
/// The first failure comes out at once; the other children go on, and what they fail with later
/// is not reported. A child that is cancelled has failed with CancelledError. Dropping the future
/// stops nothing. For children that end together, task_group() or gather_or_cancel() is the better
/// choice.
///
/// Returns   a future of std::tuple: the results in the order of the arguments; std::monostate for
///           void. Done already if all children are; of no arguments: done, std::tuple<>.
/// Throws    ValueError: futures of different loops. RuntimeError: there is no loop.
///           std::bad_alloc. The future fails with what the first child to fail failed with.
/// Cancel    cancels all children that are not done; ends with CancelledError when one of them has
///           ended by it, or all have ended. Returns false if there was none. Once the future is
///           done, the children are left alone.
/// Cost      one state, one array; nothing for a child besides its task. Two turns after the last
///           one ended.
/// Source    CPython 3.14 asyncio.gather.  Differs: `return_exceptions` is gather_outcomes(); a
///           child given twice is cancelled once; a result that cannot be copied goes to the first
///           place.
template <class... A>
    requires(detail::Child<A> && ...)
auto gather(A&&... awaitables) {
    return detail::gather_arguments<detail::GatherMode::first_error>(
        std::forward<A>(awaitables)...);
}

/// The same of a range: a future of std::vector.
///
/// awaitables   coroutines: an rvalue, they are moved out. Handles of an lvalue are copied.
/// Cancel    as above.
template <class R>
    requires(detail::Children<R> && !Awaitable<std::decay_t<R>>)
auto gather(R&& awaitables) {
    return detail::gather_range<detail::GatherMode::first_error>(std::forward<R>(awaitables));
}

/// As gather; each result is an Outcome, and all children end before the future does.
///
/// Cancel    cancels all children that are not done, waits for all, and ends with CancelledError.
/// Source    CPython 3.14 asyncio.gather with return_exceptions=True.
template <class... A>
    requires(detail::Child<A> && ...)
auto gather_outcomes(A&&... awaitables) {
    return detail::gather_arguments<detail::GatherMode::outcomes>(std::forward<A>(awaitables)...);
}
/// The same of a range.
/// Cancel    as above.
template <class R>
    requires(detail::Children<R> && !Awaitable<std::decay_t<R>>)
auto gather_outcomes(R&& awaitables) {
    return detail::gather_range<detail::GatherMode::outcomes>(std::forward<R>(awaitables));
}

/// As gather; but after the first failure the other children are cancelled, and the future fails
/// when they have ended. No child still runs when it is done.
///
/// Throws    as gather. What other children fail with besides is reported as never retrieved,
///           unless somebody holds them: task_group() gives all errors.
/// Cancel    cancels all children that are not done, waits for all, and ends with CancelledError.
/// Source    (C++ only: the answer to orphans of a gather that failed)
template <class... A>
    requires(detail::Child<A> && ...)
auto gather_or_cancel(A&&... awaitables) {
    return detail::gather_arguments<detail::GatherMode::or_cancel>(std::forward<A>(awaitables)...);
}
/// The same of a range.
/// Cancel    as above.
template <class R>
    requires(detail::Children<R> && !Awaitable<std::decay_t<R>>)
auto gather_or_cancel(R&& awaitables) {
    return detail::gather_range<detail::GatherMode::or_cancel>(std::forward<R>(awaitables));
}

} // namespace asyncio
