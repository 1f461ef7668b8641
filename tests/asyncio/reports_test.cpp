// SPDX-License-Identifier: MIT
// The exception handler, custom and default, and what reports say.
#include "asyncio/contextvars.h"
#include "asyncio/format_helpers.h"
#include "asyncio/testing/testing.h"
#include "support/moments.h"

#include <cstdlib>
#include <unistd.h>

using namespace asyncio;
using namespace std::chrono_literals;
using support::contains;

namespace {

struct bad_callback {
    void operator()() const { throw ZeroDivisionError("in a callback"); }
};

Coro<> fail_inside() {
    co_await yield_now();
    throw ValueError("nobody looks at this");
}
Coro<> fail() { co_await fail_inside(); }

// What a handler was called with.
struct Reports {
    std::vector<ExceptionContext> seen;

    Reports() {
        testing::loop().set_exception_handler(
            [this](EventLoop&, const ExceptionContext& context) { seen.push_back(context); });
    }
    ~Reports() { testing::loop().set_exception_handler(nullptr); }
};

// The only line that was logged.
std::string logged() {
    const std::vector<testing::LogRecord> records = testing::take_logs();
    CHECK_EQ(records.size(), 1U);
    if (records.empty()) return {};
    CHECK(records.front().level == LogLevel::error);
    return records.front().text;
}

} // namespace

CO_TEST("SEM-EXC-01: an exception that escapes a callback goes to the exception handler") {
    const Reports reports;
    testing::loop().call_soon(bad_callback());
    co_await yield_now();
    REQUIRE(reports.seen.size() == 1);
    const ExceptionContext& context = reports.seen.front();
    CHECK_EQ(context.message, "Exception in callback bad_callback()");
    CHECK_EQ(repr(context.exception), "ZeroDivisionError('in a callback')");
    CHECK_EQ(context.handle, "<Handle bad_callback()>");
}

CO_TEST("SEM-EXC-01: later callbacks of the tick still run") {
    const Reports reports;
    const testing::Turns turns;
    int ran_in_turn = 0;
    testing::loop().call_soon(bad_callback());
    testing::loop().call_soon([&] { ran_in_turn = turns.count(); });
    co_await yield_now();
    CHECK_EQ(ran_in_turn, 1);
    CHECK_EQ(reports.seen.size(), 1U);
}

CO_TEST("SEM-EXC-01: a done-callback that throws is reported, and the next one is called") {
    const Reports reports;
    Future<> future;
    bool called = false;
    future.add_done_callback(bad_callback());
    future.add_done_callback([&] { called = true; });
    future.set_result();
    co_await yield_now();
    CHECK(called);
    REQUIRE(reports.seen.size() == 1);
    CHECK_EQ(reports.seen[0].message, "Exception in callback bad_callback()");
}

CO_TEST("SEM-EXC-02: a custom handler replaces the default, null restores it") {
    EventLoop& loop = testing::loop();
    CHECK(loop.get_exception_handler() == nullptr);
    {
        const Reports reports;
        CHECK(loop.get_exception_handler() != nullptr);
        loop.call_soon(bad_callback());
        co_await yield_now();
        CHECK_EQ(reports.seen.size(), 1U);
        CHECK(testing::take_logs().empty());
    }
    CHECK(loop.get_exception_handler() == nullptr);
    loop.call_soon(bad_callback());
    co_await yield_now();
    CHECK(contains(logged(), "Exception in callback bad_callback()"));
}

CO_TEST("SEM-EXC-02: the handler gets the loop, and may replace itself while it runs") {
    EventLoop& loop = testing::loop();
    const EventLoop* given = nullptr;
    const std::string text = "kept as long as it runs, beyond any small buffer";
    std::string after;
    loop.set_exception_handler([&, text](EventLoop& of, const ExceptionContext&) {
        given = &of;
        of.set_exception_handler(nullptr);
        after = text;
    });
    loop.call_exception_handler(ExceptionContext());
    CHECK(given == &loop);
    CHECK_EQ(after, text);
    CHECK(loop.get_exception_handler() == nullptr);
    co_return;
}

CO_TEST("SEM-EXC-03: a handler that throws: the default gets the new exception and the context") {
    EventLoop& loop = testing::loop();
    loop.set_exception_handler(
        [](EventLoop&, const ExceptionContext&) { throw RuntimeError("the handler itself"); });
    loop.call_soon(bad_callback());
    co_await yield_now();
    CHECK_EQ(logged(), "Unhandled error in exception handler\n"
                       "context: Exception in callback bad_callback(): "
                       "ZeroDivisionError('in a callback')\n"
                       "RuntimeError: the handler itself");
}

CO_TEST("SEM-EXC-03: a CancelledError out of a handler is an error like others") {
    EventLoop& loop = testing::loop();
    loop.set_exception_handler(
        [](EventLoop&, const ExceptionContext&) { throw CancelledError("from the handler"); });
    bool went_on = false;
    loop.call_soon(bad_callback());
    loop.call_soon([&] { went_on = true; });
    co_await yield_now();
    CHECK(went_on);
    CHECK(logged().ends_with("\nCancelledError: from the handler"));
}

namespace {

int broken_log_calls = 0;

void broken_log(LogLevel, std::string_view) {
    ++broken_log_calls;
    throw RuntimeError("no log today");
}

// What is written to stderr meanwhile.
class CapturedStderr {
public:
    CapturedStderr() : file_(std::tmpfile()), before_(::dup(STDERR_FILENO)) {
        ::dup2(::fileno(file_), STDERR_FILENO);
    }
    std::string end() {
        ::dup2(before_, STDERR_FILENO);
        ::close(before_);
        std::rewind(file_);
        std::string text(4096, '\0');
        text.resize(std::fread(text.data(), 1, text.size(), file_));
        std::fclose(file_);
        return text;
    }

private:
    std::FILE* file_;
    int before_;
};

} // namespace

TEST("SEM-EXC-04: a default handler whose log throws: an error line is written, the loop goes on") {
    std::string text;
    bool went_on = false;
    {
        EventLoop loop;
        broken_log_calls = 0;
        CapturedStderr captured;
        const LogHandler before = set_log_handler(&broken_log);
        loop.call_soon(bad_callback());
        loop.call_soon([&] {
            went_on = true;
            loop.stop();
        });
        loop.run_forever();
        set_log_handler(before);
        text = captured.end();
    }
    CHECK(went_on);
    CHECK_EQ(broken_log_calls, 1);
    CHECK(contains(text, "ERROR:asyncio:Exception in callback bad_callback()\n"));
    CHECK(text.ends_with("ERROR:asyncio:Exception in log handler\n"));
}

TEST("SEM-EXC-04: the custom handler and then the default one may fail: the loop goes on") {
    bool went_on = false;
    EventLoop loop;
    CapturedStderr captured;
    const LogHandler before = set_log_handler(&broken_log);
    loop.set_exception_handler(
        [](EventLoop&, const ExceptionContext&) { throw RuntimeError("the handler itself"); });
    loop.call_soon(bad_callback());
    loop.call_soon([&] {
        went_on = true;
        loop.stop();
    });
    loop.run_forever();
    set_log_handler(before);
    const std::string text = captured.end();
    CHECK(went_on);
    CHECK(contains(text, "ERROR:asyncio:Unhandled error in exception handler\n"));
}

namespace {

struct interrupt {
    void operator()() const { throw KeyboardInterrupt(); }
};
struct leave {
    void operator()() const { throw SystemExit(3); }
};

} // namespace

TEST("SEM-EXC-05: KeyboardInterrupt and SystemExit leave the loop and do not meet the handler") {
    EventLoop loop;
    int calls = 0;
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { ++calls; });
    loop.call_soon(interrupt());
    CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
    loop.call_soon(leave());
    CHECK_THROWS_AS(loop.run_forever(), SystemExit);
    CHECK_EQ(calls, 0);
}

TEST("SEM-EXC-05: out of a handler they leave the loop as well") {
    EventLoop loop;
    loop.set_exception_handler(
        [](EventLoop&, const ExceptionContext&) { throw KeyboardInterrupt(); });
    loop.call_soon(bad_callback());
    CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
}

namespace {

ContextVar<std::string> user("user", "nobody");

struct UserReports {
    std::vector<std::string> users;
    UserReports() {
        testing::loop().set_exception_handler(
            [this](EventLoop&, const ExceptionContext&) { users.push_back(user.get()); });
    }
    ~UserReports() { testing::loop().set_exception_handler(nullptr); }
};

Coro<> fail_as(std::string name) {
    user.set(std::move(name));
    co_await yield_now();
    throw ValueError("wrong");
}

} // namespace

CO_TEST("SEM-EXC-06: the handler runs in the context of the task it is told of") {
    const UserReports reports;
    user.set("main");
    {
        const auto task = create_task(fail_as("task"));
        while (!task.done()) co_await yield_now();
    }
    CHECK_EQ(reports.users, std::vector<std::string>(1, "task"));
    CHECK_EQ(user.get(), "main");
}

CO_TEST("SEM-EXC-06: the handler runs in the context of the failing callback's handle") {
    const UserReports reports;
    user.set("main");
    const Context context = copy_context();
    testing::loop().call_soon(bad_callback());
    user.set("later");
    testing::loop().call_soon(in_context(context), bad_callback());
    co_await yield_now();
    const std::vector<std::string> wanted{"main", "main"};
    CHECK_EQ(reports.users, wanted);
    CHECK_EQ(user.get(), "later");
}

CO_TEST(
    "SEM-EXC-06: for a plain future, which has no context, the handler runs in the present one") {
    const UserReports reports;
    user.set("main");
    {
        const Future<> future;
        future.set_exception(ValueError("wrong"));
    }
    CHECK_EQ(reports.users, std::vector<std::string>(1, "main"));
    co_return;
}

CO_TEST("SEM-EXC-07: the default handler logs the message, the other keys sorted, the exception") {
    ExceptionContext context;
    context.message = "what happened";
    context.exception = std::make_exception_ptr(ValueError("why"));
    context.handle = "<Handle f()>";
    context.future = AnyFuture(Future<>());
    context.more.emplace_back("transport", "a transport");
    context.more.emplace_back("asyncgen", "a generator");
    testing::loop().default_exception_handler(context);
    CHECK_EQ(logged(), "what happened\n"
                       "asyncgen: a generator\n"
                       "future: <Future pending>\n"
                       "handle: <Handle f()>\n"
                       "transport: a transport\n"
                       "ValueError: why");
    testing::loop().default_exception_handler(ExceptionContext());
    CHECK_EQ(logged(), "Unhandled exception in event loop");
    co_return;
}

CO_TEST(
    "SEM-EXC-07: where the object was created is logged, in debug mode with its creator's calls") {
    const std::string file = std::source_location::current().file_name();
    for (const bool debug : {false, true}) {
        testing::loop().set_debug(debug);
        unsigned line = 0;
        const auto create = [&line]() -> Coro<> {
            line = std::source_location::current().line() + 1;
            const auto task = create_task(fail(), "failing");
            while (!task.done()) co_await yield_now();
        };
        co_await create();
        const std::string text = logged();
        CHECK(text.starts_with("Task exception was never retrieved\nfuture: <Task finished "
                               "name='failing' coro=<fail() done at "));
        CHECK(contains(text, "\nsource_traceback: Object created at (most recent call last):\n"));
        CHECK(contains(text, "  File \"" + file + "\", line " + std::to_string(line) + ", in "));
        CHECK(contains(text, ".<lambda>\nTraceback"));
        const std::string me = detail::function_name(std::source_location::current());
        CHECK_EQ(contains(text, ", in " + me + "\n"), debug);
    }
    testing::loop().set_debug(false);
}

CO_TEST("the default handler shows the way of a task's exception") {
    {
        const auto task = create_task(fail(), "failing");
        while (!task.done()) co_await yield_now();
    }
    const std::string text = logged();
    const std::size_t way = text.find("\nTraceback (most recent call last):\n");
    REQUIRE(way != std::string::npos);
    CHECK(text.find(", in fail\n", way) < text.find(", in fail_inside\n", way));
    CHECK(text.ends_with(", in fail_inside\nValueError: nobody looks at this"));
}

namespace {

unsigned call_line = 0;

Coro<> call_bad() {
    call_line = std::source_location::current().line() + 1;
    testing::loop().call_soon(bad_callback());
    co_return;
}

} // namespace

CO_TEST("SEM-EXC-08: in debug mode a failing callback's context has the creator's calls") {
    const Reports reports;
    testing::loop().set_debug(true);
    co_await call_bad();
    co_await yield_now();
    testing::loop().set_debug(false);
    co_await call_bad();
    co_await yield_now();
    REQUIRE(reports.seen.size() == 2);
    const std::string& calls = reports.seen[0].source_traceback;
    CHECK(calls.ends_with("line " + std::to_string(call_line) + ", in call_bad"));
    CHECK(contains(calls, ", in asyncio_body_"));
    CHECK_EQ(reports.seen[1].source_traceback, "");
}

CO_TEST("SEM-EXC-08: in debug mode a failing done-callback's context has its creator's calls") {
    const Reports reports;
    testing::loop().set_debug(true);
    Future<> future;
    future.add_done_callback(bad_callback());
    future.set_result();
    co_await yield_now();
    testing::loop().set_debug(false);
    REQUIRE(reports.seen.size() == 1);
    CHECK(contains(reports.seen[0].source_traceback, ", in asyncio_body_"));
}
