// SPDX-License-Identifier: MIT
// A batch: one function, called with several sets of arguments, and what came of it.
#pragma once

#include "multiprocessing/payloads.h"

#include <exception>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

namespace multiprocessing {

/// Packs an exception: with its type if that is a known or registered one, its text always.
std::string pack_exception(const std::exception_ptr& error);
/// The exception again; a RemoteError if its type is not known here.
/// Throws    PicklingError: the bytes are no exception.
std::exception_ptr unpack_exception(std::string_view bytes);

/// What stands for the result of a function that returns void.
template <class R>
using Result = std::conditional_t<std::is_void_v<R>, std::monostate, std::remove_cvref_t<R>>;

/// As many results as there were until a call threw, and what it threw.
template <class R>
struct Batch {
    std::vector<Result<R>> results;
    std::exception_ptr error;
};

namespace detail {

/// In front of each part of a reply.
enum class Part : unsigned char { end, result, error };

template <class R>
void pack_result(Packer& reply, const Result<R>& result) {
    if constexpr (std::is_void_v<R>) {
        reply.add(static_cast<unsigned char>(Part::result));
    } else {
        reply.add(static_cast<unsigned char>(Part::result)).add(result);
    }
}

template <class R, class... P>
Result<R> call_once(R (*function)(P...), std::tuple<std::decay_t<P>...> arguments) {
    if constexpr (std::is_void_v<R>) {
        std::apply(function, std::move(arguments));
        return {};
    } else {
        return std::apply(
            [function](auto&... each) -> R { return function(static_cast<P&&>(each)...); },
            arguments);
    }
}

/// In a worker: takes the arguments of each call from `calls`, until there are none, or one throws.
/// Returns   the reply, packed.
template <class R, class... P>
std::string run_batch(void (*erased)(), std::string_view calls) {
    auto* const function = reinterpret_cast<R (*)(P...)>(erased);
    Packer reply;
    Unpacker arguments(calls);
    std::size_t complete = 0;
    try {
        while (!arguments.at_end()) {
            auto call = arguments.take<std::tuple<unsigned char, std::decay_t<P>...>>();
            auto rest = std::apply(
                [](unsigned char, auto&... each) {
                    return std::tuple<std::decay_t<P>...>(std::move(each)...);
                },
                call);
            pack_result<R>(reply, call_once(function, std::move(rest)));
            complete = reply.mark();
        }
        reply.add(static_cast<unsigned char>(Part::end));
    } catch (...) {
        reply.take_back(complete);
        reply.add(static_cast<unsigned char>(Part::error),
                  pack_exception(std::current_exception()));
    }
    return std::move(reply).take();
}

} // namespace detail

/// Packs the arguments of one call of a function that takes P...
template <class... P, class... Args>
void pack_call(Packer& calls, Args&&... args) {
    // A byte of its own: so that a call without arguments is seen as well.
    const std::tuple<unsigned char, std::decay_t<P>...> call(1, std::forward<Args>(args)...);
    calls.add(call);
}

/// What a reply says.
/// Throws    PicklingError.
template <class R>
Batch<R> unpack_batch(std::string_view reply) {
    Batch<R> batch;
    Unpacker parts(reply);
    for (;;) {
        const auto part = static_cast<detail::Part>(parts.take<unsigned char>());
        if (part == detail::Part::end) return batch;
        if (part == detail::Part::error) {
            batch.error = unpack_exception(parts.take<std::string>());
            return batch;
        }
        if constexpr (std::is_void_v<R>) {
            batch.results.emplace_back();
        } else {
            batch.results.push_back(parts.take<Result<R>>());
        }
    }
}

} // namespace multiprocessing
