// SPDX-License-Identifier: MIT
// The command line of achat.
#pragma once

#include "programs/achat/load.h"

#include <span>
#include <string>
#include <string_view>

namespace achat {

/// What is to be done, and how.
struct Arguments {
    enum class Task { demo, serve, help } task = Task::demo;
    LoadPlan plan;                  // of the demo
    std::string host = "127.0.0.1"; // where to serve
    std::string port = "8888";
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

} // namespace achat
