// SPDX-License-Identifier: MIT
// Outcome: how an awaitable ended, as a value: with a result, an exception or a cancellation.
#pragma once

#include "asyncio/exceptions.h"

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant> // std::monostate

namespace asyncio {

/// How an awaitable ended. Looking at it throws nothing; value() does.
///
/// T   may be void: value() then only throws or not.
template <class T = void>
class [[nodiscard]] Outcome {
    using Stored = std::conditional_t<
        std::is_void_v<T>, std::monostate,
        std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

public:
    Outcome(const Outcome& other) : kind_(other.kind_) {
        if (kind_ == Kind::value) {
            std::construct_at(&value_, other.value_);
        } else {
            std::construct_at(&error_, other.error_);
        }
    }
    Outcome(Outcome&& other) noexcept(std::is_nothrow_move_constructible_v<Stored>)
        : kind_(other.kind_) {
        if (kind_ == Kind::value) {
            std::construct_at(&value_, std::move(other.value_));
        } else {
            std::construct_at(&error_, std::move(other.error_));
        }
    }
    Outcome& operator=(Outcome other) noexcept(std::is_nothrow_move_constructible_v<Stored>) {
        this->~Outcome();
        std::construct_at(this, std::move(other));
        return *this;
    }
    ~Outcome() {
        if (kind_ == Kind::value) {
            std::destroy_at(&value_);
        } else {
            std::destroy_at(&error_);
        }
    }

    /// Of the value T(args...); of no arguments for void.
    template <class... Args>
    static Outcome with_value(Args&&... args) {
        return Outcome(std::in_place, std::forward<Args>(args)...);
    }
    /// Of a CancelledError: a cancellation.
    static Outcome with_exception(std::exception_ptr error) {
        const bool cancelled = is_exception<CancelledError>(error);
        return Outcome(cancelled ? Kind::cancelled : Kind::error, std::move(error));
    }
    static Outcome with_cancellation(const std::string& message = {}) {
        return Outcome(Kind::cancelled, message.empty()
                                            ? std::exception_ptr()
                                            : std::make_exception_ptr(CancelledError(message)));
    }

    // Exactly one of the three is true.
    bool has_value() const noexcept { return kind_ == Kind::value; }
    explicit operator bool() const noexcept { return has_value(); }
    bool cancelled() const noexcept { return kind_ == Kind::cancelled; }
    bool has_exception() const noexcept { return kind_ == Kind::error; }

    /// What it ended with: null for a value, a CancelledError for a cancellation.
    std::exception_ptr exception() const {
        if (kind_ == Kind::value) return nullptr;
        if (!error_) return std::make_exception_ptr(CancelledError());
        return error_;
    }

    /// The value.  Throws what it ended with, if that was not a value.
    decltype(auto) value() const& {
        throw_unless_value();
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*value_);
        } else if constexpr (!std::is_void_v<T>) {
            return (value_);
        }
    }
    decltype(auto) value() & {
        throw_unless_value();
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*value_);
        } else if constexpr (!std::is_void_v<T>) {
            return (value_);
        }
    }
    T value() && {
        throw_unless_value();
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*value_);
        } else if constexpr (!std::is_void_v<T>) {
            return std::move(value_);
        }
    }

private:
    enum class Kind : unsigned char { value, error, cancelled };

    template <class... Args>
    explicit Outcome(std::in_place_t, Args&&... args) : kind_(Kind::value) {
        if constexpr (std::is_reference_v<T>) {
            std::construct_at(&value_, std::addressof(args)...);
        } else {
            std::construct_at(&value_, std::forward<Args>(args)...);
        }
    }
    Outcome(Kind kind, std::exception_ptr error) noexcept : kind_(kind) {
        std::construct_at(&error_, std::move(error));
    }

    void throw_unless_value() const {
        if (kind_ == Kind::value) return;
        if (!error_) throw CancelledError();
        std::rethrow_exception(error_);
    }

    Kind kind_;
    union {
        Stored value_;
        std::exception_ptr error_; // null: a cancellation without a message
    };
};

} // namespace asyncio
