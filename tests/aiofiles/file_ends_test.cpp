// SPDX-License-Identifier: MIT
// The ends of files: closing in every state, handles that go, executors and loops that end first.
#include "aiofiles/aiofiles.h"

#include "asyncio/runners.h"
#include "asyncio/testing/sweep.h"
#include "support/child_process.h"
#include "support/scratch.h"

#include <csignal>
#include <fcntl.h>
#include <future>
#include <unistd.h>

using namespace asyncio;
using aiofiles::AsyncFile;
using aiofiles::OpenOptions;
using support::in_child;
using support::Scratch;
using namespace std::chrono_literals;

namespace {

/// A pipe whose ends the case closes, or hands to a file.
struct Pipe {
    Pipe() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
    int ends[2];
};

/// An executor of one thread, which works only when it is let.
class HeldPool {
public:
    HeldPool() : pool_(ThreadPoolOptions().max_workers(1)) {}
    HeldPool(const HeldPool&) = delete;
    HeldPool& operator=(const HeldPool&) = delete;
    ~HeldPool() { let_go(); }

    OpenOptions options() { return OpenOptions().executor(&pool_); }
    ThreadPoolExecutor& pool() { return pool_; }
    /// From now on what is submitted waits. The thread is at the gate when this returns: what lies
    /// in the line then is dropped by a shutdown, and not begun beside it.
    void hold() {
        gate_.emplace();
        std::promise<void> at_gate;
        auto arrival = at_gate.get_future();
        held_ =
            pool_.submit([gate = gate_->get_future().share(), at = std::move(at_gate)]() mutable {
                at.set_value();
                gate.wait();
            });
        arrival.wait();
    }
    void let_go() {
        if (gate_) gate_->set_value();
        gate_.reset();
    }

private:
    std::optional<std::promise<void>> gate_;
    std::optional<ConcurrentFuture<void>> held_;
    ThreadPoolExecutor pool_;
};

Coro<> turns(int count) {
    for (int i = 0; i < count; ++i) co_await sleep(0s);
}

template <class T>
Coro<> cancel_soon(Task<T> task) {
    co_await turns(3);
    task.cancel();
    const auto end = co_await outcome(task);
    CHECK(end.cancelled());
}

} // namespace

// ---- close --------------------------------------------------------------------------------------

CO_TEST("AF06: close that is cancelled while it writes leaves the file open, and all is written") {
    const Scratch scratch;
    HeldPool held;
    const auto file = co_await aiofiles::open(scratch.path("a"), "w", held.options());
    co_await file.write("kept");
    held.hold();
    co_await cancel_soon(create_task(file.close()));
    CHECK(!file.closed());
    held.let_go();
    co_await file.write(" and more");
    co_await file.close();
    CHECK_EQ(scratch.get("a"), "kept and more");
}

CO_TEST("AF06: close that is cancelled while it closes has closed for the next operation") {
    const Scratch scratch;
    HeldPool held;
    const auto file = co_await aiofiles::open(scratch.put("a", "text"), "r+", held.options());
    held.hold();
    co_await cancel_soon(create_task(file.close()));
    held.let_go();
    CHECK_THROWS_MSG(co_await file.read(), ValueError, "I/O operation on closed file.");
    CHECK(file.closed());
    CHECK_THROWS_AS(co_await file.write("x"), ValueError);
    co_await file.close();
}

CO_TEST("AF06: each operation behind a close that was cancelled says that the file is closed") {
    const Scratch scratch;
    const std::string path = scratch.put("a", "text");
    using Operation = Coro<> (*)(AsyncFile);
    const std::vector<Operation> operations{
        [](AsyncFile file) -> Coro<> { co_await file.readline(); },
        [](AsyncFile file) -> Coro<> { co_await file.readlines(); },
        [](AsyncFile file) -> Coro<> { co_await file.write("x"); },
        [](AsyncFile file) -> Coro<> { co_await file.flush(); },
        [](AsyncFile file) -> Coro<> { co_await file.seek(0); },
        [](AsyncFile file) -> Coro<> { co_await file.tell(); },
        [](AsyncFile file) -> Coro<> { co_await file.truncate(0); },
    };
    for (const Operation& operation : operations) {
        HeldPool held;
        const auto file = co_await aiofiles::open(path, "r+", held.options());
        held.hold();
        co_await cancel_soon(create_task(file.close()));
        held.let_go();
        CHECK_THROWS_MSG(co_await operation(file), ValueError, "I/O operation on closed file.");
    }
    CHECK_EQ(scratch.get("a"), "text");
}

CO_TEST("AF06: closing again behind a close that was cancelled is harmless") {
    const Scratch scratch;
    HeldPool held;
    const auto file = co_await aiofiles::open(scratch.path("a"), "w", held.options());
    held.hold();
    co_await cancel_soon(create_task(file.close()));
    held.let_go();
    co_await file.close();
    CHECK(file.closed());
}

CO_TEST("AF06: an error that nobody waited for any more is told by the close behind it") {
    HeldPool held;
    const auto file = co_await aiofiles::open("/dev/full", "wb", held.options());
    co_await file.write("x");
    held.hold();
    co_await cancel_soon(create_task(file.close()));
    held.let_go();
    CHECK_THROWS_AS(co_await file.close(), OSError);
    CHECK(file.closed());
}

CO_SWEEP(
    "AF06: close under the cancel sweep: what was written is there, and the file can be closed") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1));
    const auto file =
        co_await aiofiles::open(scratch.path("a"), "w", OpenOptions().executor(&pool));
    co_await file.write("text");
    auto task = sweep.victim(file.close());
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    co_await file.close();
    CHECK(file.closed());
    CHECK_EQ(scratch.get("a"), "text");
}

// ---- executors ----------------------------------------------------------------------------------

CO_TEST("AF06: without an executor nothing is lost: the last handle writes and closes") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1));
    {
        const auto file =
            co_await aiofiles::open(scratch.path("a"), "w", OpenOptions().executor(&pool));
        co_await file.write("kept");
        pool.shutdown();
        CHECK_THROWS_AS(co_await file.flush(), RuntimeError);
        CHECK_THROWS_AS(co_await file.close(), RuntimeError);
        CHECK(!file.closed());
        co_await file.write(" too");
        CHECK_EQ(scratch.get("a"), "");
    }
    CHECK_EQ(scratch.get("a"), "kept too");
}

CO_TEST("AF03: a named temporary file goes also if its executor has gone before") {
    const Scratch scratch;
    ThreadPoolExecutor pool(ThreadPoolOptions().max_workers(1));
    const auto options =
        aiofiles::tempfile::TempOptions().dir(scratch.folder()).open(OpenOptions().executor(&pool));
    {
        const auto file = co_await aiofiles::tempfile::NamedTemporaryFile("w+b", options);
        auto folder = co_await aiofiles::tempfile::TemporaryDirectory(options);
        pool.shutdown();
        CHECK_THROWS_AS(co_await file.close(), RuntimeError);
        CHECK_THROWS_AS(co_await folder.cleanup(), RuntimeError);
        CHECK_EQ(scratch.count(), 2U);
    }
    CHECK_EQ(scratch.count(), 0U);
}

CO_TEST("AF06: bytes of a write that the executor has dropped stay to be written") {
    const Scratch scratch;
    HeldPool held;
    {
        const auto file = co_await aiofiles::open(scratch.path("a"), "w", held.options());
        co_await file.write("kept");
        held.hold();
        co_await cancel_soon(create_task(file.flush()));
        held.pool().shutdown(false, true); // what has not begun is dropped
        CHECK_THROWS_AS(co_await file.flush(), CancelledError);
        held.let_go();
    }
    CHECK_EQ(scratch.get("a"), "kept");
}

CO_TEST("AF03: cleaning up is not undone by a cancel, even if it has not begun") {
    const Scratch scratch;
    HeldPool held;
    const auto options =
        aiofiles::tempfile::TempOptions().dir(scratch.folder()).open(held.options());
    {
        auto folder = co_await aiofiles::tempfile::TemporaryDirectory(options);
        held.hold();
        co_await cancel_soon(create_task(folder.cleanup()));
        CHECK_EQ(scratch.count(), 1U);
        held.let_go();
    }
    held.pool().shutdown();
    CHECK_EQ(scratch.count(), 0U);
}

// ---- loops --------------------------------------------------------------------------------------

TEST("AF06: what was written is there when the loop has ended over the write") {
    const Scratch scratch;
    run([](const Scratch& folder) -> Coro<> {
        const auto file = co_await aiofiles::open(folder.path("a"), "w");
        co_await file.write(std::string(1 << 20, 'x'));
        const auto task = create_task(file.write(std::string(8 << 20, 'y')));
        co_await turns(3);
    }(scratch));
    CHECK_EQ(scratch.get("a").size(), std::size_t{9} << 20);
}

TEST("AF06: a file outlives its loop, and goes on in the next") {
    const Scratch scratch;
    scratch.put("a", "one\ntwo\n");
    std::optional<AsyncFile> file;
    run([](const Scratch& folder, std::optional<AsyncFile>& kept) -> Coro<> {
        kept = co_await aiofiles::open(folder.path("a"));
        CHECK_EQ(co_await kept->readline(), "one\n");
    }(scratch, file));
    run([](AsyncFile kept) -> Coro<> {
        CHECK_EQ(co_await kept.readline(), "two\n");
        co_await kept.close();
    }(*file));
}

TEST("AF06: a reader that has gone ends no process, also when a handle goes") {
    const auto end = in_child([] {
        std::signal(SIGPIPE, SIG_DFL);
        run([]() -> Coro<> {
            const Pipe pipe;
            ::close(pipe.ends[0]);
            const auto out = co_await aiofiles::open(pipe.ends[1], "wb");
            co_await out.write("x");
            CHECK_THROWS_AS(co_await out.flush(), BrokenPipeError);
        }());
    });
    CHECK(end.exited(0));
}
