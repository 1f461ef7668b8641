// SPDX-License-Identifier: MIT
// Figures as people read them.
#include "programs/terminal/figures.h"

#include <algorithm>
#include <cstdio>

namespace terminal {

namespace {

// At least three digits are shown: 1.02, 10.2, 102.
std::string three_digits(double number, const char* unit) {
    const int decimals = number < 9.995 ? 2 : number < 99.95 ? 1 : 0;
    char text[64];
    std::snprintf(text, sizeof text, "%.*f %s", decimals, number, unit);
    return text;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

} // namespace

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
    return digits;
}

std::string time_text(double seconds) {
    if (seconds < 0.001) return three_digits(seconds * 1e6, "us");
    if (seconds < 1) return three_digits(seconds * 1e3, "ms");
    return three_digits(seconds, "s");
}

std::string long_time_text(double seconds) {
    if (seconds < 60) return time_text(seconds);
    const auto whole = static_cast<std::uint64_t>(seconds);
    const std::uint64_t minutes = whole / 60;
    if (minutes < 60) return grouped(minutes) + " min " + std::to_string(whole % 60) + " s";
    return grouped(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

std::string tenths_text(double seconds) {
    char text[64];
    std::snprintf(text, sizeof text, "%.1f s", seconds);
    return text;
}

std::string bytes_text(double bytes) {
    if (bytes < 1024) return grouped(static_cast<std::uint64_t>(bytes)) + " B";
    const char* unit = "KiB";
    bytes /= 1024;
    for (const char* larger : {"MiB", "GiB", "TiB"}) {
        if (bytes < 1024) break;
        bytes /= 1024;
        unit = larger;
    }
    return three_digits(bytes, unit);
}

std::string count_text(std::uint64_t number, std::string_view noun) {
    std::string text = grouped(number) + " ";
    text += noun;
    if (number != 1) text += "s";
    return text;
}

std::string printable(std::string_view text) {
    std::string safe(text);
    std::replace_if(safe.begin(), safe.end(), is_control, '?');
    return safe;
}

} // namespace terminal
