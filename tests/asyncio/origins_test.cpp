// SPDX-License-Identifier: MIT
// What debug mode notes of a creation: futures, tasks, handles, coroutines; and when it forgets.
#include "asyncio/origins.h"

#include "asyncio/events.h"
#include "asyncio/testing/testing.h"
#include "support/moments.h"

#include <string>

using namespace asyncio;
using support::contains;

namespace {

struct Debug { // the case's loop in debug mode while it lives
    Debug() { testing::loop().set_debug(true); }
    ~Debug() { testing::loop().set_debug(false); }
};

Coro<> nothing() { co_return; }

Coro<Future<>> future_made_below(int levels) {
    if (levels > 0) co_return co_await future_made_below(levels - 1);
    co_return Future<>();
}

int lines_of(const std::string& text) {
    int lines = 0;
    for (std::size_t at = text.find("  File "); at != std::string::npos; ++lines) {
        at = text.find("  File ", at + 1);
    }
    return lines;
}

} // namespace

CO_TEST("origin_text: without debug mode the one line that is always known, and no `created at`") {
    const Future<> future;
    const unsigned line = __LINE__ - 1;
    CHECK_EQ(lines_of(detail::origin_text(future.state())), 1);
    CHECK(contains(detail::origin_text(future.state()), "line " + std::to_string(line)));
    CHECK_EQ(detail::created_text(future.state()), "");
    co_return;
}

CO_TEST("origin_text: in debug mode the calls that led to it, the outermost first") {
    const Debug on;
    const Future<> future = co_await future_made_below(2);
    const std::string text = detail::origin_text(future.state());
    CHECK(lines_of(text) >= 3);
    CHECK(text.rfind("future_made_below") > text.find("  File "));
    CHECK(contains(detail::created_text(future.state()), " created at "));
    CHECK(contains(detail::created_text(future.state()), "origins_test.cpp:"));
}

CO_TEST("origin_text: of a deep stack the innermost ten calls are kept") {
    const Debug on;
    const Future<> future = co_await future_made_below(50);
    CHECK_EQ(lines_of(detail::origin_text(future.state())),
             static_cast<int>(detail::origin_calls_max));
}

CO_TEST("origin_text: a handle's creation is noted in debug mode alone") {
    EventLoop& loop = testing::loop();
    const Handle plain = loop.call_soon([] {});
    CHECK(!contains(to_string(plain), "created at"));
    const Debug on;
    const Handle noted = loop.call_soon([] {});
    CHECK(contains(to_string(noted), "created at "));
    co_await yield_now();
    CHECK(!contains(to_string(plain), "created at"));
}

CO_TEST("track_origins: a coroutine's origin is kept until it starts, is dropped or is closed") {
    const Debug on;
    const std::size_t before = detail::origins_kept();
    Coro<> awaited = nothing();
    Coro<> closed = nothing();
    CHECK_EQ(detail::origins_kept(), before + 2);
    CHECK(contains(detail::origin_text(*awaited.frame()), "origins_test.cpp"));
    co_await std::move(awaited);
    CHECK_EQ(detail::origins_kept(), before + 1);
    closed.close();
    CHECK_EQ(detail::origins_kept(), before);
}

CO_TEST("track_origins: turning it off forgets all, and nothing more is noted") {
    testing::loop().set_debug(true);
    Coro<> made_before = nothing();
    CHECK(detail::origins_kept() > 0);
    testing::loop().set_debug(false);
    CHECK_EQ(detail::origins_kept(), 0U);
    CHECK_EQ(detail::origin_text(*made_before.frame()), "");
    Coro<> made_after = nothing();
    CHECK_EQ(detail::origins_kept(), 0U);
    co_await std::move(made_before);
    co_await std::move(made_after);
}
