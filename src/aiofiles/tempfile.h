// SPDX-License-Identifier: MIT
// aiofiles::tempfile: files and folders that go by themselves.
#pragma once

#include "aiofiles/open.h"

#include <cstddef>
#include <string>
#include <utility>

namespace aiofiles::tempfile {

/// The keyword arguments of the functions below.
class TempOptions {
public:
    TempOptions() noexcept {}
    /// What its name ends with.
    TempOptions& suffix(std::string text) {
        suffix_ = std::move(text);
        return *this;
    }
    /// What its name begins with; "tmp" by default.
    TempOptions& prefix(std::string text) {
        prefix_ = std::move(text);
        return *this;
    }
    /// The folder that it is made in; by default $TMPDIR, or else /tmp.
    TempOptions& dir(std::string path) {
        dir_ = std::move(path);
        return *this;
    }
    /// Of a file with a name: whether it is removed when it is closed, as by default.
    TempOptions& delete_(bool removes) noexcept {
        delete_file_ = removes;
        return *this;
    }
    /// As of aiofiles::open; its executor is also where things are made and removed.
    TempOptions& open(OpenOptions options) {
        open_ = std::move(options);
        return *this;
    }

    const std::string& suffix() const noexcept { return suffix_; }
    const std::string& prefix() const noexcept { return prefix_; }
    const std::string& dir() const noexcept { return dir_; } // empty: the default
    bool delete_() const noexcept { return delete_file_; }
    const OpenOptions& open() const noexcept { return open_; }

private:
    std::string suffix_;
    std::string prefix_ = "tmp";
    std::string dir_;
    bool delete_file_ = true;
    OpenOptions open_;
};

/// A file without a name: it is gone when it is closed, also if the process is killed.
///
/// Throws    OSError: it cannot be made. ValueError, LookupError: as aiofiles::open.
/// Cancel    it is gone.
/// Thread    the loop's own.
/// Source    aiofiles 23 tempfile.TemporaryFile.
asyncio::Coro<AsyncFile> TemporaryFile(std::string mode = "w+b",
                                       TempOptions options = TempOptions());

/// A new file with a name, which AsyncFile::name() tells; removed when it is closed, or when the
/// last handle goes. Nobody else may read or write it.
///
/// Throws    as TemporaryFile.
/// Cancel    one that is made nevertheless is removed, unless it is to stay.
/// Thread    the loop's own.
/// Source    aiofiles 23 tempfile.NamedTemporaryFile.
asyncio::Coro<AsyncFile> NamedTemporaryFile(std::string mode = "w+b",
                                            TempOptions options = TempOptions());

/// A temporary file that begins in memory. A handle, as AsyncFile is, with all its operations.
class SpooledFile : public AsyncFile {
public:
    explicit SpooledFile(AsyncFile file) noexcept : AsyncFile(std::move(file)) {}

    /// Moves it to its folder, unless it lies there. Position and descriptor stay.
    /// Throws    OSError: there is no room, or no such folder; it stays in memory.
    /// Cancel    it may have been done.
    asyncio::Coro<> rollover() const;
    /// Does it lie in its folder?
    bool rolled() const noexcept { return state().raw.rolled(); }
};

/// A file without a name that lies in memory until it would be larger than `max_size` bytes, or is
/// told to roll over; then as TemporaryFile, behind the same descriptor. What is not yet written
/// does not count: see OpenOptions::buffering.
///
/// max_size  0: no limit
/// Throws    as TemporaryFile. Operations that let it grow, besides: OSError, if its folder has no
///           room; it stays in memory, and what was to be written stays to be written.
/// Cancel    it never waits.
/// Thread    the loop's own.
/// Source    aiofiles 23 tempfile.SpooledTemporaryFile.  Differs: fileno() does not roll over, and
///           the name is empty.
asyncio::Coro<SpooledFile> SpooledTemporaryFile(std::size_t max_size = 0, std::string mode = "w+b",
                                                TempOptions options = TempOptions());

/// A folder that is removed with all that is in it; a move-only handle.
class TempDirectory {
public:
    TempDirectory(std::string path, asyncio::ThreadPoolExecutor* executor) noexcept
        : path_(std::move(path)), executor_(executor) {}
    TempDirectory(TempDirectory&& other) noexcept
        : path_(std::exchange(other.path_, {})), executor_(other.executor_) {}
    TempDirectory& operator=(TempDirectory&& other) noexcept {
        path_.swap(other.path_);
        std::swap(executor_, other.executor_);
        return *this;
    }
    /// Removes it here and now, unless cleanup() has; that blocks, and errors are lost.
    ~TempDirectory();

    const std::string& name() const noexcept { return path_; } // empty: it is removed
    /// Removes it. Harmless twice.
    /// Throws    OSError: something could not be removed.
    /// Cancel    it is removed nevertheless.
    asyncio::Coro<> cleanup();

private:
    std::string path_;
    asyncio::ThreadPoolExecutor* executor_; // as of the options
};

/// Makes a folder for its owner alone.
///
/// Throws    OSError.
/// Cancel    one that is made nevertheless is removed.
/// Thread    the loop's own.
/// Source    aiofiles 23 tempfile.TemporaryDirectory.
asyncio::Coro<TempDirectory> TemporaryDirectory(TempOptions options = TempOptions());

/// What is done in a folder while it is there: (const std::string& path) -> awaitable.
template <class B>
concept FolderBody = requires(B& body, const std::string& path) {
    { body(path) } -> asyncio::Awaitable;
};

/// `async with TemporaryDirectory(...) as path`: removes it when `body` has ended, however.
///
/// body      callable (const std::string& path) -> awaitable; kept until it has ended
/// Returns   what the body gives.
/// Throws    as above; what the removal throws; else what the body throws.
/// Cancel    cancels the body; the folder is removed behind it.
template <class B>
    requires FolderBody<B>
asyncio::Coro<aiofiles::detail::body_end_t<B, const std::string&>>
TemporaryDirectory(TempOptions options, B body) {
    TempDirectory folder = co_await TemporaryDirectory(std::move(options));
    auto work = [&] { return body(folder.name()); };
    auto end = [&] { return folder.cleanup(); };
    co_return co_await asyncio::finally_(work, end);
}

} // namespace aiofiles::tempfile
