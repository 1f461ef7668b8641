// SPDX-License-Identifier: MIT
// Children: what gather, wait and as_completed are given, as handles of futures.
#pragma once

#include "asyncio/tasks.h"
#include "base/fixed_array.h"

#include <concepts>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace asyncio::detail {

/// An awaitable that can be handed over: a coroutine by move, a handle also by copy.
template <class A>
concept Child = Awaitable<std::decay_t<A>> && std::constructible_from<std::decay_t<A>, A>;

/// An element of an R: moved out of an rvalue, copied from an lvalue.
template <class R, class E>
decltype(auto) hand_over(E&& element) noexcept {
    if constexpr (std::is_lvalue_reference_v<R>) {
        return std::forward<E>(element);
    } else {
        // NOLINTNEXTLINE(bugprone-move-forwarding-reference): the range is an rvalue, so this is.
        return std::move(element);
    }
}

template <class R>
using range_reference_t = decltype(*std::begin(std::declval<std::remove_reference_t<R>&>()));
template <class R>
using element_t =
    decltype(hand_over<R>(std::declval<range_reference_t<R>>())); // what an element is taken from

/// A range of awaitables.
template <class R>
concept Children = requires(std::remove_reference_t<R>& range) {
    { std::begin(range) != std::end(range) } -> std::convertible_to<bool>;
} && Child<element_t<R>>;

/// A range of handles: no coroutines.
template <class R>
concept Handles = Children<R> && is_future_handle<std::decay_t<element_t<R>>>;

/// The handle of the future that a combinator makes of an A, or takes as it is.
template <class A>
using child_handle_t = decltype(to_future(std::declval<A>(), std::declval<LoopCore&>()));

template <class H>
struct ChildResult {
    using type = typename H::value_type;
};
template <>
struct ChildResult<AnyFuture> {
    using type = void;
};
template <>
struct ChildResult<AnyTask> {
    using type = void;
};
template <class H>
using child_result_t = typename ChildResult<H>::type;

/// Settles whose loop children belong to: the running one, else that of the first.
/// Throws    ValueError: `child` is of another. RuntimeError: its loop is gone.
void join_loop(LoopCore*& loop, const FutureState* child);

template <class A>
void join_loop_of(LoopCore*& loop, const A& child) {
    if constexpr (is_future_handle<A>) {
        join_loop(loop, child.state());
    } else {
        if (loop == nullptr) loop = &running_or_current_loop();
    }
}

/// All elements, each once, in the order given.
template <class R>
auto elements_of(R&& range) {
    std::vector<std::decay_t<element_t<R>>> all;
    if constexpr (requires { std::size(range); }) all.reserve(std::size(range));
    for (auto&& element : range)
        all.push_back(hand_over<R>(std::forward<decltype(element)>(element)));
    return all;
}

/// Takes out handles of futures that stand further in front.
template <class H>
void drop_repeated(std::vector<H>& handles) noexcept {
    auto kept = handles.begin();
    for (H& handle : handles) {
        if (handle.state()->has(FutureState::marked)) continue;
        handle.state()->set(FutureState::marked);
        if (&*kept != &handle) *kept = std::move(handle);
        ++kept;
    }
    handles.erase(kept, handles.end());
    for (H& handle : handles) handle.state()->clear(FutureState::marked);
}

} // namespace asyncio::detail
