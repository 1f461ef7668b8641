// SPDX-License-Identifier: MIT
// Bodies: what `async with` has indented below it is a callable or an awaitable here.
#pragma once

#include "asyncio/tasks.h"

#include <optional>

namespace asyncio::detail {

/// The scope of a body that is given none.
struct NoScope {};

/// Begins a body: calls it with its scope, or without; an awaitable is handed on as it is.
template <class B, class Scope>
decltype(auto) begin_body(B& body, [[maybe_unused]] Scope& scope) {
    if constexpr (Awaitable<B>) {
        return std::move(body);
    } else if constexpr (std::is_invocable_v<B&, Scope&>) {
        return body(scope);
    } else {
        return body();
    }
}

/// An awaitable, or a callable that makes one of its scope or of nothing.
template <class B, class Scope = NoScope>
concept Body = Awaitable<B> || requires(B& body, Scope& scope) {
    { body(scope) } -> Awaitable;
} || requires(B& body) {
    { body() } -> Awaitable;
};

template <class B, class Scope>
using begun_t = decltype(begin_body(std::declval<B&>(), std::declval<Scope&>()));

/// What a body gives when it is awaited.
template <class B, class Scope = NoScope>
using body_result_t = task_result_t<begun_t<B, Scope>>;

/// Awaits a body and gives its end as a value, also if it fails before it has begun to wait.
///
/// Lifetime  refers to the body and its scope: they stay until the await has ended.
template <class B, class Scope>
class [[nodiscard]] BodyAwaiter {
    using Begun = begun_t<B, Scope>;
    using Value = body_result_t<B, Scope>;
    using Inner = std::remove_reference_t<awaiter_t<Begun>>;

public:
    BodyAwaiter(B& body, Scope& scope) noexcept : body_(body), scope_(scope) {}
    BodyAwaiter(const BodyAwaiter&) = delete; // what it awaits holds its address
    BodyAwaiter& operator=(const BodyAwaiter&) = delete;

    bool await_ready(std::source_location where = std::source_location::current()) {
        try {
            Inner& inner = work_.emplace(body_, scope_).inner;
            if constexpr (requires { inner.await_ready(where); }) {
                return inner.await_ready(where);
            } else {
                return inner.await_ready();
            }
        } catch (...) {
            failure_ = std::current_exception();
            return true;
        }
    }

    template <class Promise>
    auto await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) {
        using Result = decltype(suspend(frame, where));
        if constexpr (std::is_void_v<Result> || std::is_same_v<Result, bool>) {
            try {
                if constexpr (std::is_void_v<Result>) {
                    suspend(frame, where);
                    return true;
                } else {
                    return suspend(frame, where);
                }
            } catch (...) {
                failure_ = std::current_exception();
                return false;
            }
        } else {
            try {
                return std::coroutine_handle<>(suspend(frame, where));
            } catch (...) {
                failure_ = std::current_exception();
                return std::coroutine_handle<>(frame);
            }
        }
    }

    Outcome<Value> await_resume() {
        if (failure_) return Outcome<Value>::with_exception(std::move(failure_));
        Inner& inner = work_->inner;
        if constexpr (requires {
                          { inner.await_outcome() } -> std::same_as<Outcome<Value>>;
                      }) {
            return inner.await_outcome();
        } else {
            return caught(inner);
        }
    }

private:
    struct Work {
        Work(B& body, Scope& scope)
            : begun(begin_body(body, scope)), inner(awaiter_of(std::forward<Begun>(begun))) {}
        Begun begun; // a reference if the body is the awaitable
        awaiter_t<Begun> inner;
    };

    template <class Promise>
    auto suspend(std::coroutine_handle<Promise> frame, std::source_location where) {
        if constexpr (requires { work_->inner.await_suspend(frame, where); }) {
            return work_->inner.await_suspend(frame, where);
        } else {
            return work_->inner.await_suspend(frame);
        }
    }

    static Outcome<Value> caught(Inner& inner) {
        try {
            if constexpr (std::is_void_v<Value>) {
                inner.await_resume();
                return Outcome<Value>::with_value();
            } else {
                return Outcome<Value>::with_value(inner.await_resume());
            }
        } catch (...) {
            return Outcome<Value>::with_exception(std::current_exception());
        }
    }

    B& body_;
    Scope& scope_;
    std::optional<Work> work_;
    std::exception_ptr failure_;
};

} // namespace asyncio::detail
