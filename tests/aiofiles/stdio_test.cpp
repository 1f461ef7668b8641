// SPDX-License-Identifier: MIT
// The standard streams: in processes of their own, whose descriptors are pipes and files.
#include "aiofiles/stdio.h"

#include "asyncio/runners.h"
#include "asyncio/testing/testing.h"
#include "support/child_process.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <unistd.h>

using namespace asyncio;
using support::in_child;
using support::Scratch;

namespace {

void put_in_place(const std::string& path, int flags, int fd) {
    const int file = ::open(path.c_str(), flags, 0600);
    REQUIRE(file >= 0 && ::dup2(file, fd) == fd);
    ::close(file);
}

Coro<> shout() {
    const auto in = aiofiles::stdin_();
    const auto out = aiofiles::stdout_();
    while (auto line = co_await in.next_line()) co_await out.write("> " + *line);
    co_await aiofiles::stderr_().write("done\n"); // at once
    co_await out.flush();
}

} // namespace

TEST("AF05: lines from the input to the output, and a word to the error output") {
    const Scratch scratch;
    scratch.put("in", "one\n\u4e2d\n");
    const auto end = in_child([&] {
        put_in_place(scratch.path("in"), O_RDONLY, STDIN_FILENO);
        put_in_place(scratch.path("out"), O_WRONLY | O_CREAT, STDOUT_FILENO);
        put_in_place(scratch.path("err"), O_WRONLY | O_CREAT, STDERR_FILENO);
        run(shout());
    });
    CHECK(end.exited(0));
    CHECK_EQ(scratch.get("out"), "> one\n> \u4e2d\n");
    CHECK_EQ(scratch.get("err"), "done\n");
}

TEST("AF05: bytes are bytes, and close leaves the descriptor open") {
    const Scratch scratch;
    scratch.put("in", "\xff\xfe");
    const auto end = in_child([&] {
        put_in_place(scratch.path("in"), O_RDONLY, STDIN_FILENO);
        run([]() -> Coro<> {
            const auto in = aiofiles::stdin_bytes();
            CHECK_EQ(in.name(), "<stdin>");
            CHECK_EQ(co_await in.read(), "\xff\xfe");
            co_await in.close();
        }());
        CHECK(::fcntl(STDIN_FILENO, F_GETFD) >= 0);
    });
    CHECK(end.exited(0));
}
