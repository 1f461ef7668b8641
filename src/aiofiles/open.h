// SPDX-License-Identifier: MIT
// open: files by their names.
#pragma once

#include "aiofiles/files.h"

#include "asyncio/finally.h"

#include <string>

namespace aiofiles {

namespace detail {

/// A descriptor, and what has to be known of it.
struct FoundFile {
    asyncio::os::Descriptor descriptor;
    std::string name;
    std::int64_t position = -1; // negative: it cannot be moved
    bool is_terminal = false;
};

/// Everything but the descriptor, which stays whoever's it is.
/// Throws    IsADirectoryError.
FoundFile look_at(int fd, const Mode& mode, std::string name);
AsyncFile make_file(FoundFile found, std::string mode, const OpenOptions& options, bool closes);

/// What a body gives that is called with an S.
template <class B, class S>
using body_end_t = std::remove_cvref_t<asyncio::await_result_t<std::invoke_result_t<B&, S>>>;

} // namespace detail

/// What is done with a file while it is open: (AsyncFile&) -> awaitable.
template <class B>
concept FileBody = requires(B& body, AsyncFile& file) {
    { body(file) } -> asyncio::Awaitable;
};

/// Opens a file; opening itself blocks a thread, not the loop.
///
/// path      a string; also a descriptor, which close() closes unless options.closefd(false)
/// mode      Python's letters: "r" "w" "a" "x", with "+" for both directions, "b" for bytes
/// Returns   the file.
/// Throws    FileNotFoundError, PermissionError, IsADirectoryError, FileExistsError ...: OSError.
///           ValueError: no such mode, or options that contradict it. LookupError: an unknown
///           encoding. RuntimeError: no loop runs.
/// Cancel    a file that is opened nevertheless is closed. Mode "w" may have emptied it.
/// Thread    the loop's own.
/// Source    aiofiles 23 aiofiles.open.  Differs: the encoding is UTF-8 unless one is given; no
///           `opener`.
asyncio::Coro<AsyncFile> open(std::string path, std::string mode = "r",
                              OpenOptions options = OpenOptions());
/// The same of a descriptor. If it throws, that is still the caller's.
/// Cancel    it never waits.
asyncio::Coro<AsyncFile> open(int descriptor, std::string mode = "r",
                              OpenOptions options = OpenOptions());

/// `async with aiofiles.open(path, mode, ...) as file`: closes it when `body` has ended, however
/// that ends.
///
///     auto text = co_await aiofiles::open("a.txt", "r", [](aiofiles::AsyncFile& file) {
///         return file.read();
///     });
///
/// body      callable (AsyncFile&) -> awaitable; kept until it has ended
/// Returns   what the body gives.
/// Throws    as open(); what close() throws; else what the body throws.
/// Cancel    cancels the body; the file is closed behind it.
template <class B>
    requires FileBody<B>
asyncio::Coro<detail::body_end_t<B, AsyncFile&>> open(std::string path, std::string mode,
                                                      OpenOptions options, B body) {
    AsyncFile file = co_await open(std::move(path), std::move(mode), std::move(options));
    auto work = [&] { return body(file); };
    auto end = [&] { return file.close(); };
    co_return co_await asyncio::finally_(work, end);
}
/// The same without options.
/// Cancel    as above.
template <class B>
    requires FileBody<B>
auto open(std::string path, std::string mode, B body) {
    return open(std::move(path), std::move(mode), OpenOptions(), std::move(body));
}

} // namespace aiofiles
