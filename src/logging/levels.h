// SPDX-License-Identifier: MIT
// Levels: how bad a line is, as Python's numbers.
#pragma once

#include <string>
#include <string_view>

namespace logging {

/// How bad it is. Numbers between those with names are levels, too: Level(25).
/// Source    Python's logging levels.
enum class Level : int {
    notset = 0,
    debug = 10,
    info = 20,
    warning = 30,
    error = 40,
    critical = 50
};

inline constexpr Level NOTSET = Level::notset;
inline constexpr Level DEBUG = Level::debug;
inline constexpr Level INFO = Level::info;
inline constexpr Level WARNING = Level::warning;
inline constexpr Level ERROR = Level::error;
inline constexpr Level CRITICAL = Level::critical;

/// "WARNING"; "Level 25" for one without a name.
/// Source    Python's logging.getLevelName.
std::string get_level_name(Level level);
/// The level of that name.
/// Throws    ValueError: there is none.
Level get_level(std::string_view name);

} // namespace logging
