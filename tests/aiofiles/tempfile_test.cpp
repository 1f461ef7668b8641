// SPDX-License-Identifier: MIT
// aiofiles::tempfile: what is made goes by itself.
#include "aiofiles/tempfile.h"

#include "asyncio/testing/sweep.h"
#include "support/scratch.h"

#include <filesystem>

using namespace asyncio;
using namespace aiofiles::tempfile;
using support::Scratch;
using namespace std::chrono_literals;

CO_TEST("AF03: a temporary file has no name, and is read and written") {
    const Scratch scratch;
    const auto file = co_await TemporaryFile("w+", TempOptions().dir(scratch.folder()));
    co_await file.write("text");
    co_await file.seek(0);
    CHECK_EQ(co_await file.read(), "text");
    CHECK_EQ(scratch.count(), 0U);
    co_await file.close();
}

CO_TEST("AF03: a named one is there until it is closed, or its last handle goes") {
    const Scratch scratch;
    const auto options = TempOptions().dir(scratch.folder()).prefix("pre-").suffix(".txt");
    {
        const auto file = co_await NamedTemporaryFile("w+b", options);
        const std::string name = std::filesystem::path(file.name()).filename();
        CHECK(name.starts_with("pre-") && name.ends_with(".txt"));
        CHECK_EQ(scratch.count(), 1U);
        co_await file.close();
        CHECK_EQ(scratch.count(), 0U);
    }
    {
        const auto dropped = co_await NamedTemporaryFile("w+b", options);
        CHECK_EQ(scratch.count(), 1U);
    }
    CHECK_EQ(scratch.count(), 0U);
    const auto stays = co_await NamedTemporaryFile("w", TempOptions(options).delete_(false));
    co_await stays.write("kept");
    co_await stays.close();
    CHECK_EQ(scratch.count(), 1U);
}

CO_TEST("AF03: a folder goes with all that is in it") {
    const Scratch scratch;
    const auto options = TempOptions().dir(scratch.folder());
    std::string path;
    const auto fill = [&](const std::string& folder) -> Coro<int> {
        path = folder;
        std::filesystem::create_directory(folder + "/inner");
        const auto file = co_await aiofiles::open(folder + "/inner/file", "w");
        co_await file.close();
        co_return 7;
    };
    CHECK_EQ(co_await TemporaryDirectory(options, fill), 7);
    CHECK(!path.empty() && !std::filesystem::exists(path));
    {
        auto kept = co_await TemporaryDirectory(options);
        CHECK_EQ(scratch.count(), 1U);
        co_await kept.cleanup();
        co_await kept.cleanup();
        CHECK_EQ(scratch.count(), 0U);
        const auto dropped = co_await TemporaryDirectory(options);
    }
    CHECK_EQ(scratch.count(), 0U);
}

CO_TEST("AF03: where nothing can be made is the ordinary error") {
    const auto nowhere = TempOptions().dir("/nowhere");
    CHECK_THROWS_AS(co_await TemporaryFile("w+b", nowhere), FileNotFoundError);
    CHECK_THROWS_AS(co_await NamedTemporaryFile("w+b", nowhere), FileNotFoundError);
    CHECK_THROWS_AS(co_await TemporaryDirectory(nowhere), FileNotFoundError);
    CHECK_THROWS_AS(co_await TemporaryFile("q"), ValueError);
}

CO_SWEEP("AF03: nothing is left of temporary files and folders, wherever they are cancelled") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1)); // has ended when this has
    const auto options =
        TempOptions().dir(scratch.folder()).open(aiofiles::OpenOptions().executor(&pool));
    const auto use = [&]() -> Coro<> {
        const auto file = co_await NamedTemporaryFile("w", options);
        co_await file.write("x");
        const auto folder = co_await TemporaryDirectory(options);
        co_await file.close();
    };
    {
        auto task = sweep.victim(use());
        const auto end = co_await outcome(task);
        CHECK(sweep.accounts_for(end));
    }
    pool.shutdown();
    co_await sleep(1s); // what came too late goes in the next turn
    CHECK_EQ(scratch.count(), 0U);
}

// ---- spooled ------------------------------------------------------------------------------------

CO_TEST("AF03: a spooled file lies in memory until it would be larger than it may") {
    const auto file = co_await SpooledTemporaryFile(10);
    co_await file.write("0123456789");
    co_await file.flush();
    CHECK(!file.rolled());
    const int fd = file.fileno();
    co_await file.write("ab");
    co_await file.flush();
    CHECK(file.rolled());
    CHECK_EQ(file.fileno(), fd);
    CHECK_EQ(co_await file.tell(), 12);
    co_await file.seek(8);
    CHECK_EQ(co_await file.read(), "89ab");
    co_await file.close();
}

CO_TEST("AF03: what is overwritten does not let a spooled file grow; what truncate adds does") {
    const auto file = co_await SpooledTemporaryFile(10);
    for (int i = 0; i < 3; ++i) {
        co_await file.seek(0);
        co_await file.write("0123456789");
    }
    co_await file.truncate(10);
    CHECK(!file.rolled());
    co_await file.truncate(11);
    CHECK(file.rolled());
    co_await file.seek(0);
    CHECK_EQ(co_await file.read(), std::string("0123456789\0", 11));
    co_await file.close();
}

CO_TEST("AF03: rollover takes bytes, position and what is not yet written along") {
    const Scratch scratch;
    const auto file = co_await SpooledTemporaryFile(0, "w+", TempOptions().dir(scratch.folder()));
    const std::string much(3 << 20, 'x');
    co_await file.write(much + "\u4e2d\n");
    CHECK(!file.rolled()); // there is no limit
    co_await file.write("end");
    co_await file.rollover();
    co_await file.rollover();
    CHECK(file.rolled());
    CHECK_EQ(scratch.count(), 0U);
    CHECK_EQ(co_await file.tell(), static_cast<std::int64_t>(much.size()) + 7);
    co_await file.write("!");
    co_await file.seek(0);
    CHECK(co_await file.read() == much + "\u4e2d\nend!");
    co_await file.close();
    CHECK_THROWS_AS(co_await file.rollover(), ValueError);
}

CO_TEST("AF03: a spooled file that cannot roll over stays in memory, and loses nothing") {
    const auto file = co_await SpooledTemporaryFile(3, "w+b", TempOptions().dir("/nowhere"));
    co_await file.write("abc");
    co_await file.flush();
    co_await file.write("d");
    CHECK_THROWS_AS(co_await file.flush(), FileNotFoundError);
    CHECK_THROWS_AS(co_await file.rollover(), FileNotFoundError);
    CHECK(!file.rolled());
    CHECK_THROWS_AS(co_await file.close(), FileNotFoundError);
    CHECK(file.closed());
}

CO_SWEEP("AF03: a rollover under the cancel sweep keeps every byte") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1));
    const auto options =
        TempOptions().dir(scratch.folder()).open(aiofiles::OpenOptions().executor(&pool));
    const auto file = co_await SpooledTemporaryFile(4, "w+b", options);
    const auto use = [&]() -> Coro<> {
        co_await file.rollover();
        co_await file.flush();
    };
    co_await file.write("123");
    auto task = sweep.victim(use());
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    co_await file.write("456");
    co_await file.seek(0);
    CHECK_EQ(co_await file.read(), "123456");
    CHECK(file.rolled());
    co_await file.close();
}
