// SPDX-License-Identifier: MIT
// Raw files: one call at a time, on threads, with what it needs to outlive its file.
#include "aiofiles/raw_files.h"

#include "asyncio/testing/testing.h"
#include "asyncio/threads.h"
#include "os/files.h"
#include "support/scratch.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

using namespace asyncio;
using namespace aiofiles::detail;
using support::Scratch;
namespace sys = asyncio::os;

namespace {

RawFile file_of(const std::string& path, int flags, bool closes = true) {
    return RawFile(sys::Descriptor(sys::open_file(path, flags, 0600)), closes, path, nullptr);
}

Coro<RawResult> made(RawFile& file, RawRequest request) {
    // LIFETIME: `file`: the case's.
    const RawWork work = file.start(std::move(request));
    co_await work.done;
    co_return *work.result;
}

} // namespace

CO_TEST("a raw file reads, writes, seeks, cuts and closes") {
    const Scratch scratch;
    RawFile file = file_of(scratch.put("a", "0123456789"), sys::OpenFlags::read_write);
    CHECK_EQ((co_await made(file, RawRequest(RawCall::read, 4))).bytes, "0123");
    const RawResult written = co_await made(file, RawRequest(RawCall::write, "ab"));
    CHECK(written.written == 2 && written.errnum == 0);
    CHECK_EQ((co_await made(file, RawRequest(RawCall::seek, -4, SEEK_END))).position, 6);
    CHECK_EQ((co_await made(file, RawRequest(RawCall::read_to_end))).bytes, "6789");
    CHECK_EQ((co_await made(file, RawRequest(RawCall::truncate, 7))).errnum, 0);
    CHECK_EQ((co_await made(file, RawRequest(RawCall::close))).errnum, 0);
    CHECK_EQ(scratch.get("a"), "0123ab6");
}

CO_TEST("an error is a number beside what was done in front of it") {
    RawFile full = file_of("/dev/full", sys::OpenFlags::write);
    const RawResult result = co_await made(full, RawRequest(RawCall::write, "text"));
    CHECK_EQ(result.errnum, ENOSPC);
    CHECK_EQ(result.written, 0U);
    CHECK_EQ(result.bytes, "text");
    const Scratch scratch;
    RawFile file = file_of(scratch.put("a", ""), sys::OpenFlags::read);
    CHECK_EQ((co_await made(file, RawRequest(RawCall::seek, -1, SEEK_SET))).errnum, EINVAL);
    CHECK_EQ(std::string(name_of(RawCall::seek)), "lseek");
    CHECK_EQ(std::string(name_of(RawCall::append)), "write");
}

CO_TEST("an append tells where it has ended") {
    const Scratch scratch;
    RawFile file = file_of(scratch.put("a", "123"), sys::OpenFlags::write | sys::OpenFlags::append);
    CHECK_EQ((co_await made(file, RawRequest(RawCall::append, "45"))).position, 5);
}

CO_TEST("close removes the file that is to go, and leaves a descriptor that is not its own") {
    const Scratch scratch;
    RawFile file = file_of(scratch.put("a", ""), sys::OpenFlags::read);
    co_await made(file, RawRequest(RawCall::close, scratch.path("a")));
    CHECK_EQ(scratch.count(), 0U);
    const sys::Descriptor owner(sys::open_file(scratch.put("b", ""), sys::OpenFlags::read, 0));
    {
        RawFile borrowed(sys::Descriptor(owner.get()), false, "b", nullptr);
        co_await made(borrowed, RawRequest(RawCall::close));
        const RawFile dropped(sys::Descriptor(owner.get()), false, "b", nullptr);
    }
    CHECK(::fcntl(owner.get(), F_GETFD) >= 0);
}

CO_TEST("AF06: a call outlives its file, and reads into memory of its own") {
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    std::optional<RawWork> work;
    {
        RawFile file{sys::Descriptor(fds[0]), true, "pipe", nullptr};
        work = file.start(RawRequest(RawCall::read, 100));
    }
    REQUIRE(::write(fds[1], "late", 4) == 4);
    co_await work->done;
    CHECK_EQ(work->result->bytes, "late");
    work.reset();
    ::close(fds[1]);
}

CO_TEST("make_now waits for the call under way") {
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    RawFile out(sys::Descriptor(fds[1]), true, "pipe", nullptr);
    const RawWork first = out.start(RawRequest(RawCall::write, "first "));
    co_await first.done;
    CHECK_EQ(out.make_now(RawRequest(RawCall::write, "second")).written, 6U);
    CHECK_EQ(out.make_now(RawRequest(RawCall::close)).errnum, 0);
    std::string all;
    CHECK_EQ(sys::read_to_end(fds[0], all), 0);
    ::close(fds[0]);
    CHECK_EQ(all, "first second");
}
