// SPDX-License-Identifier: MIT
// Lines: the protocol of the chat, as a person at `nc` types and reads it. No I/O.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace achat {

/// A text on its way out: one line or several, each with its LF. All who get it share it.
using Line = std::shared_ptr<const std::string>;

// Three kinds go out; each begins in its own way, so that nobody can say what looks like another.

/// "<alice> hello": what somebody says.
Line message_line(std::string_view nick, std::string_view text);
/// "* alice is here": what the server tells.
Line notice_line(std::string_view text);
/// "! there is no command /dance": what the server did not understand.
Line complaint_line(std::string_view text);

/// What is wrong with a name of a person or a room; nothing if it can be used.
std::optional<std::string> fault_of_name(std::string_view name);
/// What is wrong with a text that is to be said; nothing if it can be.
std::optional<std::string> fault_of_text(std::string_view text);

/// The longest name and the longest text, in bytes.
inline constexpr std::size_t name_bytes_max = 32;
inline constexpr std::size_t text_bytes_max = 1000;

/// "/join  tea room" is the word "/join" with the rest "tea room".
struct Command {
    std::string_view word;
    std::string_view rest;
};

/// Without its end (LF, or CR LF) and the blanks around it.
std::string_view trimmed(std::string_view line);
/// Lifetime  the parts are views of `line`.
Command split_command(std::string_view line);

} // namespace achat
