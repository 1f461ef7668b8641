// SPDX-License-Identifier: MIT
// Loops that cannot begin, loops that end with work in them, callables and arguments that are gone.
#include "asyncio/base_events.h"

#include "asyncio/generators.h"
#include "asyncio/runners.h"
#include "asyncio/testing/testing.h"
#include "support/child_process.h"
#include "support/pipes.h"

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;
using support::in_child;
using support::Pipe;

namespace {

Coro<int> answer() {
    co_await sleep(0s);
    co_return 42;
}

// Lets this process open `more` descriptors and no more.
void allow_descriptors(rlim_t more) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const int next = ::dup(0);
    ::close(next);
    limit.rlim_cur = static_cast<rlim_t>(next) + more;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

template <class F>
int errnum_of(F function) {
    try {
        function();
    } catch (const OSError& error) {
        return error.errnum();
    }
    return 0;
}

int errnum_of_new_loop() {
    return errnum_of([] { new_event_loop(); });
}

// Makes a loop and throws an OSError while there are descriptors. When UBSan first meets a class,
// it looks through a pipe whether the vtable can be read; without a descriptor it takes the object
// for a broken one.
void rehearse() {
    CHECK_EQ(run(answer()), 42);
    CHECK_EQ(errnum_of([] { os::throw_os_error(EMFILE, "rehearsal"); }), EMFILE);
    CHECK_THROWS_MSG(os::throw_os_error(EMFILE, "rehearsal"), OSError, "Too many open files");
}

} // namespace

// ---- beginning ----------------------------------------------------------------------------------

TEST("FLT-CORE-13: a loop that gets no descriptor is an OSError, and leaves none behind") {
    const auto end = in_child([] {
        rehearse();
        allow_descriptors(0);
        CHECK_EQ(errnum_of_new_loop(), EMFILE);
        allow_descriptors(1); // for epoll, but not for the wake-up
        CHECK_EQ(errnum_of_new_loop(), EMFILE);
        allow_descriptors(1);
        CHECK_EQ(errnum_of_new_loop(), EMFILE);
        allow_descriptors(2);
        CHECK_EQ(errnum_of_new_loop(), 0);
        CHECK_EQ(run(answer()), 42); // and so does the next one
    });
    CHECK(end.exited(0));
}

TEST("FLT-CORE-13: run without descriptors frees main, and works when there are some again") {
    const auto end = in_child([] {
        rehearse();
        auto kept = std::make_shared<int>(1);
        const std::weak_ptr<int> watch = kept;
        const auto main = [](std::shared_ptr<int>) -> Coro<> { co_return; };
        allow_descriptors(0);
        CHECK_THROWS_MSG(run(main(std::move(kept))), OSError, "Too many open files");
        CHECK(watch.expired());
        CHECK(running_loop_or_null() == nullptr);
        allow_descriptors(10);
        CHECK_EQ(run(answer()), 42);
    });
    CHECK(end.exited(0));
}

TEST("FLT-CORE-13: a thousand loops one after another, and many at once, leave nothing") {
    const auto before = testing::Baseline::now();
    for (int i = 0; i < 1000; ++i) CHECK_EQ(run(answer()), 42);
    {
        std::vector<std::unique_ptr<EventLoop>> loops;
        for (int i = 0; i < 100; ++i) loops.push_back(new_event_loop());
        for (const auto& loop : loops) CHECK_EQ(loop->run_until_complete(answer()), 42);
    }
    const auto after = testing::Baseline::now();
    CHECK_EQ(after.descriptors, before.descriptors);
    CHECK_EQ(after.blocks, before.blocks);
}

CO_TEST("FLT-CORE-13: run inside run is a RuntimeError, and the outer loop goes on") {
    for (int i = 0; i < 3; ++i) {
        CHECK_THROWS_AS(run(answer()), RuntimeError);
        CHECK_EQ(co_await answer(), 42);
    }
}

CO_TEST(
    "FLT-CORE-13: awaiting a future of another loop is a RuntimeError; the future is unharmed") {
    EventLoop other;
    const Future<int> theirs = other.create_future<int>();
    CHECK_THROWS_MSG(co_await theirs, RuntimeError, "attached to a different loop");
    const auto task = create_task(theirs);
    CHECK_THROWS_AS(co_await task, RuntimeError);
    CHECK(!theirs.done());
    theirs.set_result(1);
    CHECK_EQ(co_await theirs, 1); // done: nothing has to be waited for
}

// ---- loops that end with work in them -----------------------------------------------------------

namespace {

struct Tally { // objects in frames: each must be destroyed once
    explicit Tally(int& living) : living_(&living) { ++living; }
    Tally(const Tally& other) : living_(other.living_) { ++*living_; }
    Tally& operator=(const Tally&) = delete;
    ~Tally() { --*living_; }
    int* living_;
};

Coro<> wait_for_future(Tally, Future<> future) { co_await future; }
Coro<> wait_deep(Tally tally, int depth) {
    if (depth > 0) {
        co_await wait_deep(tally, depth - 1);
    } else {
        co_await sleep(3600s);
    }
}
Coro<> wait_for_task(Tally, Task<> task) { co_await task; }
Coro<> wait_for_byte(Tally, int fd) { co_await get_running_loop().readable(fd); }
AsyncGenerator<int> naps(Tally) {
    co_yield 1;
    co_await sleep(3600s);
}
Coro<> wait_in_generator(Tally tally) {
    auto generator = naps(tally);
    while (co_await generator.next()) {
    }
}
Coro<> not_even_started(Tally) { co_return; }

} // namespace

TEST("FLT-CORE-14: a loop destroyed with tasks at every kind of await destroys all their frames") {
    const auto before = testing::Baseline::now();
    int living = 0;
    {
        const Pipe pipe;
        EventLoop loop;
        const Future<> future = loop.create_future<>();
        loop.create_task(wait_for_future(Tally(living), future), "future");
        loop.create_task(wait_deep(Tally(living), 0), "sleep");
        const auto deep = loop.create_task(wait_deep(Tally(living), 100), "deep");
        loop.create_task(wait_for_task(Tally(living), deep), "task");
        loop.create_task(wait_for_byte(Tally(living), pipe.in()), "readable");
        loop.create_task(wait_in_generator(Tally(living)), "generator");
        loop.call_soon([&loop] { loop.stop(); });
        loop.run_forever();
        loop.create_task(not_even_started(Tally(living)), "unstarted");
        CHECK(living > 100);
    }
    CHECK_EQ(living, 0);
    const auto after = testing::Baseline::now();
    CHECK_EQ(after.blocks, before.blocks);
    CHECK_EQ(after.descriptors, before.descriptors);
    std::string names;
    for (const auto& record : testing::take_logs()) {
        CHECK(record.text.starts_with("Task was destroyed but it is pending!"));
        const auto at = record.text.find("name='") + 6;
        names += record.text.substr(at, record.text.find('\'', at) - at) + " ";
    }
    CHECK_EQ(names, "future sleep deep task readable generator unstarted ");
}

TEST("FLT-CORE-14: so does one whose tasks are woken or cancelled, and have not run again") {
    const auto before = testing::Baseline::now();
    int living = 0;
    {
        EventLoop loop;
        const Future<> future = loop.create_future<>();
        const Future<> other = loop.create_future<>();
        loop.create_task(wait_for_future(Tally(living), future));
        const auto cancelled = loop.create_task(wait_for_future(Tally(living), other));
        const auto both = loop.create_task(wait_for_future(Tally(living), future));
        loop.call_soon([&loop] { loop.stop(); });
        loop.run_forever();
        future.set_result();
        cancelled.cancel();
        both.cancel();
    }
    CHECK_EQ(living, 0);
    CHECK_EQ(testing::Baseline::now().blocks, before.blocks);
    CHECK_EQ(testing::take_logs().size(), 3U);
}

TEST("FLT-CORE-14: queued callbacks and timers go without being called, with what they hold") {
    const auto before = testing::Baseline::now();
    int living = 0;
    {
        const Pipe pipe;
        EventLoop loop;
        const Tally tally(living);
        const auto never = [tally] { FAIL("called"); };
        loop.call_soon(never);
        loop.call_later(0s, never);
        loop.call_later(3600s, never);
        loop.call_soon_threadsafe(never);
        loop.add_reader(pipe.in(), never);
        loop.add_writer(pipe.out(), never);
        const Future<> future = loop.create_future<>();
        future.add_done_callback(never);
        const Future<> done = loop.create_future<>();
        done.set_result();
        done.add_done_callback(never);
        loop.set_exception_handler([tally](EventLoop&, const ExceptionContext&) {});
        loop.set_task_factory(
            [tally](EventLoop&, PendingTask task, const TaskOptions&) { return task.schedule(); });
    }
    CHECK_EQ(living, 0);
    CHECK_EQ(testing::Baseline::now().blocks, before.blocks);
}

namespace {

// Uses the loop while it is being destroyed.
struct Clinging {
    explicit Clinging(EventLoop& event_loop, Future<> f)
        : loop(&event_loop), future(std::move(f)) {}
    Clinging(const Clinging&) = delete;
    Clinging& operator=(const Clinging&) = delete;
    ~Clinging() {
        CHECK_THROWS_AS(loop->call_soon([] {}), RuntimeError);
        CHECK_THROWS_AS(loop->create_task(answer()), RuntimeError);
        CHECK_THROWS_AS(loop->call_soon_threadsafe([] {}), RuntimeError);
        CHECK(!loop->remove_reader(0));
        loop->stop();
        if (!future.done()) future.set_result(); // wakes who waits for it
    }
    EventLoop* loop;
    Future<> future;
};

Coro<> cling(EventLoop& loop, Future<> mine, Future<> other) {
    const Clinging clinging(loop, std::move(mine));
    co_await other;
}

} // namespace

TEST("FLT-CORE-14: destructors that use the loop while it goes find it closed, and wake nobody") {
    const auto before = testing::Baseline::now();
    {
        EventLoop loop;
        const Future<> a = loop.create_future<>();
        const Future<> b = loop.create_future<>();
        int told = 0;
        a.add_done_callback([&told] { ++told; });
        loop.create_task(cling(loop, a, b));
        loop.create_task(cling(loop, b, a));
        loop.call_soon([&loop] { loop.stop(); });
        loop.run_forever();
        loop.close();
        CHECK(a.done() && b.done());
        CHECK_EQ(told, 0);
    }
    CHECK_EQ(testing::Baseline::now().blocks, before.blocks);
    CHECK_EQ(testing::take_logs().size(), 2U);
}

TEST("FLT-CORE-14: handles may outlive their loop") {
    const auto before = testing::Baseline::now();
    int living = 0;
    {
        std::optional<Future<int>> future;
        std::optional<Task<>> task;
        std::optional<Handle> handle;
        std::optional<TimerHandle> timer;
        std::optional<ThreadsafeHandle> posted;
        {
            EventLoop loop;
            future = loop.create_future<int>();
            task = loop.create_task(wait_for_future(Tally(living), Future<>(loop)));
            task->cancel();
            handle = loop.call_soon([] {});
            timer = loop.call_later(1s, [] {});
            posted = loop.call_soon_threadsafe([] {});
            future->add_done_callback([] { FAIL("called"); });
        }
        testing::take_logs();
        CHECK(task->cancelled());
        CHECK(!task->cancel());
        CHECK_THROWS_AS(task->result(), CancelledError);
        handle->cancel();
        timer->cancel();
        posted->cancel();
        future->set_result(3);
        CHECK_EQ(future->result(), 3);
        const auto never = [] { FAIL("called"); };
        CHECK_THROWS_MSG(future->add_done_callback(never), RuntimeError, "Event loop is closed");
    }
    CHECK_EQ(testing::Baseline::now().blocks, before.blocks);
}

TEST("FLT-CORE-14: after run a task that refused to end is gone, and was reported by name") {
    int living = 0;
    int refusals = 0;
    const auto stubborn = [](Tally, int& count) -> Coro<> {
        for (;;) {
            const auto end = co_await outcome(sleep(3600s));
            ++count;
            if (count >= 3) co_await get_running_loop().create_future<>(); // nobody will set it
        }
    };
    {
        EventLoop loop(LoopOptions().backend(testing::make_virtual_backend()));
        const auto task = loop.create_task(stubborn(Tally(living), refusals), "stubborn");
        for (int i = 0; i < 3; ++i) {
            loop.run_until_complete(sleep(1s));
            task.cancel();
        }
        loop.run_until_complete(sleep(1s));
        CHECK(!task.done());
    }
    CHECK_EQ(living, 0);
    const auto logs = testing::take_logs();
    REQUIRE(logs.size() == 1);
    CHECK(logs[0].text.find("name='stubborn'") != std::string::npos);
}

// ---- callables and arguments whose owners are gone ----------------------------------------------

namespace {

const std::string long_text = "a text that is too long to be kept inside of a string";

Coro<std::string> echo_view(std::string_view text) {
    co_await sleep(1s);
    co_return std::string(text);
}
Coro<std::string> echo_reference(const std::string& text) {
    co_await sleep(1s);
    co_return text;
}

} // namespace

CO_TEST("FLT-CORE-16: create_task keeps a lambda with its captures until the task has ended") {
    std::optional<Task<std::string>> task;
    {
        const std::string text = long_text;
        task = create_task([text]() -> Coro<std::string> {
            co_await sleep(1s);
            co_return text; // the closure must be there still
        });
    }
    const std::string got = co_await *task;
    CHECK_EQ(got, long_text);
}

CO_TEST("FLT-CORE-16: create_task keeps arguments that the coroutine takes by view or reference") {
    std::optional<Task<std::string>> by_view;
    std::optional<Task<std::string>> by_reference;
    {
        std::string text = long_text;
        by_view = create_task(echo_view, text);
        by_reference = create_task(echo_reference, text);
        text.assign(text.size(), '?');
    }
    CHECK_EQ(co_await *by_view, long_text);
    CHECK_EQ(co_await *by_reference, long_text);
}

CO_TEST("FLT-CORE-16: callbacks keep their arguments: call_soon, call_later, readers, futures") {
    std::vector<std::string> seen;
    const auto note = [&seen](std::string_view text) { seen.emplace_back(text); };
    const Pipe pipe;
    const Future<> future;
    EventLoop& loop = testing::loop();
    {
        std::string text = long_text;
        loop.call_soon(note, text);
        loop.call_later(1s, note, text);
        loop.call_at(loop.time() + 2s, note, text);
        loop.call_soon_threadsafe(note, text);
        loop.add_writer(
            pipe.out(),
            [&, note](std::string_view given) {
                note(given);
                loop.remove_writer(pipe.out());
            },
            text);
        future.add_done_callback(note, text);
        text.assign(text.size(), '?');
    }
    future.set_result();
    co_await sleep(3s);
    CHECK_EQ(seen, std::vector<std::string>(6, long_text));
}

CO_TEST("FLT-CORE-16: a callable may be destroyed by its own call") {
    const Pipe pipe;
    EventLoop& loop = testing::loop();
    std::vector<std::string> seen;
    pipe.put();
    loop.add_reader(pipe.in(), [&, text = long_text] {
        loop.remove_reader(pipe.in()); // nobody but the call holds it now
        seen.push_back(text);
    });
    std::optional<TimerHandle> timer;
    timer = loop.call_later(0s, [&, text = long_text] {
        timer->cancel();
        timer.reset();
        seen.push_back(text);
    });
    co_await sleep(1s);
    CHECK_EQ(seen, std::vector<std::string>(2, long_text));
}

CO_TEST("FLT-CORE-16: what is lazy keeps what it was given: a coroutine made, and awaited later") {
    std::optional<Coro<std::string>> lazy;
    {
        const std::string text = long_text;
        const auto by_value = [](std::string given) -> Coro<std::string> { co_return given; };
        lazy.emplace(by_value(text));
    }
    CHECK_EQ(co_await *lazy, long_text);
    auto slept = sleep(1s, std::string(long_text));
    CHECK_EQ(co_await slept, long_text);
}
