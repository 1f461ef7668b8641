// SPDX-License-Identifier: MIT
// aiofiles::tempfile: made and removed on threads.
#include "aiofiles/tempfile.h"

#include "asyncio/shield.h"
#include "asyncio/threads.h"
#include "os/errors.h"
#include "os/file_system.h"

#include <cerrno>
#include <cstdlib>

namespace aiofiles::tempfile {

using asyncio::Coro;

namespace {

namespace calls = asyncio::os;

template <class F, class... Args>
auto on_thread(const TempOptions& options, F&& f, Args&&... args) {
    return asyncio::get_running_loop().run_in_executor(
        options.open().executor(), std::forward<F>(f), std::forward<Args>(args)...);
}

std::string folder_for(const TempOptions& options) {
    if (!options.dir().empty()) return options.dir();
    const char* const wanted = std::getenv("TMPDIR");
    return wanted != nullptr && *wanted != '\0' ? wanted : "/tmp";
}

std::string pattern_for(const TempOptions& options) {
    return folder_for(options) + "/" + options.prefix() + "XXXXXX";
}

detail::FoundFile found(int fd, std::string name) {
    detail::FoundFile file;
    file.descriptor = calls::Descriptor(fd);
    file.name = std::move(name);
    file.position = 0;
    return file;
}

detail::FoundFile make_nameless(const std::string& folder) {
    const int fd = calls::make_nameless_file(folder);
    return found(fd, std::to_string(fd));
}

/// A file that goes again unless somebody takes it over.
struct Named {
    Named(detail::FoundFile made, std::string path) noexcept
        : file(std::move(made)), removed(std::move(path)) {}
    Named(Named&& other) noexcept
        : file(std::move(other.file)), removed(std::exchange(other.removed, {})) {}
    Named& operator=(Named&&) = delete;
    ~Named() {
        if (!removed.empty()) detail::remove_quietly(removed);
    }
    detail::FoundFile file;
    std::string removed; // its path; empty: it stays
};

Named make_named(std::string pattern, const std::string& suffix, bool removes) {
    pattern += suffix;
    std::string removed;
    removed.reserve(pattern.size()); // there is no way back once it is made
    const int fd = calls::make_unique_file(pattern, suffix.size());
    if (removes) removed = pattern;
    return Named(found(fd, std::move(pattern)), std::move(removed));
}

/// A path that goes again unless somebody takes it over.
struct MadeFolder {
    explicit MadeFolder(std::string made) noexcept : path(std::move(made)) {}
    MadeFolder(MadeFolder&& other) noexcept : path(std::exchange(other.path, {})) {}
    MadeFolder& operator=(MadeFolder&&) = delete;
    ~MadeFolder() {
        if (!path.empty()) static_cast<void>(calls::remove_tree(path));
    }
    std::string path;
};

MadeFolder make_folder(std::string pattern) {
    calls::make_unique_folder(pattern);
    return MadeFolder(std::move(pattern));
}

void remove_folder(const std::string& path) {
    const int error = calls::remove_tree(path);
    if (error != 0 && error != -ENOENT) calls::throw_os_error(-error, "rmtree", path);
}

} // namespace

Coro<AsyncFile> TemporaryFile(std::string mode, TempOptions options) {
    const detail::Manner checked(detail::Mode(mode), options.open());
    detail::FoundFile file = co_await on_thread(options, &make_nameless, folder_for(options));
    co_return detail::make_file(std::move(file), std::move(mode), options.open(), true);
}

Coro<AsyncFile> NamedTemporaryFile(std::string mode, TempOptions options) {
    const detail::Manner checked(detail::Mode(mode), options.open());
    Named made = co_await on_thread(options, &make_named, pattern_for(options), options.suffix(),
                                    options.delete_());
    AsyncFile file = detail::make_file(std::move(made.file), std::move(mode), options.open(), true);
    file.state().removed_at_close = std::exchange(made.removed, {});
    co_return file;
}

Coro<SpooledFile> SpooledTemporaryFile(std::size_t max_size, std::string mode,
                                       TempOptions options) {
    const detail::Manner checked(detail::Mode(mode), options.open());
    detail::FoundFile memory = found(calls::make_memory_file(), {});
    SpooledFile file(detail::make_file(std::move(memory), std::move(mode), options.open(), true));
    file.state().raw.spool(max_size, folder_for(options));
    co_return file;
}

Coro<> SpooledFile::rollover() const { return detail::roll_over(shared_state()); }

Coro<TempDirectory> TemporaryDirectory(TempOptions options) {
    MadeFolder made = co_await on_thread(options, &make_folder, pattern_for(options));
    co_return TempDirectory(std::exchange(made.path, {}), options.open().executor());
}

TempDirectory::~TempDirectory() {
    if (!path_.empty()) static_cast<void>(calls::remove_tree(path_));
}

Coro<> TempDirectory::cleanup() {
    if (path_.empty()) co_return;
    asyncio::EventLoop& loop = asyncio::get_running_loop(); // LIFETIME: it runs this
    const auto removal = loop.run_in_executor(executor_, &remove_folder, path_);
    path_.clear(); // not before: a refusal leaves it to the destructor
    co_await asyncio::shield(removal); // else a cancel would drop what has not begun
}

} // namespace aiofiles::tempfile
