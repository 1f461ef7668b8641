// SPDX-License-Identifier: MIT
// Disks that fail in the middle: full, broken, over quota, files cut meanwhile, ends that fail.
#include "aiofiles/aiofiles.h"

#include "asyncio/testing/testing.h"
#include "os/files.h"
#include "support/scratch.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <future>
#include <unistd.h>

using namespace asyncio;
using aiofiles::OpenOptions;
using support::Scratch;
using namespace std::chrono_literals;

namespace {

/// What the disk of the case does. Written while no worker works.
struct Disk {
    int fd = -1;             // others are as always
    std::size_t piece = 0;   // bytes a call at most; 0: all
    std::size_t room = ~0UL; // bytes until `error`
    int error = 0;
    std::shared_future<void> gate; // a write waits for it
    int calls = 0;
};
Disk disk;

std::size_t granted(std::size_t size) {
    ++disk.calls;
    if (disk.piece != 0) size = std::min(size, disk.piece);
    size = std::min(size, disk.room);
    disk.room -= size;
    return size;
}

ssize_t write_to_disk(int fd, const void* bytes, std::size_t size) {
    if (fd != disk.fd) return ::write(fd, bytes, size);
    if (disk.gate.valid()) disk.gate.wait();
    const std::size_t goes = granted(size);
    if (goes > 0) return ::write(fd, bytes, goes);
    errno = disk.error;
    return -1;
}

ssize_t read_from_disk(int fd, void* into, std::size_t size) {
    if (fd != disk.fd) return ::read(fd, into, size);
    const std::size_t goes = granted(size);
    if (goes > 0) return ::read(fd, into, goes);
    errno = disk.error;
    return -1;
}

int close_on_disk(int fd) {
    const int ended = ::close(fd);
    if (fd != disk.fd) return ended;
    ++disk.calls;
    errno = disk.error;
    return -1;
}

/// While it lives, reads and writes go through `disk`.
struct ShakyDisk {
    ShakyDisk() {
        disk = Disk();
        os::file_calls.write = &write_to_disk;
        os::file_calls.read = &read_from_disk;
    }
    ShakyDisk(const ShakyDisk&) = delete;
    ShakyDisk& operator=(const ShakyDisk&) = delete;
    ~ShakyDisk() { os::file_calls = before; }
    const os::FileCalls before = os::file_calls;
};

} // namespace

CO_TEST("FLT-EXEC-03: a disk that is full, broken or over quota in the middle of a write says so "
        "once, and what did not go is not lost") {
    struct Failure {
        int number;
        const char* text;
    };
    for (const auto& [number, text] :
         {Failure{ENOSPC, "No space left on device"}, Failure{EIO, "Input/output error"},
          Failure{EDQUOT, "Disk quota exceeded"}}) {
        const ShakyDisk shaky;
        const Scratch scratch;
        const auto file = co_await aiofiles::open(scratch.path("a"), "wb");
        co_await file.write("0123456789");
        disk.fd = file.fileno();
        disk.room = 4;
        disk.error = number;
        CHECK_THROWS_MSG(co_await file.flush(), OSError, text);
        CHECK_EQ(scratch.get("a"), "0123");
        disk.room = ~0UL; // there is room again
        co_await file.write("ab");
        co_await file.close();
        CHECK_EQ(scratch.get("a"), "0123456789ab");
    }
}

CO_TEST("FLT-EXEC-03: a disk that stays full: close tells it, and the descriptor has gone") {
    const ShakyDisk shaky;
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.path("a"), "wb");
    co_await file.write("0123456789");
    const int fd = disk.fd = file.fileno();
    disk.room = 4;
    disk.error = ENOSPC;
    CHECK_THROWS_MSG(co_await file.close(), OSError, "No space left on device");
    CHECK(file.closed());
    CHECK_EQ(::fcntl(fd, F_GETFD), -1);
    co_await file.close(); // it was said once
}

CO_TEST("FLT-EXEC-03: a disk that takes a byte a call gets all of them, in order") {
    const ShakyDisk shaky;
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.path("a"), "w+");
    disk.fd = file.fileno();
    disk.piece = 1;
    co_await file.write("0123456789");
    co_await file.flush();
    CHECK_EQ(disk.calls, 10);
    co_await file.seek(0);
    CHECK_EQ(co_await file.read(), "0123456789");
    co_await file.close();
}

CO_TEST("FLT-EXEC-03: a read that fails says so, and the next one goes on where it has stopped") {
    const ShakyDisk shaky;
    const Scratch scratch;
    const auto file =
        co_await aiofiles::open(scratch.put("a", "0123456789"), "rb", OpenOptions().buffering(4));
    CHECK_EQ(co_await file.read(2), "01");
    disk.fd = file.fileno();
    disk.room = 0;
    disk.error = EIO;
    CHECK_THROWS_MSG(co_await file.read(8), OSError, "Input/output error");
    disk.room = ~0UL;
    CHECK_EQ(co_await file.read(), "23456789");
    co_await file.close();
}

CO_TEST("FLT-EXEC-03: a file that is cut while it is read ends there") {
    const Scratch scratch;
    const auto file =
        co_await aiofiles::open(scratch.put("a", "0123456789"), "rb", OpenOptions().buffering(4));
    CHECK_EQ(co_await file.read(2), "01");
    REQUIRE(::truncate(scratch.path("a").c_str(), 3) == 0);
    CHECK_EQ(co_await file.read(), "23"); // these had been read
    CHECK_EQ(co_await file.read(), "");
    co_await file.close();
}

CO_TEST("FLT-EXEC-03: a close that fails is told once, and has closed") {
    const ShakyDisk shaky;
    os::file_calls.close = &close_on_disk;
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.path("a"), "wb");
    co_await file.write("0123456789");
    const int fd = disk.fd = file.fileno();
    disk.error = EIO;
    CHECK_THROWS_MSG(co_await file.close(), OSError, "Input/output error");
    CHECK(file.closed());
    CHECK_EQ(::fcntl(fd, F_GETFD), -1);
    co_await file.close();
    CHECK_EQ(disk.calls, 2); // a write and a close
    CHECK_EQ(scratch.get("a"), "0123456789");
}

CO_TEST("FLT-EXEC-03: a write that is cancelled while the disk works keeps its descriptor until "
        "the worker has left it") {
    const ShakyDisk shaky;
    const Scratch scratch;
    std::promise<void> gate;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1));
    int fd = -1;
    {
        const auto file =
            co_await aiofiles::open(scratch.path("a"), "wb", OpenOptions().executor(&pool));
        co_await file.write("0123456789");
        fd = disk.fd = file.fileno();
        disk.gate = gate.get_future().share();
        auto flushing = create_task(file.flush());
        for (int i = 0; i < 3; ++i) co_await sleep(0s);
        flushing.cancel();
        CHECK((co_await outcome(flushing)).cancelled());
    } // the handle has gone
    CHECK(::fcntl(fd, F_GETFD) >= 0);
    gate.set_value();
    pool.shutdown();
    CHECK_EQ(scratch.get("a"), "0123456789");
    CHECK_EQ(::fcntl(fd, F_GETFD), -1);
}
