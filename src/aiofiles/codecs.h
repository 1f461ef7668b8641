// SPDX-License-Identifier: MIT
// Codecs: the bytes of a file as text, and back. Text is UTF-8 in memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace aiofiles {

/// An encoding, and what is done about what does not fit.
///
/// encoding  "utf-8", "utf-8-sig", "ascii", "latin-1" and their usual aliases, in any case
/// errors    "strict" (throws), "ignore" (leaves out), "replace" (U+FFFD; "?" when encoding),
///           "backslashreplace" (\xff)
/// Source    Python's codecs.  Differs: encodings in which LF is not one byte 0A are not known.
class Codec {
public:
    /// Throws    LookupError: an unknown encoding, or an unknown way with errors.
    explicit Codec(std::string_view encoding = "utf-8", std::string_view errors = "strict");

    const char* encoding() const noexcept; // "utf-8"
    /// Begins a file with it a mark, which is no text?
    bool has_signature() const noexcept { return kind_ == Kind::utf8_sig; }
    static constexpr std::string_view signature = "\xef\xbb\xbf";

    /// Throws    UnicodeDecodeError, if errors are strict. It leaves `bytes` as they are.
    /// Cost      UTF-8 without errors is given back as it is.
    std::string decode(std::string&& bytes) const;
    /// Throws    UnicodeEncodeError, if errors are strict.
    /// Cost      as decode().
    std::string encode(std::string text) const;

    /// How many bytes the first `count` characters take; what is no character counts byte by byte.
    ///
    /// final     nothing will come behind `bytes`
    /// counted   set to how many there were. A character that is not whole yet is not counted.
    std::size_t bytes_of(std::string_view bytes, std::size_t count, bool final,
                         std::size_t& counted) const noexcept;

private:
    enum class Kind : unsigned char { utf8, utf8_sig, ascii, latin1 };
    enum class Errors : unsigned char { strict, ignore, replace, backslashreplace };

    std::string decode_utf8(std::string&& bytes) const;
    std::string decode_ascii(std::string_view bytes) const;
    std::string decode_latin1(std::string_view bytes) const;
    void cannot_decode(std::string& text, std::string_view bytes, std::size_t at, std::size_t size,
                       std::string_view reason) const;
    void cannot_encode(std::string& bytes, char32_t character, std::size_t at) const;

    Kind kind_;
    Errors errors_;
};

/// How many characters a text has.
std::size_t characters_in(std::string_view text) noexcept;

} // namespace aiofiles
