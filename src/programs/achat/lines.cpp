// SPDX-License-Identifier: MIT
// What may go in, and how it looks when it goes out.
#include "programs/achat/lines.h"

#include <array>
#include <cstdint>

namespace achat {

namespace {

Line joined(std::string_view a, std::string_view b, std::string_view c, std::string_view d) {
    std::string text;
    text.reserve(a.size() + b.size() + c.size() + d.size() + 1);
    text.append(a).append(b).append(c).append(d) += '\n';
    return std::make_shared<const std::string>(std::move(text));
}

// How many bytes a character has, by its first byte; 0: none begins so.
std::size_t bytes_of_character(std::uint8_t first) {
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first < 0xe0) return 2;
    if (first >= 0xe0 && first < 0xf0) return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

// Takes the first character off; nothing if it is not UTF-8.
// Source: RFC 3629, section 4.
std::optional<std::uint32_t> take_character(std::string_view& text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::size_t bytes = bytes_of_character(byte(0));
    if (bytes == 0 || bytes > text.size()) return std::nullopt;
    constexpr std::array<std::uint32_t, 5> payload_of_first{0, 0x7f, 0x1f, 0x0f, 0x07};
    constexpr std::array<std::uint32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    std::uint32_t character = byte(0) & payload_of_first[bytes];
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
        character = character << 6 | (byte(i) & 0x3f);
    }
    const bool is_surrogate = character >= 0xd800 && character < 0xe000;
    if (character < smallest[bytes] || is_surrogate || character > 0x10ffff) return std::nullopt;
    text.remove_prefix(bytes);
    return character;
}

// What moves a cursor, or turns the direction of what follows, is not for other people's screens.
bool is_control(std::uint32_t c) {
    return (c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

std::optional<std::string> fault_of_characters(std::string_view text) {
    while (!text.empty()) {
        const std::optional<std::uint32_t> character = take_character(text);
        if (!character) return "is not UTF-8";
        if (is_control(*character)) return "has control characters";
    }
    return std::nullopt;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

} // namespace

Line message_line(std::string_view nick, std::string_view text) {
    return joined("<", nick, "> ", text);
}
Line notice_line(std::string_view text) { return joined("* ", text, "", ""); }
Line complaint_line(std::string_view text) { return joined("! ", text, "", ""); }

std::optional<std::string> fault_of_name(std::string_view name) {
    if (name.empty()) return "a name is missing";
    if (name.size() > name_bytes_max) {
        return "a name has at most " + std::to_string(name_bytes_max) + " bytes";
    }
    if (const auto fault = fault_of_characters(name)) return "that name " + *fault;
    if (name.find_first_of(" <>,:/*!") != std::string_view::npos) {
        return "a name has no blanks and none of < > , : / * !";
    }
    return std::nullopt;
}

std::optional<std::string> fault_of_text(std::string_view text) {
    if (text.size() > text_bytes_max) {
        return "a line has at most " + std::to_string(text_bytes_max) + " bytes";
    }
    if (const auto fault = fault_of_characters(text)) return "that line " + *fault;
    return std::nullopt;
}

std::string_view trimmed(std::string_view line) {
    while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
    while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
    return line;
}

Command split_command(std::string_view line) {
    line = trimmed(line);
    const std::size_t end = line.find(' ');
    if (end == std::string_view::npos) return {line, {}};
    return {line.substr(0, end), trimmed(line.substr(end))};
}

} // namespace achat
