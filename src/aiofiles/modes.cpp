// SPDX-License-Identifier: MIT
// Modes: Python's letters as flags of open(2).
#include "aiofiles/modes.h"

#include "asyncio/exceptions.h"
#include "os/files.h"

#include <algorithm>

namespace aiofiles::detail {

using asyncio::ValueError;

namespace {

std::size_t count_of(std::string_view text, std::string_view letters) noexcept {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [&](char c) {
        return letters.find(c) != std::string_view::npos;
    }));
}

Codec codec_of(const Mode& mode, const OpenOptions& options) {
    if (!mode.binary) {
        return Codec(options.encoding().value_or("utf-8"), options.errors().value_or("strict"));
    }
    if (options.encoding()) throw ValueError("binary mode doesn't take an encoding argument");
    if (options.errors()) throw ValueError("binary mode doesn't take an errors argument");
    if (options.newline()) throw ValueError("binary mode doesn't take a newline argument");
    return Codec("latin-1");
}

} // namespace

Mode::Mode(std::string_view text) {
    for (const char letter : text) {
        if (count_of("rwaxbt+", std::string_view(&letter, 1)) == 0 ||
            count_of(text, std::string_view(&letter, 1)) > 1) {
            throw ValueError("invalid mode: '" + std::string(text) + "'");
        }
    }
    if (count_of(text, "bt") > 1) {
        throw ValueError("can't have text and binary mode at once");
    }
    if (count_of(text, "rwax") != 1) {
        throw ValueError("must have exactly one of create/read/write/append mode");
    }
    kind = text[text.find_first_of("rwax")];
    const bool both = count_of(text, "+") != 0;
    reads = kind == 'r' || both;
    writes = kind != 'r' || both;
    appends = kind == 'a';
    binary = count_of(text, "b") != 0;
}

int Mode::flags() const noexcept {
    using asyncio::os::OpenFlags;
    int flags = reads && writes ? OpenFlags::read_write
                : reads         ? OpenFlags::read
                                : OpenFlags::write;
    if (kind == 'w') flags |= OpenFlags::create | OpenFlags::truncate;
    if (kind == 'a') flags |= OpenFlags::create | OpenFlags::append;
    if (kind == 'x') flags |= OpenFlags::create | OpenFlags::exclusive;
    return flags;
}

Manner::Manner(const Mode& mode, const OpenOptions& options)
    : reads(mode.reads), writes(mode.writes), appends(mode.appends), binary(mode.binary),
      newline(options.newline().value_or(Newline::universal)), codec(codec_of(mode, options)) {
    const int buffering = options.buffering().value_or(-1);
    if (buffering == 0 && !binary) throw ValueError("can't have unbuffered text I/O");
    by_line = buffering == 1 && !binary;
    lines_if_terminal = buffering < 0 && !binary;
    if (buffering == 0) buffer_bytes = 0;
    if (buffering > 1) buffer_bytes = static_cast<std::size_t>(buffering);
}

} // namespace aiofiles::detail
