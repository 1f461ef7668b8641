// SPDX-License-Identifier: MIT
// Context values: per task, nested, inherited.
#include "logging/context.h"

#include "asyncio/gather.h"
#include "asyncio/sleep.h"
#include "asyncio/testing/testing.h"

using namespace logging;
using asyncio::Coro;

namespace {

Coro<ContextValues> values_of_a_request(std::string number) {
    const ContextScope scope("request", number);
    co_await asyncio::yield_now(); // others set theirs
    co_return context_values();
}

} // namespace

TEST("LG01: a scope gives a value, and takes it back; an inner one hides an outer one") {
    CHECK(context_values().empty());
    {
        const ContextScope outer("request", "7");
        const ContextScope user("user", "ann");
        CHECK(context_values() == ContextValues({{"request", "7"}, {"user", "ann"}}));
        {
            const ContextScope inner("request", "8");
            CHECK(context_values() == ContextValues({{"request", "8"}, {"user", "ann"}}));
        }
        CHECK(context_values() == ContextValues({{"request", "7"}, {"user", "ann"}}));
    }
    CHECK(context_values().empty());
}

CO_TEST("LG01: each task has values of its own, and those of the task that made it") {
    const ContextScope scope("server", "a");
    auto both = asyncio::gather(values_of_a_request("1"), values_of_a_request("2"));
    const auto values = co_await std::move(both);
    CHECK(std::get<0>(values) == ContextValues({{"server", "a"}, {"request", "1"}}));
    CHECK(std::get<1>(values) == ContextValues({{"server", "a"}, {"request", "2"}}));
    CHECK(context_values() == ContextValues({{"server", "a"}}));
}
