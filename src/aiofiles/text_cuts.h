// SPDX-License-Identifier: MIT
// Text cuts: how many bytes of what was read are a line, or so many characters.
#pragma once

#include "aiofiles/modes.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace aiofiles::detail {

inline constexpr std::size_t no_end = static_cast<std::size_t>(-1);

/// The bytes of the first line with its end; no_end: it is not there yet.
///
/// from    no end begins in front of it
/// final   nothing will come behind `bytes`
std::size_t line_bytes(const Manner& manner, std::string_view bytes, std::size_t from,
                       bool final) noexcept;

/// The bytes of the first `count` characters (binary: bytes); a translated CR LF is one.
///
/// counted   set to how many are there
std::size_t cut_bytes(const Manner& manner, std::string_view bytes, std::size_t count, bool final,
                      std::size_t& counted) noexcept;

/// What was read, as the reader sees it: decoded, with its line ends translated.
/// Throws    UnicodeDecodeError. If there is no memory for it, `bytes` are as they were.
std::string to_text(const Manner& manner, std::string&& bytes);

/// What is written, as the file gets it.
/// Throws    UnicodeEncodeError.
std::string to_bytes(const Manner& manner, std::string text);

} // namespace aiofiles::detail
