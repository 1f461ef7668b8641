// SPDX-License-Identifier: MIT
// Part 2: the SHA-256 of every file below a folder.
#pragma once

#include "programs/atour/files.h"
#include "programs/atour/sums_file.h"
#include "programs/terminal/console.h"

#include <memory>

namespace atour {

/// What to hash, and where to write the sums; opened before the tour begins.
struct SumsJob {
    std::string folder;
    std::shared_ptr<FolderWalk> walk; // shared with the thread that reads folders
    std::shared_ptr<SumsFile> file;   // null: the sums are written nowhere
};

/// Opens the folder and the file.
/// Throws    OSError and its family: one of them cannot be opened.
SumsJob open_sums(const std::string& folder, const std::string& sums_file);

/// One task finds the files, several hash them in threads, and the queue between them is short:
/// however many files there are, the memory stays the same.
///
/// Cancel    says what is given up; the sums of files that were done are written.
asyncio::Coro<> hash_folder(terminal::Console& console, SumsJob job);

} // namespace atour
