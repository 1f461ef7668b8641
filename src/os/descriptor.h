// SPDX-License-Identifier: MIT
// A file descriptor with one owner.
#pragma once

#include <cstddef>
#include <utility>

namespace asyncio::os {

/// Owns a descriptor and closes it. Move-only; -1 is none.
class Descriptor {
public:
    Descriptor() noexcept = default;
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() { reset(); }

    int get() const noexcept { return fd_; } // -1: none
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); } // it is the caller's now
    void reset() noexcept; // closes; errno is kept

private:
    int fd_ = -1;
};

/// Another descriptor of the same open file, closed on exec.
/// Throws    OSError: EBADF, EMFILE.
Descriptor duplicate(int fd);

/// A program that this process becomes, or starts, does not get it.
void close_on_exec(int fd) noexcept;

/// How many descriptors this process has; for tests that look at what is left.
/// Cost      reads a folder of /proc.
std::size_t open_descriptors_count() noexcept;

} // namespace asyncio::os
