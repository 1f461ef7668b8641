// SPDX-License-Identifier: MIT
// Names of levels.
#include "logging/levels.h"

#include "asyncio/exceptions.h"

#include <array>

namespace logging {

namespace {

struct Named {
    Level level;
    std::string_view name;
};
constexpr std::array<Named, 6> all_named{{{NOTSET, "NOTSET"},
                                          {DEBUG, "DEBUG"},
                                          {INFO, "INFO"},
                                          {WARNING, "WARNING"},
                                          {ERROR, "ERROR"},
                                          {CRITICAL, "CRITICAL"}}};

} // namespace

std::string get_level_name(Level level) {
    for (const Named& one : all_named) {
        if (one.level == level) return std::string(one.name);
    }
    return "Level " + std::to_string(static_cast<int>(level));
}

Level get_level(std::string_view name) {
    for (const Named& one : all_named) {
        if (one.name == name) return one.level;
    }
    throw asyncio::ValueError("Unknown level: '" + std::string(name) + "'");
}

} // namespace logging
