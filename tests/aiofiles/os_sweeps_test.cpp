// SPDX-License-Identifier: MIT
// aiofiles::os under the cancel sweep: what was begun is done, and the next call finds it so.
#include "aiofiles/os.h"

#include "aiofiles/open.h"
#include "asyncio/testing/sweep.h"
#include "support/scratch.h"

#include <filesystem>
#include <unistd.h>

using namespace asyncio;
namespace aos = aiofiles::os;
namespace apath = aiofiles::os::path;
using support::Scratch;

namespace {

// The loop's own executor, whose threads have ended when this has.
Coro<> threads_end() { co_await get_running_loop().shutdown_default_executor(); }

} // namespace

CO_SWEEP("AF04: questions under the cancel sweep change nothing") {
    const Scratch scratch;
    const std::string file = scratch.put("file", "123");
    const auto ask = [&]() -> Coro<> {
        co_await aos::stat(file);
        co_await aos::listdir(scratch.folder());
        co_await aos::access(file, R_OK);
        co_await apath::samefile(file, file);
        co_await apath::getsize(file);
    };
    auto task = sweep.victim(ask());
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    CHECK_EQ(co_await apath::getsize(file), 3);
    co_await threads_end();
}

CO_SWEEP("AF04: a rename under the cancel sweep is done or is not, and the file is there once") {
    const Scratch scratch;
    scratch.put("a", "text");
    auto task = sweep.victim(aos::rename(scratch.path("a"), scratch.path("b")));
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    co_await threads_end();
    CHECK_EQ(scratch.count(), 1U);
    CHECK_EQ(scratch.get("a") + scratch.get("b"), "text");
    CHECK(end.exception() != nullptr || scratch.get("b") == "text");
}
