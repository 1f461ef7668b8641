// SPDX-License-Identifier: MIT
// The limit: blocking calls on one thread. Called as bench/asyncio/files.cpp; AT_ONCE is a name.
#include "../../meter.h"

#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace {

constexpr unsigned seconds_max = 600;
constexpr std::size_t small_bytes = 4096;
constexpr std::size_t piece_bytes = std::size_t{1} << 20;
const std::string bytes(piece_bytes, 'x');

void expect(bool held) {
    if (!held) throw std::runtime_error("a call has failed, or moved less than it was told");
}

int open_file(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    expect(fd >= 0);
    return fd;
}

void write_bytes(int fd, std::size_t size) {
    expect(::write(fd, bytes.data(), size) == static_cast<ssize_t>(size));
}

void read_bytes(int fd, std::string& into, std::size_t size) {
    expect(::read(fd, into.data(), size) == static_cast<ssize_t>(size) && into[size - 1] == 'x');
}

template <class F>
void measure(const std::string& workload, long count, F work) {
    const bench::Report report("raw", workload, count);
    const bench::Meter meter(report);
    work();
    meter.stop(static_cast<double>(count));
}

void small_files(long count, const std::string& at_once, const std::string& folder) {
    std::string into(piece_bytes, '\0');
    measure("write_small/c" + at_once, count, [&] {
        for (long i = 0; i < count; ++i) {
            const int fd =
                open_file(folder + "/" + std::to_string(i), O_WRONLY | O_CREAT | O_TRUNC);
            write_bytes(fd, small_bytes);
            expect(::close(fd) == 0);
        }
    });
    measure("read_small/c" + at_once, count, [&] {
        for (long i = 0; i < count; ++i) {
            const int fd = open_file(folder + "/" + std::to_string(i), O_RDONLY);
            read_bytes(fd, into, small_bytes);
            expect(::read(fd, into.data(), small_bytes) == 0 && ::close(fd) == 0);
        }
    });
}

void large_file(long pieces, const std::string& path) {
    std::string into(piece_bytes, '\0');
    measure("write_large", pieces, [&] {
        const int fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
        for (long i = 0; i < pieces; ++i) write_bytes(fd, piece_bytes);
        expect(::close(fd) == 0);
    });
    measure("read_large", pieces, [&] {
        const int fd = open_file(path, O_RDONLY);
        for (long i = 0; i < pieces; ++i) read_bytes(fd, into, piece_bytes);
        expect(::close(fd) == 0);
    });
}

} // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    ::alarm(seconds_max);
    if (mode == "small" && argc == 5) {
        small_files(std::atol(argv[2]), argv[3], argv[4]);
    } else if (mode == "large" && argc == 4) {
        large_file(std::atol(argv[2]), std::string(argv[3]) + "/large");
    } else {
        return 2;
    }
}
