// SPDX-License-Identifier: MIT
// The command line of atour.
#pragma once

#include "asyncio/exceptions.h"

#include <span>
#include <string>
#include <string_view>

namespace atour {

struct Arguments {
    std::string folder = "/usr/include"; // whose files are hashed
    std::string sums_file;               // where their sums go; empty: nowhere
    bool help = false;
};

/// The command line cannot be understood; the text says what is wrong with it.
struct UsageError : asyncio::ValueError {
    using asyncio::ValueError::ValueError;
};

/// Reads the words behind the program's name.
/// Throws    UsageError.
Arguments parse_arguments(std::span<const char* const> words);

/// What --help prints.
std::string_view usage_text();

} // namespace atour
