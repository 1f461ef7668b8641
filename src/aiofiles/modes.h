// SPDX-License-Identifier: MIT
// Modes and options of open().
#pragma once

#include "aiofiles/codecs.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace asyncio {
class ThreadPoolExecutor;
} // namespace asyncio

namespace aiofiles {

/// How lines end.
enum class Newline : unsigned char {
    universal, // reading: LF, CR and CR LF end a line and become LF. Writing: LF. Python's None
    untranslated, // the same ends, as they are. Python's ''
    lf,
    cr,
    crlf, // only that; writing: LF becomes it
};

/// The keyword arguments of open().
class OpenOptions {
public:
    OpenOptions() noexcept {}
    /// 0: each write is a call (binary only); 1: each line (text only); more: so many bytes are
    /// collected. By default 64 KiB; a terminal gets lines.
    OpenOptions& buffering(int bytes) noexcept {
        buffering_ = bytes;
        return *this;
    }
    OpenOptions& encoding(std::string name) {
        encoding_ = std::move(name);
        return *this;
    }
    /// "strict", "ignore", "replace", "backslashreplace"
    OpenOptions& errors(std::string name) {
        errors_ = std::move(name);
        return *this;
    }
    OpenOptions& newline(Newline newline) noexcept {
        newline_ = newline;
        return *this;
    }
    /// Of a descriptor that is given to open(): close() leaves it open.
    OpenOptions& closefd(bool closes) noexcept {
        closefd_ = closes;
        return *this;
    }
    /// Of a file that is made; the umask is taken away from it. By default 0666.
    OpenOptions& permissions(unsigned bits) noexcept {
        permissions_ = bits;
        return *this;
    }
    /// The threads that it blocks. By default the loop's.
    /// LIFETIME: it outlives the file.
    OpenOptions& executor(asyncio::ThreadPoolExecutor* pool) noexcept {
        executor_ = pool;
        return *this;
    }

    /// What was set; nothing: the default.
    std::optional<int> buffering() const noexcept { return buffering_; }
    const std::optional<std::string>& encoding() const noexcept { return encoding_; }
    const std::optional<std::string>& errors() const noexcept { return errors_; }
    std::optional<Newline> newline() const noexcept { return newline_; }
    bool closefd() const noexcept { return closefd_; }
    unsigned permissions() const noexcept { return permissions_; }
    asyncio::ThreadPoolExecutor* executor() const noexcept { return executor_; }

private:
    std::optional<int> buffering_;
    std::optional<std::string> encoding_;
    std::optional<std::string> errors_;
    std::optional<Newline> newline_;
    bool closefd_ = true;
    unsigned permissions_ = 0666;
    asyncio::ThreadPoolExecutor* executor_ = nullptr;
};

namespace detail {

/// A mode, taken apart.
struct Mode {
    /// Throws    ValueError, in Python's words.
    explicit Mode(std::string_view text);

    int flags() const noexcept; // of open(2)

    bool reads = false;
    bool writes = false;
    bool appends = false;
    bool binary = false;
    char kind = 'r'; // r w a x
};

/// How a file is read and written, from its mode and options.
struct Manner {
    static constexpr std::size_t buffer_bytes_default = 64 * 1024;

    /// Throws    ValueError: they contradict each other. LookupError: an unknown encoding.
    Manner(const Mode& mode, const OpenOptions& options);

    bool reads, writes, appends, binary;
    bool by_line = false; // a line is written at once
    bool lines_if_terminal = false; // the same, if it is one
    std::size_t buffer_bytes = buffer_bytes_default; // of what is written; 0: none
    Newline newline = Newline::universal;
    Codec codec;
};

} // namespace detail

} // namespace aiofiles
