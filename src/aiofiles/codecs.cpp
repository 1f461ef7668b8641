// SPDX-License-Identifier: MIT
// Codecs: UTF-8 by the table of well-formed sequences, and the two that are one byte a character.
#include "aiofiles/codecs.h"

#include "aiofiles/errors.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace aiofiles {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd"; // U+FFFD
constexpr std::string_view start_reason = "invalid start byte";
constexpr std::string_view continuation_reason = "invalid continuation byte";
constexpr std::string_view end_reason = "unexpected end of data";

unsigned char at(std::string_view bytes, std::size_t i) noexcept {
    return static_cast<unsigned char>(bytes[i]);
}

/// The sequence that a text begins with.
struct Sequence {
    std::size_t size;        // its bytes; of a broken one, those that belong together
    std::string_view reason; // why it is broken; empty: it is whole
    bool cut;                // the text ends within it
};

// Unicode, table 3-7: what may follow which first byte.
Sequence first_sequence(std::string_view bytes) noexcept {
    const unsigned char lead = at(bytes, 0);
    if (lead < 0x80) return {1, {}, false};
    std::size_t size = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
        size = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        size = 3;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F; // no surrogates
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        size = 4;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    } else {
        return {1, start_reason, false};
    }
    for (std::size_t i = 1; i < size; ++i) {
        if (i == bytes.size()) return {i, end_reason, true};
        if (at(bytes, i) < low || at(bytes, i) > high) return {i, continuation_reason, false};
        low = 0x80;
        high = 0xBF;
    }
    return {size, {}, false};
}

// How many bytes at the beginning are UTF-8.
std::size_t good_bytes(std::string_view bytes) noexcept {
    std::size_t i = 0;
    while (i < bytes.size()) {
        const Sequence sequence = first_sequence(bytes.substr(i));
        if (!sequence.reason.empty()) break;
        i += sequence.size;
    }
    return i;
}

char32_t character_of(std::string_view sequence) noexcept {
    const unsigned char lead = at(sequence, 0);
    if (sequence.size() == 1) return lead;
    char32_t character = lead & (0xFF >> (sequence.size() + 1));
    for (std::size_t i = 1; i < sequence.size(); ++i) {
        character = character << 6 | (at(sequence, i) & 0x3F);
    }
    return character;
}

std::string hex(char32_t value, int digits, char letter) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "\\%c%0*x", letter, digits,
                  static_cast<unsigned>(value));
    return text.data();
}

std::string escaped(char32_t character) {
    if (character <= 0xFF) return hex(character, 2, 'x');
    return character <= 0xFFFF ? hex(character, 4, 'u') : hex(character, 8, 'U');
}

std::string with_letters_alone(std::string_view name) {
    std::string letters;
    for (const char c : name) {
        if (c == '-' || c == '_' || c == ' ') continue;
        letters += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return letters;
}

} // namespace

// ---- errors -------------------------------------------------------------------------------------

UnicodeDecodeError::UnicodeDecodeError(std::string_view encoding, unsigned char byte,
                                       std::size_t start, std::string_view reason)
    : UnicodeError("'" + std::string(encoding) + "' codec can't decode byte 0x" +
                       hex(byte, 2, 'x').substr(2) + " in position " + std::to_string(start) +
                       ": " + std::string(reason),
                   start) {}

UnicodeEncodeError::UnicodeEncodeError(std::string_view encoding, char32_t character,
                                       std::size_t start, std::string_view reason)
    : UnicodeError("'" + std::string(encoding) + "' codec can't encode character '" +
                       escaped(character) + "' in position " + std::to_string(start) + ": " +
                       std::string(reason),
                   start) {}

// ---- choosing -----------------------------------------------------------------------------------

Codec::Codec(std::string_view encoding, std::string_view errors) {
    const std::string letters = with_letters_alone(encoding);
    if (letters == "utf8" || letters == "u8" || letters == "utf") {
        kind_ = Kind::utf8;
    } else if (letters == "utf8sig") {
        kind_ = Kind::utf8_sig;
    } else if (letters == "ascii" || letters == "usascii" || letters == "646") {
        kind_ = Kind::ascii;
    } else if (letters == "latin1" || letters == "latin" || letters == "iso88591" ||
               letters == "l1" || letters == "8859") {
        kind_ = Kind::latin1;
    } else {
        throw asyncio::LookupError("unknown encoding: " + std::string(encoding));
    }
    if (errors == "strict") {
        errors_ = Errors::strict;
    } else if (errors == "ignore") {
        errors_ = Errors::ignore;
    } else if (errors == "replace") {
        errors_ = Errors::replace;
    } else if (errors == "backslashreplace") {
        errors_ = Errors::backslashreplace;
    } else {
        throw asyncio::LookupError("unknown error handler name '" + std::string(errors) + "'");
    }
}

const char* Codec::encoding() const noexcept {
    switch (kind_) {
    case Kind::utf8: return "utf-8";
    case Kind::utf8_sig: return "utf-8-sig";
    case Kind::ascii: return "ascii";
    case Kind::latin1: break;
    }
    return "latin-1";
}

// ---- decoding -----------------------------------------------------------------------------------

void Codec::cannot_decode(std::string& text, std::string_view bytes, std::size_t where,
                          std::size_t size, std::string_view reason) const {
    switch (errors_) {
    case Errors::strict:
        throw UnicodeDecodeError(kind_ == Kind::utf8_sig ? "utf-8" : encoding(), at(bytes, where),
                                 where, reason);
    case Errors::ignore: break;
    case Errors::replace: text += replacement; break;
    case Errors::backslashreplace:
        for (std::size_t i = where; i < where + size; ++i) text += hex(at(bytes, i), 2, 'x');
        break;
    }
}

std::string Codec::decode_utf8(std::string&& bytes) const {
    const std::string_view all = bytes;
    std::string text;
    std::size_t good = 0; // what has not been copied yet begins here
    for (std::size_t i = good_bytes(all); i < all.size();) {
        const Sequence sequence = first_sequence(all.substr(i));
        if (!sequence.reason.empty()) {
            text += all.substr(good, i - good);
            cannot_decode(text, all, i, sequence.size, sequence.reason);
            good = i + sequence.size;
        }
        i += sequence.size;
    }
    if (good == 0) return std::move(bytes);
    text += all.substr(good);
    return text;
}

std::string Codec::decode_ascii(std::string_view bytes) const {
    std::string text;
    text.reserve(bytes.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (at(bytes, i) < 0x80) {
            text += bytes[i];
        } else {
            cannot_decode(text, bytes, i, 1, "ordinal not in range(128)");
        }
    }
    return text;
}

std::string Codec::decode_latin1(std::string_view bytes) const {
    std::string text;
    text.reserve(bytes.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const unsigned char byte = at(bytes, i);
        if (byte < 0x80) {
            text += bytes[i];
        } else {
            text += static_cast<char>(0xC0 | byte >> 6);
            text += static_cast<char>(0x80 | (byte & 0x3F));
        }
    }
    return text;
}

std::string Codec::decode(std::string&& bytes) const {
    switch (kind_) {
    case Kind::utf8:
    case Kind::utf8_sig: return decode_utf8(std::move(bytes));
    case Kind::ascii: return decode_ascii(bytes);
    case Kind::latin1: break;
    }
    return decode_latin1(bytes);
}

// ---- encoding -----------------------------------------------------------------------------------

void Codec::cannot_encode(std::string& bytes, char32_t character, std::size_t where) const {
    switch (errors_) {
    case Errors::strict:
        throw UnicodeEncodeError(encoding(), character, where,
                                 kind_ == Kind::ascii    ? "ordinal not in range(128)"
                                 : kind_ == Kind::latin1 ? "ordinal not in range(256)"
                                                         : "no valid UTF-8");
    case Errors::ignore: break;
    case Errors::replace: bytes += '?'; break;
    case Errors::backslashreplace: bytes += escaped(character); break;
    }
}

std::string Codec::encode(std::string text) const {
    const std::string_view all = text;
    const char32_t most = kind_ == Kind::ascii ? 0x7F : kind_ == Kind::latin1 ? 0xFF : 0x10FFFF;
    if (most > 0xFF && good_bytes(all) == all.size()) return text;
    std::string bytes;
    bytes.reserve(all.size());
    std::size_t where = 0; // in characters
    for (std::size_t i = 0; i < all.size(); ++where) {
        const Sequence sequence = first_sequence(all.substr(i));
        const std::string_view piece = all.substr(i, sequence.size);
        i += sequence.size;
        const char32_t character = sequence.reason.empty() ? character_of(piece) : at(piece, 0);
        if (!sequence.reason.empty() || character > most) {
            cannot_encode(bytes, character, where);
        } else if (most > 0xFF) {
            bytes += piece;
        } else {
            bytes += static_cast<char>(character);
        }
    }
    return bytes;
}

// ---- counting -----------------------------------------------------------------------------------

std::size_t Codec::bytes_of(std::string_view bytes, std::size_t count, bool final,
                            std::size_t& counted) const noexcept {
    counted = 0;
    if (kind_ == Kind::ascii || kind_ == Kind::latin1) {
        return counted = std::min(count, bytes.size());
    }
    std::size_t i = 0;
    for (; counted < count && i < bytes.size(); ++counted) {
        const Sequence sequence = first_sequence(bytes.substr(i));
        if (sequence.cut && !final) break;
        i += sequence.size;
    }
    return i;
}

std::size_t characters_in(std::string_view text) noexcept {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

} // namespace aiofiles
