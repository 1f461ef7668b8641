// SPDX-License-Identifier: MIT
// Errors: whose children they are, and what they say.
#include "multiprocessing/errors.h"

#include "asyncio/testing/testing.h"

using namespace multiprocessing;

TEST("MP01: a lost worker is a BrokenExecutor, which may know an exit code") {
    static_assert(std::is_base_of_v<asyncio::BrokenExecutor, BrokenProcessPool>);
    CHECK_EQ(BrokenProcessPool("text", -9).exitcode().value(), -9);
    CHECK(!BrokenProcessPool("text").exitcode());
    CHECK_EQ(std::string(BrokenProcessPool("text", 1).what()), "text");
}

TEST("MP01: what has no type here says the one it had") {
    static_assert(std::is_base_of_v<asyncio::RuntimeError, RemoteError>);
    CHECK_EQ(std::string(RemoteError("OutOfPaper", "tray 2").what()), "OutOfPaper: tray 2");
    CHECK_EQ(std::string(RemoteError("OutOfPaper", "").what()), "OutOfPaper");
    CHECK_EQ(RemoteError("OutOfPaper", "tray 2").type_name(), "OutOfPaper");
}
