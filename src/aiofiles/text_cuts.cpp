// SPDX-License-Identifier: MIT
// Text cuts: every encoding that Codec knows has LF and CR as one byte of their own.
#include "aiofiles/text_cuts.h"

#include <algorithm>
#include <utility>

namespace aiofiles::detail {

namespace {

bool translates(const Manner& manner) noexcept {
    return !manner.binary && manner.newline == Newline::universal;
}

bool ends_at_cr(const Manner& manner) noexcept {
    return !manner.binary &&
           (manner.newline == Newline::universal || manner.newline == Newline::untranslated);
}

std::string_view terminator(const Manner& manner) noexcept {
    if (manner.binary) return "\n";
    switch (manner.newline) {
    case Newline::cr: return "\r";
    case Newline::crlf: return "\r\n";
    case Newline::universal:
    case Newline::untranslated:
    case Newline::lf: break;
    }
    return "\n";
}

void translate_to_lf(std::string& text) noexcept {
    std::size_t to = text.find('\r');
    if (to == std::string::npos) return;
    for (std::size_t i = to; i < text.size(); ++i) {
        const bool cr = text[i] == '\r';
        text[to++] = cr ? '\n' : text[i];
        if (cr && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    }
    text.resize(to); // never more than there was
}

} // namespace

std::size_t line_bytes(const Manner& manner, std::string_view bytes, std::size_t from,
                       bool final) noexcept {
    if (!ends_at_cr(manner)) {
        const std::string_view end = terminator(manner);
        const std::size_t at = bytes.find(end, from - std::min(from, end.size() - 1));
        return at == std::string_view::npos ? no_end : at + end.size();
    }
    const std::size_t at = bytes.find_first_of("\r\n", from - std::min<std::size_t>(from, 1));
    if (at == std::string_view::npos) return no_end;
    if (bytes[at] == '\n') return at + 1;
    if (at + 1 == bytes.size()) return final ? at + 1 : no_end; // an LF may follow
    return bytes[at + 1] == '\n' ? at + 2 : at + 1;
}

std::size_t cut_bytes(const Manner& manner, std::string_view bytes, std::size_t count, bool final,
                      std::size_t& counted) noexcept {
    if (manner.binary) return counted = std::min(count, bytes.size());
    if (!translates(manner)) return manner.codec.bytes_of(bytes, count, final, counted);
    std::size_t cut = 0;
    counted = 0;
    while (counted < count && cut < bytes.size()) {
        const std::string_view rest = bytes.substr(cut);
        const std::string_view piece = rest.substr(0, rest.find('\r'));
        std::size_t more = 0;
        const bool cr_follows = piece.size() < rest.size();
        const std::size_t passed =
            manner.codec.bytes_of(piece, count - counted, final || cr_follows, more);
        cut += passed;
        counted += more;
        if (passed < piece.size() || !cr_follows || counted == count) break;
        if (cut + 1 == bytes.size() && !final) break;
        cut += cut + 1 < bytes.size() && bytes[cut + 1] == '\n' ? 2 : 1;
        ++counted;
    }
    return cut;
}

std::string to_text(const Manner& manner, std::string&& bytes) {
    if (manner.binary) return std::move(bytes);
    std::string text = manner.codec.decode(std::move(bytes));
    if (translates(manner)) translate_to_lf(text);
    return text;
}

std::string to_bytes(const Manner& manner, std::string text) {
    if (manner.binary) return text;
    std::string bytes = manner.codec.encode(std::move(text));
    const std::string_view end = terminator(manner);
    if (end == "\n") return bytes;
    std::string lines;
    lines.reserve(bytes.size());
    for (const char c : bytes) {
        if (c == '\n') {
            lines += end;
        } else {
            lines += c;
        }
    }
    return lines;
}

} // namespace aiofiles::detail
