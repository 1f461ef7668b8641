// SPDX-License-Identifier: MIT
// Files below their operations: cancelled waits, full disks, closed ends.
#include "aiofiles/file_states.h"

#include "aiofiles/aiofiles.h"
#include "asyncio/testing/sweep.h"
#include "support/scratch.h"

#include <csignal>
#include <unistd.h>

using namespace asyncio;
using aiofiles::AsyncFile;
using aiofiles::OpenOptions;
using support::Scratch;
using namespace std::chrono_literals;

namespace {

struct Pipe {
    Pipe() { REQUIRE(::pipe(ends) == 0); }
    int ends[2];
};

Coro<std::string> read_all_lines(AsyncFile file) {
    std::string all;
    while (auto line = co_await file.next_line()) all += *line;
    co_return all;
}

} // namespace

CO_TEST("AF06: a read that is cancelled while its thread works loses nothing") {
    const Pipe pipe;
    const auto in = co_await aiofiles::open(pipe.ends[0], "rb");
    const auto reader = create_task(in.read(4));
    co_await sleep(0s);
    co_await sleep(0s);
    reader.cancel();
    CHECK((co_await outcome(reader)).cancelled());
    REQUIRE(::write(pipe.ends[1], "abcd", 4) == 4);
    ::close(pipe.ends[1]);
    CHECK_EQ(co_await in.read(), "abcd");
    co_await in.close();
}

CO_TEST("AF06: a write that is cancelled while its thread works is written once") {
    const Pipe pipe;
    const auto out = co_await aiofiles::open(pipe.ends[1], "wb");
    const std::string much(1 << 20, 'x'); // more than the pipe takes
    const auto writer = create_task(out.write(much));
    co_await sleep(0s);
    co_await sleep(0s);
    writer.cancel();
    CHECK((co_await outcome(writer)).cancelled());
    const auto in = co_await aiofiles::open(pipe.ends[0], "rb");
    const auto rest = create_task(in.read());
    co_await out.write("end");
    co_await out.close();
    CHECK_EQ(co_await rest, much + "end");
    co_await in.close();
}

CO_SWEEP("AF06: reading lines under the cancel sweep: the next reader gets what is left") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1)); // has ended when this has
    const std::string text = "one\ntwo\nthree\nfour\n";
    const auto file = co_await aiofiles::open(scratch.put("a", text), "r",
                                              OpenOptions().buffering(3).executor(&pool));
    std::string all;
    all.reserve(text.size()); // what is lost is not lost here
    const auto read = [&]() -> Coro<> {
        while (auto line = co_await file.next_line()) all += *line;
    };
    auto task = sweep.victim(read());
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    all += co_await read_all_lines(file);
    CHECK_EQ(all, text);
    co_await file.close();
}

CO_SWEEP("AF06: writing under the cancel sweep: what was accepted is there, once and in order") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1));
    const auto options = OpenOptions().buffering(4).executor(&pool);
    const auto file = co_await aiofiles::open(scratch.path("a"), "w", options);
    std::string accepted;
    const auto write = [&]() -> Coro<> {
        for (const char* word : {"one ", "two ", "three ", "four "}) {
            accepted += word;
            co_await file.write(word);
        }
    };
    auto task = sweep.victim(write());
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    co_await file.write("end");
    co_await file.close();
    const std::string there = scratch.get("a");
    const std::string without_last =
        accepted.substr(0, accepted.rfind(' ', accepted.size() - 2) + 1);
    CHECK(there == accepted + "end" || there == without_last + "end");
}

CO_TEST("a full disk is a typed error that names the file; close tells, and closes") {
    const auto file = co_await aiofiles::open("/dev/full", "wb");
    co_await file.write("x");
    CHECK_THROWS_MSG(co_await file.flush(), OSError, "No space left on device: '/dev/full'");
    CHECK_THROWS_MSG(co_await file.close(), OSError, "/dev/full");
    CHECK(file.closed());
    co_await file.close();
}

CO_TEST("a reader that has gone is a BrokenPipeError") {
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    const Pipe pipe;
    ::close(pipe.ends[0]);
    const auto out = co_await aiofiles::open(pipe.ends[1], "wb", OpenOptions().buffering(0));
    CHECK_THROWS_AS(co_await out.write("x"), BrokenPipeError);
    CHECK_THROWS_AS(co_await out.close(), BrokenPipeError);
    std::signal(SIGPIPE, before);
}

CO_TEST("AF01: a file blocks the threads of the executor that it was given") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1));
    const auto options = OpenOptions().executor(&pool);
    const auto file = co_await aiofiles::open(scratch.put("a", "x"), "r", options);
    CHECK_EQ(co_await file.read(), "x");
    pool.shutdown();
    CHECK_THROWS_AS(co_await file.read(), RuntimeError);
}
