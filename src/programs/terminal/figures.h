// SPDX-License-Identifier: MIT
// Figures as people read them: 10,000 and 1.02 s and 4.1 MiB.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace terminal {

std::string grouped(std::uint64_t number);  // "10,000"
std::string time_text(double seconds);      // "1.02 s", "18.3 ms", "1.80 us"
std::string long_time_text(double seconds); // "2 h 46 min", "1 min 5 s"; below a minute as above
std::string tenths_text(double seconds);    // "0.4 s", "61.0 s": for what changes while one looks
std::string bytes_text(double bytes);       // "412 B", "4.10 MiB"

/// "1 file", "10,000 files": the plural has an s.
std::string count_text(std::uint64_t number, std::string_view noun);

/// Control characters, which file names may have, as question marks: safe on a terminal.
std::string printable(std::string_view text);

} // namespace terminal
