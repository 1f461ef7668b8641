// SPDX-License-Identifier: MIT
// Exceptions: Python's tree, with cancellation outside std::exception, and exception groups.
#pragma once

#include "os/errors.h"

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <vector>

namespace asyncio {

/// The root of what `catch (const std::exception&)` must not swallow: cancellation and interrupts.
class BaseException {
public:
    explicit BaseException(std::string_view message = {}) : message_(message) {}
    virtual ~BaseException() = default;

    const std::string& message() const noexcept { return message_; } // may be empty
    const char* what() const noexcept { return message_.c_str(); }

protected:
    BaseException(const BaseException&) = default;
    BaseException& operator=(const BaseException&) = default;

private:
    std::string message_;
};

/// The awaiting task was cancelled. Catch it to clean up, then let it go on.
struct CancelledError final : BaseException {
    using BaseException::BaseException;
};
/// Ctrl-C, a second time, or after the main task is done. Leaves the loop at once.
struct KeyboardInterrupt final : BaseException {
    using BaseException::BaseException;
};
/// Asks the program to end. Leaves the loop at once.
struct SystemExit final : BaseException {
    using BaseException::BaseException;
    explicit SystemExit(int status) : BaseException(std::to_string(status)), code(status) {}
    int code = 0;
};
/// Thrown at the `co_yield` of an asynchronous generator that is being closed.
struct GeneratorExit final : BaseException {
    using BaseException::BaseException;
};

/// Errors without an errno: Python's Exception.
struct Error : std::runtime_error {
    Error() : std::runtime_error(std::string()) {}
    explicit Error(const std::string& message) : std::runtime_error(message) {}
};
struct ValueError : Error {
    using Error::Error;
};
struct TypeError : Error {
    using Error::Error;
};
struct RuntimeError : Error {
    using Error::Error;
};
struct NotImplementedError : RuntimeError {
    using RuntimeError::RuntimeError;
};
struct LookupError : Error {
    using Error::Error;
};
struct IndexError : LookupError {
    using LookupError::LookupError;
};
struct KeyError : LookupError {
    using LookupError::LookupError;
};
struct ArithmeticError : Error {
    using Error::Error;
};
struct ZeroDivisionError : ArithmeticError {
    using ArithmeticError::ArithmeticError;
};
struct EOFError : Error {
    using Error::Error;
};
/// An operation does not fit the state of a future or task.
struct InvalidStateError : Error {
    using Error::Error;
};
struct BrokenBarrierError : RuntimeError {
    using RuntimeError::RuntimeError;
};
struct QueueEmpty : Error {
    using Error::Error;
};
struct QueueFull : Error {
    using Error::Error;
};
struct QueueShutDown : Error {
    using Error::Error;
};
/// A read ended by the end of the stream before all was there.
struct IncompleteReadError : EOFError {
    IncompleteReadError(std::string partial_bytes, std::optional<std::size_t> expected_bytes);
    std::string partial;
    std::optional<std::size_t> expected; // nothing: up to a separator
};
/// A separator was not found within the limit of the reader.
struct LimitOverrunError : Error {
    LimitOverrunError(const std::string& message, std::size_t consumed_bytes)
        : Error(message), consumed(consumed_bytes) {}
    std::size_t consumed;
};
struct SendfileNotAvailableError : RuntimeError {
    using RuntimeError::RuntimeError;
};

using os::BlockingIOError;
using os::BrokenPipeError;
using os::ChildProcessError;
using os::ConnectionAbortedError;
using os::ConnectionError;
using os::ConnectionRefusedError;
using os::ConnectionResetError;
using os::FileExistsError;
using os::FileNotFoundError;
using os::InterruptedError;
using os::IsADirectoryError;
using os::NotADirectoryError;
using os::OSError;
using os::PermissionError;
using os::ProcessLookupError;
using os::TimeoutError;

/// The exception's type as Python writes it: "ValueError"; without namespaces.
std::string type_name(const std::exception_ptr& error);
/// Its message: what(). Empty for types that have none.
std::string message_of(const std::exception_ptr& error);
/// Python's form: "ValueError('text')", "CancelledError()".
std::string repr(const std::exception_ptr& error);
std::string repr(const std::exception& error);
std::string repr(const BaseException& error);

namespace detail {

/// The dynamic type of what `error` holds, or null.
const std::type_info* type_of(const std::exception_ptr& error) noexcept;
/// The object itself: what a catch clause of exactly that type would bind to.
void* object_of(const std::exception_ptr& error) noexcept;

/// Calls `handle(const E&)` if `error` is an E (or derives from it). No throw for an exact match.
template <class E, class F>
bool visit_exception(const std::exception_ptr& error, F&& handle) {
    if (!error) return false;
    if (const std::type_info* type = type_of(error); type != nullptr && *type == typeid(E)) {
        handle(*static_cast<const E*>(object_of(error)));
        return true;
    }
    if constexpr (std::is_final_v<E>) return false;
    std::exception_ptr thrown; // what `handle` throws must not meet the handlers below
    bool matched = false;
    try {
        std::rethrow_exception(error);
    } catch (const E& found) {
        matched = true;
        try {
            handle(found);
        } catch (...) {
            thrown = std::current_exception();
        }
    } catch (...) {
        // It is none of them.
    }
    if (thrown) std::rethrow_exception(thrown);
    return matched;
}

} // namespace detail

/// Is `error` an E, or something derived from it?
template <class E>
bool is_exception(const std::exception_ptr& error) {
    return detail::visit_exception<E>(error, [](const E&) {});
}

/// Several exceptions that came together, possibly groups again. Cheap to copy.
///
/// Source    Python 3.11, BaseExceptionGroup.  Differs: `except*` is handle().
class BaseExceptionGroup {
public:
    /// Throws    ValueError: no exceptions.
    BaseExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions);
    virtual ~BaseExceptionGroup() = default;

    /// The message alone, without the count that group_text() adds.
    const std::string& message() const noexcept;
    /// Its members, in the order in which they were given; never empty.
    std::span<const std::exception_ptr> exceptions() const noexcept;
    /// "unhandled errors in a TaskGroup (2 sub-exceptions)"
    const char* group_text() const noexcept;

protected:
    BaseExceptionGroup(const BaseExceptionGroup&) = default;
    BaseExceptionGroup& operator=(const BaseExceptionGroup&) = default;

private:
    struct Contents;
    std::shared_ptr<const Contents> contents_;
};

/// A group of exceptions of which at least one is no std::exception (an interrupt).
class MixedExceptionGroup final : public BaseExceptionGroup, public BaseException {
public:
    MixedExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions);
};

/// A group that holds std::exceptions alone, and is one itself.
///
/// A task group throws it. Handle its members by type:
///
///     } catch (const ExceptionGroup& group) {
///         auto rest = group.handle<ValueError>([](const ValueError& e) { ... });
///         if (rest) throw *rest;
///     }
class ExceptionGroup final : public std::exception, public BaseExceptionGroup {
public:
    /// Throws    ValueError: no exceptions. TypeError: one of them is no std::exception.
    ExceptionGroup(std::string message, std::vector<std::exception_ptr> exceptions);

    const char* what() const noexcept override { return group_text(); }

    /// The two parts: what matches E, and what does not; the tree's shape is kept in both.
    template <class E>
    std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>> split() const;

    /// The part that matches E, or nothing.
    template <class E>
    std::optional<ExceptionGroup> subgroup() const {
        return split<E>().first;
    }

    /// Calls `handler(const E&)` for each member (at any depth) that is an E.
    /// Returns   the members that are not, or nothing: what an `except*` would leave.
    template <class E, std::invocable<const E&> F>
    std::optional<ExceptionGroup> handle(F&& handler) const;

private:
    using Match = bool (*)(const std::exception_ptr&);
    std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>> split_by(Match) const;
    void flatten_into(std::vector<std::exception_ptr>& leaves) const;
};

template <class E>
std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>>
ExceptionGroup::split() const {
    return split_by(&is_exception<E>);
}

template <class E, std::invocable<const E&> F>
std::optional<ExceptionGroup> ExceptionGroup::handle(F&& handler) const {
    auto parts = split<E>();
    if (parts.first) {
        std::vector<std::exception_ptr> leaves;
        parts.first->flatten_into(leaves);
        for (const std::exception_ptr& leaf : leaves) detail::visit_exception<E>(leaf, handler);
    }
    return std::move(parts.second);
}

/// An ExceptionGroup, or, if a member is no std::exception, a group that is none either.
std::exception_ptr make_exception_group(std::string message,
                                        std::vector<std::exception_ptr> exceptions);

} // namespace asyncio
