// SPDX-License-Identifier: MIT
// CHECK and its kin: what a test asks; they work in plain functions and in coroutines alike.
#pragma once

#include "asyncio/durations.h"

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace asyncio::testing {

/// Ends a case at once; not an error that code under test would catch.
struct CaseEnded {};

/// Notes a failed check of the running case.  Thread: any.
void fail(const char* file, int line, std::string_view what);
[[noreturn]] void fail_and_end(const char* file, int line, std::string_view what);

/// Ends the running case, which needs what is not here: `why` says what. It counts as skipped, by
/// name, unless a check has failed before. In the case's own body alone, not in a task of its.
[[noreturn]] void skip(std::string_view why);

/// How many checks of the running case have failed.
int failures() noexcept;
/// Forgets all but the first `count`: of a body that went on although its end was decided.
void forget_failures_after(int count) noexcept;
/// Prints them. For a forked child, whose failures nobody else will see.
void print_failures();

/// A value as a failed check shows it.
std::string text_of(bool value);
std::string text_of(std::string_view value);
std::string text_of(Duration value);
std::string text_of(TimePoint value);
std::string text_of(const std::exception_ptr& value);
template <class T>
std::string text_of(const std::optional<T>& value);
template <class T>
std::string text_of(const std::vector<T>& value);

template <class T>
std::string text_of(const T& value) {
    if constexpr (std::is_enum_v<T>) {
        return std::to_string(static_cast<long long>(value));
    } else if constexpr (std::is_arithmetic_v<T>) {
        return std::to_string(value);
    } else if constexpr (std::is_null_pointer_v<T>) {
        return "nullptr";
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        return text_of(std::string_view(value));
    } else if constexpr (std::is_convertible_v<const T&, Duration>) {
        return text_of(Duration(value));
    } else if constexpr (requires { to_string(value); }) {
        return to_string(value);
    } else {
        return "(a value)";
    }
}
template <class T>
std::string text_of(const std::optional<T>& value) {
    return value ? text_of(*value) : "nothing";
}
template <class T>
std::string text_of(const std::vector<T>& value) {
    std::string text = "[";
    for (const auto& item : value) text += (text.size() > 1 ? ", " : "") + text_of(item);
    return text + "]";
}

/// The left side of CHECK_EQ, as it is kept while the right side is worked out.
///
/// A copy even of a reference, and text as a std::string: `f().name()` may refer to a part of what
/// f() returned, which is gone by then. What refers to others inside (a span, an iterator) still
/// does.
template <class T>
auto kept(T&& value) {
    using Value = std::decay_t<T>;
    if constexpr (std::is_same_v<Value, std::string_view> || std::is_same_v<Value, const char*> ||
                  std::is_same_v<Value, char*>) {
        return std::string(value);
    } else if constexpr (std::is_same_v<Value, std::vector<bool>::reference>) {
        return static_cast<bool>(value);
    } else {
        static_assert(std::is_constructible_v<Value, T>,
                      "CHECK_EQ keeps its left side by value; for this type, CHECK(a == b)");
        return Value(std::forward<T>(value));
    }
}

/// Notes a failed check that shows both values.
void fail_unequal(const char* file, int line, std::string_view what, std::string_view left,
                  std::string_view right);

/// What CHECK_EQ does with its sides.
template <class A, class B>
void check_equal(const A& a, const B& b, const char* file, int line, const char* what) {
    if (!(a == b)) fail_unequal(file, line, what, text_of(a), text_of(b));
}

/// In a catch (...) clause: says what came instead of `wanted`.
void fail_with_current_exception(const char* file, int line, const char* wanted);
void check_message(std::string_view got, std::string_view wanted, const char* file, int line);

} // namespace asyncio::testing

// NOLINTBEGIN(cppcoreguidelines-macro-usage): they need the text and the place of what they check,
// and must expand in the coroutine, since what they check may contain co_await.
#ifndef ASYNCIO_TESTING_NO_SHORT_MACROS

#define CHECK(...)                                                                      \
    do {                                                                                \
        const bool asyncio_holds = static_cast<bool>(__VA_ARGS__);                      \
        if (!asyncio_holds) ::asyncio::testing::fail(__FILE__, __LINE__, #__VA_ARGS__); \
    } while (false)

#define REQUIRE(...)                                                                            \
    do {                                                                                        \
        const bool asyncio_holds = static_cast<bool>(__VA_ARGS__);                              \
        if (!asyncio_holds) ::asyncio::testing::fail_and_end(__FILE__, __LINE__, #__VA_ARGS__); \
    } while (false)

/// Two statements, for g++ 12: with co_await on one side, the other may hold lists in braces.
#define CHECK_EQ(a, ...)                                                                 \
    do {                                                                                 \
        const auto asyncio_left = ::asyncio::testing::kept(a);                           \
        ::asyncio::testing::check_equal(asyncio_left, (__VA_ARGS__), __FILE__, __LINE__, \
                                        #a " == " #__VA_ARGS__);                         \
    } while (false)

/// The last argument is the type. What comes before may contain co_await.
#define CHECK_THROWS_AS(expression, ...)                                                       \
    do {                                                                                       \
        bool asyncio_threw = false;                                                            \
        try {                                                                                  \
            static_cast<void>(expression);                                                     \
        } catch (const __VA_ARGS__&) {                                                         \
            asyncio_threw = true;                                                              \
        } catch (...) {                                                                        \
            asyncio_threw = true;                                                              \
            ::asyncio::testing::fail_with_current_exception(__FILE__, __LINE__, #__VA_ARGS__); \
        }                                                                                      \
        if (!asyncio_threw) {                                                                  \
            ::asyncio::testing::fail(__FILE__, __LINE__,                                       \
                                     #expression " threw nothing, not " #__VA_ARGS__);         \
        }                                                                                      \
    } while (false)

/// As CHECK_THROWS_AS, and its message contains `text`.
#define CHECK_THROWS_MSG(expression, type, text)                                               \
    do {                                                                                       \
        bool asyncio_threw = false;                                                            \
        try {                                                                                  \
            static_cast<void>(expression);                                                     \
        } catch (const type& asyncio_error) {                                                  \
            asyncio_threw = true;                                                              \
            ::asyncio::testing::check_message(asyncio_error.what(), text, __FILE__, __LINE__); \
        } catch (...) {                                                                        \
            asyncio_threw = true;                                                              \
            ::asyncio::testing::fail_with_current_exception(__FILE__, __LINE__, #type);        \
        }                                                                                      \
        if (!asyncio_threw) {                                                                  \
            ::asyncio::testing::fail(__FILE__, __LINE__,                                       \
                                     #expression " threw nothing, not " #type);                \
        }                                                                                      \
    } while (false)

#define FAIL(text) ::asyncio::testing::fail_and_end(__FILE__, __LINE__, text)

#endif
// NOLINTEND(cppcoreguidelines-macro-usage)
