// SPDX-License-Identifier: MIT
// aiofiles::os: each function as a call on a thread.
#include "aiofiles/os.h"

#include "asyncio/threads.h"

#include <cerrno>
#include <filesystem>

namespace aiofiles::os {

using asyncio::Coro;

namespace {

void check_path(const std::string& path) {
    if (path.find('\0') != std::string::npos) throw asyncio::ValueError("embedded null byte");
}
template <class Number>
void check_path(const Number&) noexcept {} // no path

/// asyncio::to_thread, for paths that the kernel sees whole.
template <class F, class... Args>
auto to_thread(F f, Args... args) {
    (check_path(args), ...);
    return asyncio::to_thread(f, std::move(args)...);
}

namespace calls = asyncio::os;
namespace fs = std::filesystem;

std::string parent_of(const std::string& path) {
    fs::path whole(path);
    if (!whole.has_filename()) whole = whole.parent_path(); // "a/b/" is "a/b"
    return whole.parent_path().string();
}

bool is_folder(const std::string& path) {
    std::error_code ignored;
    return fs::is_directory(path, ignored);
}

void make_folders(const std::string& path, unsigned mode, bool exist_ok) {
    const std::string parent = parent_of(path);
    if (!parent.empty() && !calls::may_access(parent, calls::is_there)) {
        try {
            make_folders(parent, 0777, true);
        } catch (const asyncio::FileExistsError&) {
            // somebody else was quicker
        }
    }
    try {
        calls::make_folder(path, mode);
    } catch (const asyncio::OSError&) {
        if (!exist_ok || !is_folder(path)) throw;
    }
}

void remove_empty_folders(std::string path) {
    try {
        for (; !path.empty() && path != "/"; path = parent_of(path)) calls::remove_folder(path);
    } catch (const asyncio::OSError&) {
        // the first that is not empty ends it
    }
}

void rename_with_folders(const std::string& source, const std::string& destination) {
    const std::string parent = parent_of(destination);
    if (!parent.empty() && !calls::may_access(parent, calls::is_there))
        make_folders(parent, 0777, true);
    calls::rename_file(source, destination);
    remove_empty_folders(parent_of(source));
}

void remove_with_folders(const std::string& path) {
    calls::remove_folder(path);
    remove_empty_folders(parent_of(path));
}

std::vector<std::string> names_in(const std::string& path) {
    std::vector<std::string> names;
    for (calls::FolderEntry& entry : calls::folder_entries(path)) {
        names.push_back(std::move(entry.name));
    }
    return names;
}

std::optional<StatResult> status_if_there(const std::string& path, bool follow_symlinks) {
    if (path.find('\0') != std::string::npos) return std::nullopt;
    try {
        return calls::file_status(path, follow_symlinks);
    } catch (const asyncio::OSError&) {
        return std::nullopt;
    }
}

bool is_mount_point(const std::string& path) {
    const auto own = status_if_there(path, false);
    if (!own || own->is_link()) return false;
    const auto above = status_if_there(path + "/..", false);
    return above && (own->dev != above->dev || own->ino == above->ino);
}

bool same(const StatResult& one, const StatResult& other) noexcept {
    return one.ino == other.ino && one.dev == other.dev;
}

bool same_descriptors(int one, int other) {
    return same(calls::file_status(one), calls::file_status(other));
}

double seconds(std::int64_t ns) noexcept { return static_cast<double>(ns) / 1e9; }

StatResult (*const status_of_path)(const std::string&, bool) = &calls::file_status;

} // namespace

// ---- os -----------------------------------------------------------------------------------------

Coro<StatResult> stat(std::string path, bool follow_symlinks) {
    co_return co_await to_thread(status_of_path, std::move(path), follow_symlinks);
}
Coro<StatResult> lstat(std::string path) {
    co_return co_await to_thread(status_of_path, std::move(path), false);
}
Coro<StatVfsResult> statvfs(std::string path) {
    co_return co_await to_thread(&calls::volume_status, std::move(path));
}
Coro<std::int64_t> sendfile(int out, int in, std::optional<std::int64_t> offset,
                            std::size_t count) {
    co_return co_await to_thread(&calls::copy_to, out, in, offset.value_or(-1), count);
}

Coro<> rename(std::string source, std::string destination) {
    co_await to_thread(&calls::rename_file, std::move(source), std::move(destination));
}
Coro<> replace(std::string source, std::string destination) {
    co_await to_thread(&calls::rename_file, std::move(source), std::move(destination));
}
Coro<> renames(std::string source, std::string destination) {
    co_await to_thread(&rename_with_folders, std::move(source), std::move(destination));
}
Coro<> remove(std::string path) { co_await to_thread(&calls::remove_file, std::move(path)); }
Coro<> unlink(std::string path) { co_await to_thread(&calls::remove_file, std::move(path)); }
Coro<> mkdir(std::string path, unsigned mode) {
    co_await to_thread(&calls::make_folder, std::move(path), mode);
}
Coro<> makedirs(std::string path, unsigned mode, bool exist_ok) {
    co_await to_thread(&make_folders, std::move(path), mode, exist_ok);
}
Coro<> rmdir(std::string path) { co_await to_thread(&calls::remove_folder, std::move(path)); }
Coro<> removedirs(std::string path) { co_await to_thread(&remove_with_folders, std::move(path)); }
Coro<> link(std::string source, std::string destination) {
    co_await to_thread(&calls::link_file, std::move(source), std::move(destination));
}
Coro<> symlink(std::string target, std::string path) {
    co_await to_thread(&calls::symlink_file, std::move(target), std::move(path));
}
Coro<std::string> readlink(std::string path) {
    co_return co_await to_thread(&calls::link_target, std::move(path));
}
Coro<std::vector<std::string>> listdir(std::string path) {
    co_return co_await to_thread(&names_in, std::move(path));
}
Coro<std::vector<DirEntry>> scandir(std::string path) {
    co_return co_await to_thread(&calls::folder_entries, std::move(path));
}
Coro<bool> access(std::string path, int mode) {
    co_return co_await to_thread(&calls::may_access, std::move(path), mode);
}
Coro<std::string> getcwd() { co_return co_await to_thread(&calls::current_folder); }

// ---- os.path ------------------------------------------------------------------------------------

namespace path {

Coro<bool> exists(std::string path) {
    co_return (co_await asyncio::to_thread(&status_if_there, std::move(path), true)).has_value();
}
Coro<bool> isfile(std::string path) {
    const auto status = co_await asyncio::to_thread(&status_if_there, std::move(path), true);
    co_return status && status->is_file();
}
Coro<bool> isdir(std::string path) {
    const auto status = co_await asyncio::to_thread(&status_if_there, std::move(path), true);
    co_return status && status->is_folder();
}
Coro<bool> islink(std::string path) {
    const auto status = co_await asyncio::to_thread(&status_if_there, std::move(path), false);
    co_return status && status->is_link();
}
Coro<bool> ismount(std::string path) {
    co_return co_await asyncio::to_thread(&is_mount_point, std::move(path));
}
Coro<std::int64_t> getsize(std::string path) { co_return (co_await stat(std::move(path))).size; }
Coro<double> getatime(std::string path) {
    co_return seconds((co_await stat(std::move(path))).atime_ns);
}
Coro<double> getmtime(std::string path) {
    co_return seconds((co_await stat(std::move(path))).mtime_ns);
}
Coro<double> getctime(std::string path) {
    co_return seconds((co_await stat(std::move(path))).ctime_ns);
}
Coro<bool> samefile(std::string one, std::string other) {
    const StatResult first = co_await stat(std::move(one));
    const StatResult second = co_await stat(std::move(other));
    co_return same(first, second);
}
Coro<bool> sameopenfile(int one, int other) {
    co_return co_await to_thread(&same_descriptors, one, other);
}
Coro<std::string> abspath(std::string path) {
    fs::path whole(std::move(path));
    if (whole.is_relative()) whole = fs::path(co_await getcwd()) / whole;
    whole = whole.lexically_normal();
    if (!whole.has_filename() && whole != whole.root_path()) whole = whole.parent_path();
    co_return whole.string();
}

} // namespace path

} // namespace aiofiles::os
