// SPDX-License-Identifier: MIT
// Lines as sha256sum writes them, collected and written in large pieces.
#include "programs/atour/sums_file.h"

#include "os/errors.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace atour {

namespace {

constexpr std::size_t held_bytes_max = 64 * 1024;

// A name that has a line end would break the list: such names are escaped.
std::string escaped(std::string_view name) {
    std::string text;
    for (const char c : name) {
        switch (c) {
        case '\\': text += "\\\\"; break;
        case '\n': text += "\\n"; break;
        case '\r': text += "\\r"; break;
        default: text += c;
        }
    }
    return text;
}

} // namespace

std::string sum_line(const Sha256::Digest& digest, std::string_view path) {
    const std::string name = escaped(path);
    const char* mark = name.size() == path.size() ? "" : "\\";
    return mark + to_hex(digest) + "  " + name + "\n";
}

SumsFile::SumsFile(std::string path)
    : path_(std::move(path)),
      file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666)) {
    struct stat status{};
    if (!file_ || ::fstat(file_.get(), &status) != 0) {
        asyncio::os::throw_os_error(errno, "open", path_);
    }
    id_ = {status.st_dev, status.st_ino};
}

SumsFile::~SumsFile() {
    try {
        flush();
    } catch (const asyncio::os::OSError&) {
        // Whoever wants to know calls flush() before.
    }
}

void SumsFile::add(const Sha256::Digest& digest, std::string_view path) {
    held_ += sum_line(digest, path);
    if (held_.size() >= held_bytes_max) flush();
}

void SumsFile::add_comment(std::string_view text) { held_ += "# " + escaped(text) + "\n"; }

void SumsFile::flush() {
    std::string_view rest = held_;
    while (!rest.empty()) {
        const ssize_t written = ::write(file_.get(), rest.data(), rest.size());
        if (written >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            asyncio::os::throw_os_error(errno, "write", path_);
        }
    }
    held_.clear();
}

} // namespace atour
