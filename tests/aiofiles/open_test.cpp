// SPDX-License-Identifier: MIT
// open: by name and by descriptor, the closure form, and what cannot be opened.
#include "aiofiles/open.h"

#include "asyncio/testing/sweep.h"
#include "os/descriptor.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace asyncio;
using aiofiles::AsyncFile;
using aiofiles::OpenOptions;
using support::Scratch;

CO_TEST("AF06: what cannot be opened is the ordinary error, with the path") {
    const Scratch scratch;
    CHECK_THROWS_MSG(co_await aiofiles::open(scratch.path("none")), FileNotFoundError,
                     "No such file or directory: '" + scratch.path("none") + "'");
    CHECK_THROWS_AS(co_await aiofiles::open(scratch.folder()), IsADirectoryError);
    CHECK_THROWS_AS(co_await aiofiles::open(scratch.path("a/b"), "w"), FileNotFoundError);
    CHECK_THROWS_AS(co_await aiofiles::open(scratch.put("f", "") + "/x"), NotADirectoryError);
    CHECK_THROWS_AS(co_await aiofiles::open(std::string("a\0b", 3)), ValueError);
    CHECK_THROWS_AS(co_await aiofiles::open("x", "q"), ValueError);
    CHECK_EQ(scratch.count(), 1U);
}

CO_TEST("AF01: the closure form closes, whether the body returns or throws, and gives its result") {
    const Scratch scratch;
    const auto read = [](AsyncFile& file) { return file.read(); };
    CHECK_EQ(co_await aiofiles::open(scratch.put("a", "text"), "r", read), "text");
    std::optional<AsyncFile> kept;
    const auto fail = [&](AsyncFile& file) -> Coro<> {
        kept = file;
        co_await file.write("half");
        throw KeyError("body");
    };
    CHECK_THROWS_AS(co_await aiofiles::open(scratch.path("b"), "w", fail), KeyError);
    CHECK(kept->closed());
    CHECK_EQ(scratch.get("b"), "half");
}

CO_TEST("AF01: a descriptor stays open if it is not to be closed, or if it could not be opened") {
    const Scratch scratch;
    const int fd = ::open(scratch.put("a", "text").c_str(), O_RDONLY | O_CLOEXEC);
    const os::Descriptor owner(fd);
    const auto file = co_await aiofiles::open(fd, "r", OpenOptions().closefd(false));
    CHECK_EQ(file.name(), std::to_string(fd));
    CHECK_EQ(co_await file.read(), "text");
    co_await file.close();
    CHECK(::fcntl(fd, F_GETFD) >= 0);
    const os::Descriptor folder(::open(scratch.folder().c_str(), O_RDONLY | O_CLOEXEC));
    CHECK_THROWS_AS(co_await aiofiles::open(folder.get()), IsADirectoryError);
    CHECK(::fcntl(folder.get(), F_GETFD) >= 0);
    CHECK_THROWS_MSG(co_await aiofiles::open("a", "r", OpenOptions().closefd(false)), ValueError,
                     "Cannot use closefd=False with file name");
    CHECK_THROWS_AS(co_await aiofiles::open(-1), ValueError);
}

CO_TEST("AF01: a new file gets the permissions that are asked for, and is closed on exec") {
    const Scratch scratch;
    const auto file =
        co_await aiofiles::open(scratch.path("a"), "w", OpenOptions().permissions(0600));
    struct stat status{};
    REQUIRE(::fstat(file.fileno(), &status) == 0);
    CHECK_EQ(status.st_mode & 0777U, 0600U);
    CHECK((::fcntl(file.fileno(), F_GETFD) & FD_CLOEXEC) != 0);
    co_await file.close();
}

CO_SWEEP("AF06: opening, reading and closing under the cancel sweep leaves no descriptor") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1)); // has ended when this has
    const auto options = OpenOptions().executor(&pool);
    const std::string path = scratch.put("a", "text");
    const auto read = [](AsyncFile& file) { return file.read(); };
    auto task = sweep.victim(aiofiles::open(path, "r", options, read));
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    CHECK_EQ(co_await aiofiles::open(path, "r", options, read), "text");
}
