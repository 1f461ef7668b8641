// SPDX-License-Identifier: MIT
// Files that are not as files should be: full, grown, endless, without a size, without a position.
#include "aiofiles/aiofiles.h"

#include "asyncio/testing/sweep.h"
#include "support/memory.h"
#include "support/scratch.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace asyncio;
using aiofiles::AsyncFile;
using aiofiles::OpenOptions;
using aiofiles::Whence;
using support::Scratch;

namespace {

/// While it lives, no further descriptor can be opened.
class NoDescriptors {
public:
    NoDescriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit none{0, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

std::string noise(std::size_t bytes) {
    std::string text(bytes, '\0');
    std::uint32_t state = 1;
    for (char& c : text) {
        state = state * 1664525 + 1013904223;
        c = static_cast<char>(state >> 24);
    }
    return text;
}

} // namespace

// ---- errors -------------------------------------------------------------------------------------

CO_TEST("AF06: a disk that stays full does not let what is to be written grow for ever") {
    const auto file = co_await aiofiles::open("/dev/full", "wb", OpenOptions().buffering(100));
    int refused = 0;
    for (int i = 0; i < 50; ++i) {
        const auto end = co_await outcome(file.write(std::string(60, 'x')));
        refused += end.exception() != nullptr;
    }
    CHECK(refused >= 48);
    CHECK(file.state().behind.size() <= 200);
    CHECK_THROWS_AS(co_await file.close(), OSError);
}

CO_TEST("AF06: a seek that fails has not moved anything") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.put("a", "0123456789"), "rb");
    CHECK_EQ(co_await file.read(2), "01");
    CHECK_THROWS_AS(co_await file.seek(-100, Whence::end), OSError);
    CHECK_EQ(co_await file.tell(), 2);
    CHECK_EQ(co_await file.read(), "23456789");
    co_await file.close();
}

CO_TEST("AF06: a descriptor that is not open is the ordinary error") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.put("a", "text"), "rb");
    ::close(file.fileno());
    CHECK_THROWS_MSG(co_await file.read(), OSError, "Bad file descriptor");
    CHECK_THROWS_MSG(co_await file.close(), OSError, "Bad file descriptor");
    CHECK(file.closed());
}

CO_TEST("AF06: when there are no descriptors left, opening is the ordinary error") {
    if (!support::memory_can_be_measured) co_return; // the sanitizer's own checks need some
    const Scratch scratch;
    const std::string path = scratch.put("a", "text");
    const auto warm = co_await aiofiles::open(path); // its thread is there
    {
        const NoDescriptors none;
        CHECK_THROWS_MSG(co_await aiofiles::open(path), OSError, "Too many open files");
        CHECK_THROWS_MSG(co_await aiofiles::tempfile::TemporaryFile(), OSError,
                         "Too many open files");
        CHECK_THROWS_MSG(co_await aiofiles::tempfile::SpooledTemporaryFile(), OSError,
                         "Too many open files");
        CHECK_EQ(co_await warm.read(), "text");
    }
    co_await warm.close();
}

CO_TEST("AF04: a path with a null byte in it is refused, and is nowhere") {
    const std::string path("/tmp\0x", 6);
    CHECK_THROWS_MSG(co_await aiofiles::os::stat(path), ValueError, "embedded null byte");
    CHECK_THROWS_AS(co_await aiofiles::os::rename("x", path), ValueError);
    CHECK_THROWS_AS(co_await aiofiles::os::mkdir(path), ValueError);
    CHECK(!co_await aiofiles::os::path::exists(path));
    CHECK(!co_await aiofiles::os::path::isdir(path));
}

// ---- sizes --------------------------------------------------------------------------------------

CO_TEST("AF02: a file that has grown is read on from where its end was") {
    const Scratch scratch;
    const auto out = co_await aiofiles::open(scratch.path("a"), "w");
    const auto in = co_await aiofiles::open(scratch.path("a"));
    for (const char* text : {"one\n", "two\n", "three\n"}) {
        CHECK_EQ(co_await in.readline(), "");
        CHECK_EQ(co_await in.read(), "");
        co_await out.write(text);
        co_await out.flush();
        CHECK_EQ(co_await in.readline(), text);
    }
    co_await out.close();
    co_await in.close();
}

CO_TEST("AF02: a file of /proc says that it has no size, and is read whole") {
    const auto file = co_await aiofiles::open("/proc/self/maps", "rb");
    const std::string maps = co_await file.read();
    CHECK(maps.size() > 4096 && maps.ends_with("\n"));
    co_await file.seek(0);
    CHECK((co_await file.readlines()).size() > 20);
    co_await file.close();
}

CO_TEST("AF02: a wish for more than there can be takes what is there") {
    const Scratch scratch;
    const auto file = co_await aiofiles::open(scratch.put("a", "0123456789"), "rb");
    CHECK_EQ(co_await file.read(PTRDIFF_MAX), "0123456789");
    co_await file.seek(4);
    CHECK_EQ(co_await file.read1(PTRDIFF_MAX), "456789");
    co_await file.close();
    const auto text = co_await aiofiles::open(scratch.path("a"));
    CHECK_EQ(co_await text.read(PTRDIFF_MAX), "0123456789");
    co_await text.close();
}

CO_TEST("AF02: of an endless file as much is read as is asked for") {
    const auto file = co_await aiofiles::open("/dev/zero", "rb");
    CHECK_EQ((co_await file.read(3 << 20)).size(), std::size_t{3} << 20);
    CHECK_EQ(co_await file.read(2), std::string(2, '\0'));
    co_await file.close();
}

CO_TEST("AF02: large files are copied byte by byte, whatever the pieces") {
    const Scratch scratch;
    const std::string bytes = noise((5 << 20) + 7);
    scratch.put("a", bytes);
    for (const std::ptrdiff_t size : {std::ptrdiff_t{1} << 30, std::ptrdiff_t{2} << 20,
                                      std::ptrdiff_t{100'003}, std::ptrdiff_t{-1}}) {
        const auto in = co_await aiofiles::open(scratch.path("a"), "rb");
        const auto out = co_await aiofiles::open(scratch.path("b"), "wb");
        for (;;) {
            std::string piece = co_await in.read(size);
            if (piece.empty()) break;
            co_await out.write(std::move(piece));
        }
        co_await in.close();
        co_await out.close();
        CHECK(scratch.get("b") == bytes);
    }
}

CO_TEST("AF02: a hundred thousand lines come one by one, each as it was written") {
    const Scratch scratch;
    const auto out = co_await aiofiles::open(scratch.path("a"), "w");
    for (int i = 0; i < 100'000; ++i) co_await out.write(std::to_string(i) + " \u4e2d\n");
    co_await out.close();
    const auto in = co_await aiofiles::open(scratch.path("a"));
    int count = 0;
    int wrong = 0;
    while (auto line = co_await in.next_line()) {
        wrong += *line != std::to_string(count++) + " \u4e2d\n";
    }
    CHECK_EQ(count, 100'000);
    CHECK_EQ(wrong, 0);
    co_await in.close();
}

CO_TEST("AF06: a hundred files at once, on the loop's own executor") {
    const Scratch scratch;
    const auto use = [&](int i) -> Coro<> {
        const std::string text = std::string(10'000, 'x') + std::to_string(i);
        const auto file = co_await aiofiles::open(scratch.path(std::to_string(i)), "w+");
        co_await file.write(text);
        co_await file.seek(0);
        CHECK_EQ(co_await file.read(), text);
        co_await file.close();
    };
    std::vector<Coro<>> all;
    for (int i = 0; i < 100; ++i) all.push_back(use(i));
    co_await gather(std::move(all));
    CHECK_EQ(scratch.count(), 100U);
}

// ---- without a position -------------------------------------------------------------------------

CO_TEST("AF02: what has two directions loses nothing of one by using the other") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const auto one = co_await aiofiles::open(ends[0], "rb+");
    const auto other = co_await aiofiles::open(ends[1], "rb+");
    co_await other.write("abcdef");
    co_await other.flush();
    CHECK_EQ(co_await one.read(2), "ab");
    co_await one.write("answer");
    co_await one.flush();
    CHECK_EQ(co_await one.read(4), "cdef");
    CHECK_EQ(co_await other.read(6), "answer");
    co_await one.close();
    co_await other.close();
}

CO_TEST("AF01: the signature of a pipe is no text either, and is written once") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const auto options = OpenOptions().encoding("utf-8-sig");
    const auto out = co_await aiofiles::open(ends[1], "w", options);
    co_await out.write("one\n");
    co_await out.write("two\n");
    co_await out.close();
    const auto in = co_await aiofiles::open(ends[0], "r", options);
    CHECK_EQ(co_await in.readline(), "one\n");
    CHECK_EQ(co_await in.read(), "two\n");
    co_await in.close();
}

CO_TEST("AF01: without a buffer, a read is one system call") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const auto in = co_await aiofiles::open(ends[0], "rb", OpenOptions().buffering(0));
    REQUIRE(::write(ends[1], "abc", 3) == 3);
    CHECK_EQ(co_await in.read(100), "abc");
    REQUIRE(::write(ends[1], "defg", 4) == 4);
    std::array<std::byte, 100> into{};
    CHECK_EQ(co_await in.readinto(into), 4U);
    ::close(ends[1]);
    CHECK_EQ(co_await in.read(100), "");
    co_await in.close();
}

CO_TEST("AF01: a FIFO is opened on a thread, and both sides meet") {
    const Scratch scratch;
    REQUIRE(::mkfifo(scratch.path("fifo").c_str(), 0600) == 0);
    const auto read = [](AsyncFile& file) { return file.read(); };
    const auto write = [](AsyncFile& file) { return file.write("through"); };
    const auto ends = co_await gather(aiofiles::open(scratch.path("fifo"), "r", read),
                                      aiofiles::open(scratch.path("fifo"), "w", write));
    CHECK_EQ(std::get<0>(ends), "through");
}

// ---- cancelled ----------------------------------------------------------------------------------

CO_SWEEP("AF06: readlines under the cancel sweep takes all lines, or none") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1));
    const auto options = OpenOptions().buffering(3).executor(&pool);
    const auto file =
        co_await aiofiles::open(scratch.put("a", "one\r\ntwo\r\nthree\n"), "r", options);
    auto task = sweep.victim(file.readlines(6));
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    const std::string rest = end.exception() == nullptr ? "three\n" : "one\ntwo\nthree\n";
    CHECK_EQ(co_await file.read(), rest);
    co_await file.close();
}

CO_SWEEP("AF06: writelines under the cancel sweep writes all lines, or none") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1));
    const auto options = OpenOptions().buffering(2).executor(&pool);
    const auto file = co_await aiofiles::open(scratch.path("a"), "w", options);
    std::vector<std::string> lines{"one\n", "two\n", "three\n"};
    auto task = sweep.victim(file.writelines(lines));
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    co_await file.close();
    const std::string there = scratch.get("a");
    CHECK(there == "one\ntwo\nthree\n" || (there.empty() && end.exception() != nullptr));
}

CO_SWEEP(
    "AF06: turning from reading to writing under the cancel sweep writes where it has read to") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1));
    const auto options = OpenOptions().executor(&pool);
    const auto file = co_await aiofiles::open(scratch.put("a", "0123456789"), "rb+", options);
    CHECK_EQ(co_await file.read(3), "012");
    auto task = sweep.victim(file.write("ab"));
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    const bool written = co_await file.tell() == 5;
    CHECK(written || end.exception() != nullptr);
    co_await file.write("X");
    co_await file.close();
    CHECK_EQ(scratch.get("a"), written ? "012abX6789" : "012X456789");
}

CO_SWEEP("AF06: seek, tell and truncate under the cancel sweep leave the file in order") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1));
    const auto options = OpenOptions().executor(&pool);
    const auto file = co_await aiofiles::open(scratch.put("a", "0123456789"), "rb+", options);
    const auto use = [&]() -> Coro<> {
        co_await file.seek(6);
        co_await file.tell();
        co_await file.truncate();
    };
    auto task = sweep.victim(use());
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    const auto at = co_await file.tell();
    CHECK(at == 0 || at == 6);
    co_await file.seek(0);
    const std::string all = co_await file.read();
    CHECK(all == "0123456789" || all == "012345");
    co_await file.close();
}
