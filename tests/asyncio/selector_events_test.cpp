// SPDX-License-Identifier: MIT
// Readers and writers of descriptors; readable() and writable(); descriptors that vanish.
#include "asyncio/selector_events.h"

#include "asyncio/base_events.h"
#include "asyncio/testing/sweep.h"
#include "support/pipes.h"

#include <sys/resource.h>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::Pipe;

CO_TEST("add_reader: calls in every turn in which the descriptor is readable") {
    const Pipe pipe;
    EventLoop& loop = testing::loop();
    int calls = 0;
    loop.add_reader(pipe.in(), [&calls] { ++calls; });
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_EQ(calls, 0);
    pipe.put();
    co_await sleep(0s); // polls; its call comes behind this task
    for (int turn = 1; turn <= 3; ++turn) {
        co_await sleep(0s);
        CHECK_EQ(calls, turn); // level-triggered: nobody reads
    }
    pipe.drain();
    const int so_far = calls;
    for (int i = 0; i < 3; ++i) co_await sleep(0s);
    CHECK(calls <= so_far + 1); // one call may have been queued already
    CHECK(loop.remove_reader(pipe.in()));
    CHECK(!loop.remove_reader(pipe.in()));
}

CO_TEST("add_writer: calls while there is room") {
    const Pipe pipe;
    EventLoop& loop = testing::loop();
    const std::size_t size = pipe.fill();
    int calls = 0;
    loop.add_writer(pipe.out(), [&] {
        ++calls;
        loop.remove_writer(pipe.out());
    });
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_EQ(calls, 0);
    CHECK_EQ(pipe.drain(), size);
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_EQ(calls, 1);
    CHECK(!loop.remove_writer(pipe.out()));
}

CO_TEST("add_reader: a second one replaces the first, which is not called any more") {
    const Pipe pipe;
    std::string calls;
    EventLoop& loop = testing::loop();
    pipe.put();
    loop.add_reader(pipe.in(), [&calls] { calls += 'a'; });
    loop.call_soon([&] { loop.add_reader(pipe.in(), [&calls] { calls += 'b'; }); });
    for (int i = 0; i < 3; ++i) co_await sleep(0s);
    CHECK_EQ(calls.find('a', 1), std::string::npos);
    CHECK(calls.find('b') != std::string::npos);
    CHECK(loop.remove_reader(pipe.in()));
    CHECK(!loop.remove_reader(pipe.in()));
}

CO_TEST("add_reader: the loop owns the callable and its arguments until it is removed") {
    const Pipe pipe;
    std::string seen;
    auto kept = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = kept;
    {
        std::string text = "a text that is longer than a small one";
        testing::loop().add_reader(
            pipe.in(), [&seen, kept = std::move(kept)](std::string_view given) { seen = given; },
            text);
        text = "x";
    }
    pipe.put();
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_EQ(seen, "a text that is longer than a small one");
    testing::loop().remove_reader(pipe.in());
    co_await sleep(0s);
    CHECK(watch.expired());
}

CO_TEST("readers and writers of one descriptor are apart") {
    Pipe pipe;
    EventLoop& loop = testing::loop();
    int reads = 0;
    int writes = 0;
    // A descriptor that is both: a pipe opened for both through /proc.
    const std::string path = "/proc/self/fd/" + std::to_string(pipe.in());
    const os::Descriptor both(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(static_cast<bool>(both));
    pipe.put();
    loop.add_reader(both.get(), [&reads] { ++reads; });
    loop.add_writer(both.get(), [&writes] { ++writes; });
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(reads > 0 && writes > 0);
    CHECK(loop.remove_reader(both.get()));
    const int reads_before = reads;
    const int writes_before = writes;
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_EQ(reads, reads_before);
    CHECK(writes > writes_before);
    CHECK(!loop.remove_reader(both.get()));
    CHECK(loop.remove_writer(both.get()));
}

CO_TEST("a reader that was removed by an earlier callback of the turn is not called") {
    const Pipe first;
    const Pipe second;
    EventLoop& loop = testing::loop();
    std::string calls;
    loop.add_reader(first.in(), [&] {
        calls += 'a';
        loop.remove_reader(first.in());
        loop.remove_reader(second.in());
    });
    loop.add_reader(second.in(), [&] {
        calls += 'b';
        loop.remove_reader(first.in());
        loop.remove_reader(second.in());
    });
    first.put();
    second.put();
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_EQ(calls.size(), 1U); // whichever came first has removed the other
}

CO_TEST("the end of the other side wakes a reader, and a writer too") {
    Pipe one;
    Pipe other;
    EventLoop& loop = testing::loop();
    other.fill();
    std::string calls;
    loop.add_reader(one.in(), [&] {
        calls += 'r';
        loop.remove_reader(one.in());
    });
    loop.add_writer(other.out(), [&] {
        calls += 'w';
        loop.remove_writer(other.out());
    });
    one.write_end.reset();
    other.read_end.reset();
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_EQ(calls.size(), 2U);
}

CO_TEST("an exception of a reader goes to the exception handler, and it stays registered") {
    const Pipe pipe;
    EventLoop& loop = testing::loop();
    int failed = 0;
    loop.set_exception_handler([&failed](EventLoop&, const ExceptionContext& context) {
        CHECK(context.message.starts_with("Exception in callback"));
        ++failed;
    });
    loop.add_reader(pipe.in(), [] { throw ValueError("reader"); });
    pipe.put();
    for (int i = 0; i < 4; ++i) co_await sleep(0s);
    CHECK_EQ(failed, 3);
    CHECK(loop.remove_reader(pipe.in()));
    loop.set_exception_handler(nullptr);
}

CO_TEST("more descriptors than one poll reports are all served") {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const std::size_t count = limit.rlim_cur > 1500 ? 600 : 100;
    std::vector<Pipe> pipes(count);
    std::size_t served = 0;
    EventLoop& loop = testing::loop();
    for (const Pipe& pipe : pipes) {
        loop.add_reader(pipe.in(), [&] {
            ++served;
            loop.remove_reader(pipe.in());
        });
        pipe.put();
    }
    for (int i = 0; i < 4; ++i) co_await sleep(0s);
    CHECK_EQ(served, count);
}

// ---- readable() and writable() ------------------------------------------------------------------

namespace {

Coro<char> read_byte(const Pipe& pipe) {
    co_await get_running_loop().readable(pipe.in());
    co_return pipe.get();
}

} // namespace

CO_TEST("readable: waits until there is something to read, and leaves nothing registered") {
    const Pipe pipe;
    const auto reader = create_task(read_byte(pipe));
    co_await sleep(10s);
    CHECK(!reader.done());
    pipe.put('z');
    CHECK_EQ(co_await reader, 'z');
    CHECK(!testing::loop().remove_reader(pipe.in()));
}

CO_TEST("writable: waits until there is room") {
    const Pipe pipe;
    const auto writer = [](const Pipe& full) -> Coro<> {
        co_await get_running_loop().writable(full.out());
    };
    pipe.fill();
    const auto task = create_task(writer(pipe));
    co_await sleep(1s);
    CHECK(!task.done());
    pipe.drain();
    co_await task;
    CHECK(!testing::loop().remove_writer(pipe.out()));
}

CO_TEST("readable: a second waiter is a RuntimeError, and the first goes on waiting") {
    const Pipe pipe;
    const auto first = create_task(read_byte(pipe));
    co_await sleep(0s);
    CHECK_THROWS_MSG(co_await read_byte(pipe), RuntimeError, "watched already");
    pipe.put('q');
    CHECK_EQ(co_await first, 'q');
}

CO_TEST("readable: a cancelled waiter stops watching and reads nothing") {
    const Pipe pipe;
    const auto task = create_task(read_byte(pipe));
    co_await sleep(0s);
    task.cancel();
    CHECK(!testing::loop().remove_reader(pipe.in()));
    CHECK_THROWS_AS(co_await task, CancelledError);
    pipe.put('s');
    CHECK_EQ(co_await read_byte(pipe), 's');
}

CO_TEST("readable: the wait of another loop's descriptor is a RuntimeError") {
    const Pipe pipe;
    EventLoop other;
    CHECK_THROWS_AS(co_await other.readable(pipe.in()), RuntimeError);
}

CO_SWEEP("readable under the cancel sweep: no byte is lost, and the next wait works") {
    const Pipe pipe;
    auto task = sweep.victim(read_byte(pipe));
    co_await sleep(0s);
    pipe.put('k');
    const auto end = co_await outcome(task);
    CHECK(sweep.accounts_for(end));
    const char expected = sweep.struck() ? 'k' : '\0';
    CHECK_EQ(pipe.get(), expected);
    pipe.put('l');
    CHECK_EQ(co_await read_byte(pipe), 'l');
}

// ---- descriptors that vanish or cannot be watched -----------------------------------------------

CO_TEST("FLT-CORE-02: a descriptor closed in a batch and its number used again: no stale event") {
    // Both pipes are readable in one poll. Whoever runs first closes the other's descriptor, opens
    // a new pipe under the same number and watches that: it must not be called for the old one's
    // event.
    std::optional<Pipe> pipes[2] = {Pipe(), Pipe()};
    EventLoop& loop = testing::loop();
    std::optional<Pipe> reused;
    int stale = 0;
    int ran = 0;
    for (int i = 0; i < 2; ++i) {
        loop.add_reader(pipes[i]->in(), [&, i] {
            ++ran;
            const int mine = pipes[i]->in();
            const int theirs = pipes[1 - i]->in();
            loop.remove_reader(mine);
            loop.remove_reader(theirs);
            pipes[1 - i].reset();
            reused.emplace();
            REQUIRE(reused->in() == theirs || reused->out() == theirs);
            loop.add_reader(theirs, [&stale] { ++stale; });
        });
    }
    pipes[0]->put();
    pipes[1]->put();
    for (int i = 0; i < 4; ++i) co_await sleep(0s);
    CHECK_EQ(ran, 1);
    CHECK_EQ(stale, 0);
    loop.remove_reader(reused->in());
    loop.remove_reader(reused->out());
}

CO_TEST("FLT-CORE-02: a number that was closed without remove_reader serves its new descriptor") {
    EventLoop& loop = testing::loop();
    std::optional<Pipe> old(std::in_place);
    const int number = old->in();
    std::string calls;
    loop.add_reader(number, [&calls] { calls += 'o'; });
    old.reset();
    const Pipe fresh;
    REQUIRE(fresh.in() == number);
    loop.add_reader(number, [&] {
        calls += fresh.get();
        loop.remove_reader(number);
    });
    fresh.put('n');
    for (int i = 0; i < 3; ++i) co_await sleep(0s);
    CHECK_EQ(calls, "n");
}

CO_TEST_REAL_TIME(
    "FLT-CORE-03: a descriptor closed while a copy lives does not make the loop spin") {
    EventLoop& loop = testing::loop();
    Pipe pipe;
    const os::Descriptor copy(::dup(pipe.in()));
    int calls = 0;
    loop.add_reader(pipe.in(), [&calls] { ++calls; });
    const int number = pipe.in();
    pipe.read_end.reset(); // epoll goes on watching the pipe: the copy keeps it open
    loop.remove_reader(number);
    pipe.put();
    const testing::Turns turns;
    for (int i = 0; i < 5; ++i) co_await sleep(2ms);
    CHECK_EQ(calls, 0);
    CHECK(turns.count() < 12); // five wake-ups, one stale event
}

CO_TEST("FLT-CORE-03: events of a closed descriptor do not reach the next one of its number") {
    EventLoop& loop = testing::loop();
    Pipe old;
    const os::Descriptor copy(::dup(old.in()));
    const int number = old.in();
    loop.add_reader(number, [] {});
    old.read_end.reset(); // not removed; and the copy keeps it in epoll's list
    const Pipe fresh;
    REQUIRE(fresh.in() == number);
    int calls = 0;
    loop.add_reader(number, [&calls] { ++calls; });
    old.put(); // the old one becomes readable, the new one is not
    for (int i = 0; i < 4; ++i) co_await sleep(0s);
    CHECK_EQ(calls, 0);
    fresh.put();
    for (int i = 0; i < 2; ++i) co_await sleep(0s);
    CHECK(calls > 0);
    CHECK(loop.remove_reader(number));
}

CO_TEST("FLT-CORE-03: the other descriptors are still watched after a stale event") {
    EventLoop& loop = testing::loop();
    const Pipe other;
    Pipe pipe;
    const os::Descriptor copy(::dup(pipe.in()));
    const int number = pipe.in();
    int calls = 0;
    loop.add_reader(other.in(), [&] {
        ++calls;
        CHECK(other.get() != '\0');
    });
    loop.add_reader(number, [] {});
    pipe.read_end.reset();
    loop.remove_reader(number);
    pipe.put();
    co_await sleep(0s);
    co_await sleep(0s);
    other.put();
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK_EQ(calls, 1);
    bool woken = false; // and so is the loop's own wake-up
    loop.call_soon_threadsafe([&woken] { woken = true; });
    co_await sleep(0s);
    CHECK(woken);
    loop.remove_reader(other.in());
}

CO_TEST("FLT-CORE-04: a regular file is a PermissionError, a closed descriptor an OSError") {
    EventLoop& loop = testing::loop();
    const os::Descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    const auto nothing = [] {};
    CHECK_THROWS_AS(loop.add_reader(file.get(), nothing), PermissionError);
    CHECK_THROWS_AS(loop.add_writer(file.get(), nothing), PermissionError);
    CHECK_THROWS_AS(co_await loop.readable(file.get()), PermissionError);
    CHECK_THROWS_MSG(loop.add_reader(987'654, nothing), OSError, "Bad file descriptor");
    CHECK_THROWS_MSG(loop.add_reader(-1, nothing), ValueError, "Invalid file descriptor: -1");
    CHECK(!loop.remove_reader(file.get()));
    CHECK(!loop.remove_reader(987'654));
    CHECK(!loop.remove_reader(-1));
}

CO_TEST("FLT-CORE-04: the loop lives on, and the number can be used by a good descriptor") {
    EventLoop& loop = testing::loop();
    const auto nothing = [] {};
    int number = -1;
    {
        const os::Descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
        number = file.get();
        CHECK_THROWS_AS(loop.add_reader(number, nothing), PermissionError);
    }
    const Pipe pipe;
    REQUIRE(pipe.in() == number);
    pipe.put('g');
    CHECK_EQ(co_await read_byte(pipe), 'g');
}

CO_TEST("FLT-CORE-04: a reader whose descriptor is closed can be removed") {
    EventLoop& loop = testing::loop();
    Pipe pipe;
    const int number = pipe.in();
    loop.add_reader(number, [] {});
    pipe.read_end.reset();
    CHECK(loop.remove_reader(number));
    CHECK(!loop.remove_reader(number));
    co_await sleep(0s);
}
