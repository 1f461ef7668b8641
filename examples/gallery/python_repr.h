// SPDX-License-Identifier: MIT
// Python's repr() of the few kinds of value that the gallery prints.
#pragma once

#include <concepts>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

namespace python {

inline std::string quoted(std::string_view text) {
    const bool double_quotes = text.find('\'') != text.npos && text.find('"') == text.npos;
    const char quote = double_quotes ? '"' : '\'';
    std::string out(1, quote);
    for (const char c : text) {
        if (c == quote || c == '\\') out += '\\';
        out += c;
    }
    return out + quote;
}

/// The text that Python's repr() gives for a bool, a whole number, a text, nothing (`monostate`),
/// or a list of these. The tuple that gather() gives stands for Python's list.
template <class T>
std::string repr(const T& value) {
    if constexpr (std::same_as<T, bool>) {
        return value ? "True" : "False";
    } else if constexpr (std::same_as<T, std::monostate>) {
        return "None";
    } else if constexpr (std::integral<T>) {
        return std::to_string(value);
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
        return quoted(value);
    } else {
        std::string out = "[";
        auto add = [&](const auto& item) { out += (out == "[" ? "" : ", ") + repr(item); };
        if constexpr (std::ranges::range<T>) {
            for (const auto& item : value) add(item);
        } else {
            std::apply([&](const auto&... items) { (add(items), ...); }, value);
        }
        return out + "]";
    }
}

} // namespace python
