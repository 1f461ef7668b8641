// SPDX-License-Identifier: MIT
// A pipe for tests, and single bytes through it.
#pragma once

#include "os/descriptor.h"

#include "asyncio/testing/checks.h"

#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace support {

/// A non-blocking pipe.
struct Pipe {
    Pipe() {
        int fds[2];
        REQUIRE(::pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
        read_end = asyncio::os::Descriptor(fds[0]);
        write_end = asyncio::os::Descriptor(fds[1]);
    }
    int in() const { return read_end.get(); }
    int out() const { return write_end.get(); }

    void put(char byte = 'x') const { CHECK(::write(out(), &byte, 1) == 1); }
    /// The next byte, or 0 if there is none.
    char get() const {
        char byte = 0;
        return ::read(in(), &byte, 1) == 1 ? byte : '\0';
    }
    /// Writes until nothing more goes in.
    std::size_t fill() const {
        const std::string block(4096, 'x');
        std::size_t total = 0;
        for (;;) {
            const ssize_t wrote = ::write(out(), block.data(), block.size());
            if (wrote <= 0) return total;
            total += static_cast<std::size_t>(wrote);
        }
    }
    std::size_t drain() const {
        std::string block(4096, '\0');
        std::size_t total = 0;
        for (;;) {
            const ssize_t got = ::read(in(), block.data(), block.size());
            if (got <= 0) return total;
            total += static_cast<std::size_t>(got);
        }
    }

    asyncio::os::Descriptor read_end;
    asyncio::os::Descriptor write_end;
};

} // namespace support
