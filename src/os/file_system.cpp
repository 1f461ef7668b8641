// SPDX-License-Identifier: MIT
// The file system: system calls whose errors name what they are about.
#include "os/file_system.h"

#include "os/descriptor.h"
#include "os/errors.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace asyncio::os {

namespace {

void check(bool good, const char* call, const std::string& path) {
    if (!good) throw_os_error(errno, call, path);
}

std::int64_t nanoseconds(const timespec& time) noexcept {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileStatus status_of(const struct stat& s) noexcept {
    FileStatus status;
    status.mode = s.st_mode;
    status.ino = s.st_ino;
    status.dev = s.st_dev;
    status.nlink = s.st_nlink;
    status.uid = s.st_uid;
    status.gid = s.st_gid;
    status.size = s.st_size;
    status.atime_ns = nanoseconds(s.st_atim);
    status.mtime_ns = nanoseconds(s.st_mtim);
    status.ctime_ns = nanoseconds(s.st_ctim);
    return status;
}

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

FolderEntry entry_of(const std::string& folder, const dirent& found) {
    FolderEntry entry;
    entry.name = found.d_name;
    entry.path = folder.ends_with('/') ? folder + entry.name : folder + "/" + entry.name;
    entry.inode = found.d_ino;
    entry.is_symlink = found.d_type == DT_LNK;
    if (found.d_type == DT_REG || found.d_type == DT_DIR) {
        entry.is_file = found.d_type == DT_REG;
        entry.is_folder = found.d_type == DT_DIR;
        return entry;
    }
    struct stat s{}; // of a link that leads nowhere: neither
    if (found.d_type == DT_UNKNOWN && ::lstat(entry.path.c_str(), &s) == 0) {
        entry.is_symlink = S_ISLNK(s.st_mode);
    }
    if (::stat(entry.path.c_str(), &s) == 0) {
        entry.is_file = S_ISREG(s.st_mode);
        entry.is_folder = S_ISDIR(s.st_mode);
    }
    return entry;
}

bool is_itself_or_parent(const char* name) noexcept {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

// By descriptors, so that nobody can put a link in the way.
int remove_below(int parent, const char* name) noexcept {
    if (::unlinkat(parent, name, 0) == 0) return 0;
    const int why = errno;
    if (why != EISDIR && why != EPERM) return -why;
    const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno == ENOTDIR ? -why : -errno;
    const Folder folder(::fdopendir(fd));
    if (!folder) {
        const int error = errno;
        ::close(fd);
        return -error;
    }
    int first = 0;
    while (const dirent* found = ::readdir(folder.get())) {
        if (is_itself_or_parent(found->d_name)) continue;
        const int error = remove_below(fd, found->d_name);
        if (first == 0 && error != -ENOENT) first = error; // else somebody was quicker
    }
    if (::unlinkat(parent, name, AT_REMOVEDIR) != 0 && first == 0) first = -errno;
    return first;
}

} // namespace

// ---- what is known of a file --------------------------------------------------------------------

bool FileStatus::is_file() const noexcept { return S_ISREG(mode); }
bool FileStatus::is_folder() const noexcept { return S_ISDIR(mode); }
bool FileStatus::is_link() const noexcept { return S_ISLNK(mode); }

FileStatus file_status(const std::string& path, bool follow_symlinks) {
    struct stat s{};
    const int end = follow_symlinks ? ::stat(path.c_str(), &s) : ::lstat(path.c_str(), &s);
    check(end == 0, follow_symlinks ? "stat" : "lstat", path);
    return status_of(s);
}

FileStatus file_status(int fd) {
    struct stat s{};
    check(::fstat(fd, &s) == 0, "fstat", std::to_string(fd));
    return status_of(s);
}

VolumeStatus volume_status(const std::string& path) {
    struct statvfs s{};
    check(::statvfs(path.c_str(), &s) == 0, "statvfs", path);
    return {s.f_bsize, s.f_frsize, s.f_blocks, s.f_bfree, s.f_bavail,
            s.f_files, s.f_ffree,  s.f_favail, s.f_flag,  s.f_namemax};
}

std::vector<FolderEntry> folder_entries(const std::string& path) {
    const Folder folder(::opendir(path.c_str()));
    check(folder != nullptr, "opendir", path);
    std::vector<FolderEntry> entries;
    for (;;) {
        errno = 0;
        const dirent* const found = ::readdir(folder.get());
        if (found == nullptr) break;
        if (!is_itself_or_parent(found->d_name)) entries.push_back(entry_of(path, *found));
    }
    check(errno == 0, "readdir", path);
    return entries;
}

bool may_access(const std::string& path, int how) noexcept {
    return ::access(path.c_str(), how) == 0;
}

// ---- names --------------------------------------------------------------------------------------

void rename_file(const std::string& source, const std::string& destination) {
    check(::rename(source.c_str(), destination.c_str()) == 0, "rename",
          source + " -> " + destination);
}
void remove_file(const std::string& path) { check(::unlink(path.c_str()) == 0, "unlink", path); }
void make_folder(const std::string& path, unsigned permissions) {
    check(::mkdir(path.c_str(), permissions) == 0, "mkdir", path);
}
void remove_folder(const std::string& path) { check(::rmdir(path.c_str()) == 0, "rmdir", path); }
int remove_tree(const std::string& path) noexcept { return remove_below(AT_FDCWD, path.c_str()); }
void link_file(const std::string& source, const std::string& destination) {
    check(::link(source.c_str(), destination.c_str()) == 0, "link", source + " -> " + destination);
}
void symlink_file(const std::string& target, const std::string& path) {
    check(::symlink(target.c_str(), path.c_str()) == 0, "symlink", target + " -> " + path);
}

std::string link_target(const std::string& path) {
    std::string target(PATH_MAX, '\0');
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    check(size >= 0, "readlink", path);
    target.resize(static_cast<std::size_t>(size));
    return target;
}

std::string current_folder() {
    struct Free {
        void operator()(char* memory) const noexcept { std::free(memory); }
    };
    const std::unique_ptr<char, Free> path(::getcwd(nullptr, 0));
    check(path != nullptr, "getcwd", {});
    return path.get();
}

// ---- bytes and new files ------------------------------------------------------------------------

std::int64_t copy_to(int out, int in, std::int64_t offset, std::size_t count) {
    for (;;) {
        off_t at = offset;
        const ssize_t went = ::sendfile(out, in, offset < 0 ? nullptr : &at, count);
        if (went >= 0) return went;
        if (errno != EINTR) throw_os_error(errno, "sendfile", std::to_string(out));
    }
}

int make_unique_file(std::string& pattern, std::size_t suffix_bytes) {
    const int fd = ::mkostemps(pattern.data(), static_cast<int>(suffix_bytes), O_CLOEXEC);
    check(fd >= 0, "mkostemps", pattern);
    return fd;
}

void make_unique_folder(std::string& pattern) {
    check(::mkdtemp(pattern.data()) != nullptr, "mkdtemp", pattern);
}

int make_nameless_file(const std::string& folder) {
    const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
        check(fd >= 0, "open", folder);
        return fd;
    }
    std::string pattern = folder + "/tmpXXXXXX"; // this file system cannot
    const int named = make_unique_file(pattern, 0);
    ::unlink(pattern.c_str());
    return named;
}

int make_memory_file() {
    const int fd = ::memfd_create("asyncio", MFD_CLOEXEC);
    check(fd >= 0, "memfd_create", {});
    return fd;
}

void move_to_folder(int fd, const std::string& folder) {
    const Descriptor made(make_nameless_file(folder));
    const auto size = static_cast<std::size_t>(file_status(fd).size);
    for (std::size_t at = 0; at < size;) {
        const auto went = copy_to(made.get(), fd, static_cast<std::int64_t>(at), size - at);
        if (went == 0) break; // somebody else has cut it
        at += static_cast<std::size_t>(went);
    }
    const off_t position = ::lseek(fd, 0, SEEK_CUR);
    check(position >= 0 && ::lseek(made.get(), position, SEEK_SET) >= 0, "lseek", folder);
    check(::dup3(made.get(), fd, O_CLOEXEC) >= 0, "dup3", folder);
}

} // namespace asyncio::os
