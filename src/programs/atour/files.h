// SPDX-License-Identifier: MIT
// Files: which ones are below a folder, and what their SHA-256 is. Blocking work, for threads.
#pragma once

#include "programs/atour/sha256.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace atour {

/// Something that could not be read, and why. Everyday life, so a value and no exception.
struct Unreadable {
    std::filesystem::path path;
    int errnum = 0;
};

/// A piece of the list of files.
struct FoundFiles {
    std::vector<std::filesystem::path> files; // regular ones
    std::vector<Unreadable> unreadable;       // folders
    std::uint64_t skipped = 0;                // symbolic links, devices, sockets, pipes
    bool is_last = false;
};

/// Lists the regular files below a folder, piece by piece.
///
/// Symbolic links are not followed. What vanishes meanwhile is not there.
///
/// Thread    any; one at a time.
/// Cost      holds one open folder, and the names of folders that are still to be read.
class FolderWalk {
public:
    /// Throws    FileNotFoundError, NotADirectoryError, PermissionError, ...: the folder cannot be
    ///           read at all.
    explicit FolderWalk(const std::filesystem::path& folder);

    /// The next files, `count` at most.
    FoundFiles next(std::size_t count);

private:
    void open_next_folder(FoundFiles& found);
    void take_entry(FoundFiles& found);

    std::filesystem::directory_iterator open_; // at its end: none is open
    std::filesystem::path open_path_;
    std::vector<std::filesystem::path> folders_; // to be read yet
};

/// Which file it is, by whatever name.
struct FileId {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const FileId&, const FileId&) = default;
};

/// A file as it was read.
struct HashedFile {
    Sha256::Digest digest{};
    std::uint64_t bytes = 0;
    FileId id;
    int errnum = 0; // not 0: it could not be read to its end
    bool is_regular = true; // false: something else stands there by now; it was not read
};

/// How many bytes threads have read so far.
using ReadCount = std::atomic<std::uint64_t>;

/// Reads a file in pieces of 256 KiB.
///
/// stop      asked for: gives up between two pieces, with ECANCELED
/// read      what is read is added to it, piece by piece
/// Cost      one buffer a thread, which the thread keeps.
HashedFile hash_file(const std::stop_token& stop, const std::filesystem::path& path,
                     const std::shared_ptr<ReadCount>& read);

/// "Permission denied"
std::string reason_text(int errnum);

} // namespace atour
