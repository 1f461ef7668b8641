// SPDX-License-Identifier: MIT
// The walk through a folder, and the reading of a file.
#include "programs/atour/files.h"

#include "os/descriptor.h"
#include "os/errors.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace atour {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

bool has_vanished(int errnum) { return errnum == ENOENT; }

} // namespace

// ---- the walk -----------------------------------------------------------------------------------

FolderWalk::FolderWalk(const fs::path& folder) : open_path_(folder) {
    std::error_code error;
    open_ = fs::directory_iterator(folder, error);
    if (error) asyncio::os::throw_os_error(error.value(), "opendir", folder.native());
}

FoundFiles FolderWalk::next(std::size_t count) {
    FoundFiles found;
    while (found.files.size() < count && !found.is_last) {
        if (open_ != fs::directory_iterator()) {
            take_entry(found);
        } else if (!folders_.empty()) {
            open_next_folder(found);
        } else {
            found.is_last = true;
        }
    }
    return found;
}

void FolderWalk::open_next_folder(FoundFiles& found) {
    open_path_ = std::move(folders_.back());
    folders_.pop_back();
    std::error_code error;
    open_ = fs::directory_iterator(open_path_, error);
    if (error && !has_vanished(error.value())) {
        found.unreadable.push_back({open_path_, error.value()});
    }
}

// The folder itself knows what its entries are: nothing is opened for it.
void FolderWalk::take_entry(FoundFiles& found) {
    std::error_code error;
    const fs::directory_entry& entry = *open_;
    const bool link = entry.is_symlink(error);
    if (!link && entry.is_directory(error)) {
        folders_.push_back(entry.path());
    } else if (!link && entry.is_regular_file(error)) {
        found.files.push_back(entry.path());
    } else if (!error) {
        ++found.skipped;
    } else if (!has_vanished(error.value())) {
        found.unreadable.push_back({entry.path(), error.value()});
    }
    open_.increment(error);
    if (error) found.unreadable.push_back({open_path_, error.value()});
}

// ---- one file -----------------------------------------------------------------------------------

namespace {

// What was a file in the list may be a pipe by now, which nobody writes to: O_NONBLOCK opens it all
// the same, and fstat() tells.
asyncio::os::Descriptor open_file(const fs::path& path, HashedFile& file) {
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY;
    asyncio::os::Descriptor opened(::open(path.c_str(), flags));
    struct stat status{};
    if (!opened || ::fstat(opened.get(), &status) != 0) {
        file.errnum = errno;
        file.is_regular = errno != ELOOP && errno != ENXIO; // a link, a socket
        opened.reset();
    } else if (!S_ISREG(status.st_mode)) {
        file.is_regular = false;
        opened.reset();
    }
    file.id = {status.st_dev, status.st_ino};
    return opened;
}

std::span<std::byte> buffer_of_thread() {
    thread_local std::vector<std::byte> buffer(piece_bytes);
    return buffer;
}

} // namespace

HashedFile hash_file(const std::stop_token& stop, const fs::path& path,
                     const std::shared_ptr<ReadCount>& read) {
    HashedFile file;
    const asyncio::os::Descriptor opened = open_file(path, file);
    if (!opened) return file;
    const std::span<std::byte> buffer = buffer_of_thread();
    Sha256 sum;
    while (!stop.stop_requested()) {
        const ssize_t got = ::read(opened.get(), buffer.data(), buffer.size());
        if (got > 0) {
            const auto size = static_cast<std::size_t>(got);
            sum.update(buffer.first(size));
            file.bytes += size;
            *read += size;
        } else if (got == 0) {
            file.digest = sum.finish();
            return file;
        } else if (errno != EINTR) {
            file.errnum = errno;
            return file;
        }
    }
    file.errnum = ECANCELED;
    return file;
}

std::string reason_text(int errnum) { return std::generic_category().message(errnum); }

} // namespace atour
