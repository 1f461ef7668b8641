// SPDX-License-Identifier: MIT
// Python's repr() of the few kinds of value that the gallery prints.
#pragma once

#include <asyncio/asyncio.h>

#include <concepts>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

namespace python {

inline std::string escaped(char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    switch (c) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default:
        const auto code = static_cast<unsigned char>(c);
        return {'\\', 'x', digits[code / 16], digits[code % 16]};
    }
}

inline std::string quoted(std::string_view text, bool ascii_only) {
    const bool double_quotes = text.find('\'') != text.npos && text.find('"') == text.npos;
    const char quote = double_quotes ? '"' : '\'';
    std::string out(1, quote);
    for (const char c : text) {
        const auto code = static_cast<unsigned char>(c);
        const bool shown = code >= 0x80 ? !ascii_only : code >= ' ' && code != 0x7f;
        if (c == quote || c == '\\') out += '\\';
        out += shown ? std::string(1, c) : escaped(c);
    }
    return out + quote;
}

/// As repr() of bytes: "b'\x00\xff'".
inline std::string repr_of_bytes(std::string_view bytes) { return 'b' + quoted(bytes, true); }

/// The text that Python's repr() gives for a bool, a whole number, a text, nothing (`monostate`),
/// the address of a socket, a value that there may be, or a list of these. The tuple that gather()
/// gives stands for Python's list.
template <class T>
std::string repr(const T& value) {
    if constexpr (std::same_as<T, bool>) {
        return value ? "True" : "False";
    } else if constexpr (std::same_as<T, std::monostate>) {
        return "None";
    } else if constexpr (std::integral<T>) {
        return std::to_string(value);
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
        return quoted(value, false);
    } else if constexpr (std::same_as<T, asyncio::Address>) {
        return "('" + value.host() + "', " + std::to_string(value.port()) + ")";
    } else if constexpr (requires { value.has_value(); }) {
        return value.has_value() ? repr(*value) : "None";
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
