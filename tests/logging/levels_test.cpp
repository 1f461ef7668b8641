// SPDX-License-Identifier: MIT
// Levels: names, numbers, order.
#include "logging/levels.h"

#include "asyncio/exceptions.h"
#include "asyncio/testing/testing.h"

using namespace logging;

TEST("LG01: levels have Python's numbers and names, there and back") {
    const std::pair<Level, std::string> all[] = {{NOTSET, "NOTSET"}, {DEBUG, "DEBUG"},
                                                 {INFO, "INFO"},     {WARNING, "WARNING"},
                                                 {ERROR, "ERROR"},   {CRITICAL, "CRITICAL"}};
    int number = 0;
    for (const auto& [level, name] : all) {
        CHECK_EQ(static_cast<int>(level), number);
        CHECK_EQ(get_level_name(level), name);
        CHECK(get_level(name) == level);
        number += 10;
    }
}

TEST("LG01: a level between two others has a number for a name, and an unknown name no level") {
    CHECK_EQ(get_level_name(Level(25)), "Level 25");
    CHECK(Level(25) > INFO && Level(25) < WARNING);
    CHECK_THROWS_MSG(get_level("LOUD"), asyncio::ValueError, "Unknown level: 'LOUD'");
}
