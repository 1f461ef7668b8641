// SPDX-License-Identifier: MIT
// SumsFile: a file of sums, as sha256sum writes it and `sha256sum --check` reads it.
#pragma once

#include "os/descriptor.h"
#include "programs/atour/files.h"

#include <string>
#include <string_view>

namespace atour {

/// "<64 digits>  <path>", as sha256sum writes it: names with line ends and backslashes are escaped,
/// and a backslash says so in front.
std::string sum_line(const Sha256::Digest& digest, std::string_view path);

/// Writes sums in large pieces. What it holds is written at the latest by the destructor.
///
/// Throws    OSError and its family: it cannot be opened or written.
class SumsFile {
public:
    explicit SumsFile(std::string path);
    SumsFile(const SumsFile&) = delete;
    SumsFile& operator=(const SumsFile&) = delete;
    ~SumsFile();

    void add(const Sha256::Digest& digest, std::string_view path);
    /// A line that `sha256sum --check` passes over.
    void add_comment(std::string_view text);
    void flush();

    const std::string& path() const noexcept { return path_; }
    const FileId& id() const noexcept { return id_; } // a list cannot hold its own sum

private:
    std::string path_;
    asyncio::os::Descriptor file_;
    FileId id_;
    std::string held_;
};

} // namespace atour
