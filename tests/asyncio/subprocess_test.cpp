// SPDX-License-Identifier: MIT
// Process and its streams: communicate, wait, signals, and how each of them ends.
#include "asyncio/subprocess.h"

#include "asyncio/asyncio.h"
#include "asyncio/base_events.h"
#include "asyncio/testing/testing.h"
#include "os/descriptor.h"
#include "os/pipes.h"
#include "support/child_process.h"
#include "support/processes.h"
#include "support/sweeps.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace asyncio;
using namespace std::chrono_literals;
using subprocess::DEVNULL;
using subprocess::PIPE;
using subprocess::STDOUT;
using support::has_children;
using support::piped;
using support::turns_go_by;

namespace {

Coro<Process> shell(std::string command, ProcessOptions options = piped()) {
    return create_subprocess_shell(std::move(command), std::move(options));
}

/// What a command prints; it has to end well.
Coro<std::string> output_of(std::string command, ProcessOptions options = ProcessOptions()) {
    const auto process = co_await shell(std::move(command), options.stdout_(PIPE));
    auto written = co_await process.communicate();
    CHECK_EQ(process.returncode().value(), 0);
    co_return std::move(*written.out);
}

/// The exit is told, and the pipes are gone: nothing is left for the loop to do.
Coro<> over(Process process) {
    co_await process.wait();
    while (process.transport().get_protocol() != nullptr) co_await yield_now();
}

} // namespace

// ---- what a handle shows ------------------------------------------------------------------------

CO_TEST("SEM-PRC-01: a Process has a pid, streams where there are pipes, and a code at its end") {
    auto options = ProcessOptions().stdin_(PIPE).stdout_(PIPE);
    const auto process = co_await create_subprocess_exec("cat", std::move(options));
    CHECK(process.pid() > 0);
    CHECK_EQ(::getpgid(process.pid()), ::getpgrp());
    CHECK(process.stdin_().has_value());
    CHECK(process.stdout_().has_value());
    CHECK(!process.stderr_().has_value());
    CHECK(!process.returncode().has_value());
    CHECK_EQ(to_string(process), "<Process " + std::to_string(process.pid()) + ">");
    process.stdin_()->write("a line\n");
    CHECK_EQ(co_await process.stdout_()->readline(), "a line\n");
    process.stdin_()->close();
    CHECK_EQ(co_await process.wait(), 0);
    CHECK_EQ(process.returncode().value(), 0);
    const auto silent = co_await shell("exit 3", ProcessOptions());
    CHECK(!silent.stdin_() && !silent.stdout_() && !silent.stderr_());
    CHECK_EQ(co_await silent.wait(), 3);
    co_await over(process);
    co_await over(silent);
}

CO_TEST("SEM-PRC-01: words that are known late, and a shell of one's own choice") {
    std::vector<std::string> words{"printf", "%s-%s", "a", "b"};
    auto options = ProcessOptions().stdout_(PIPE);
    const auto process = co_await create_subprocess_exec(std::move(words), options);
    const auto written = co_await process.communicate();
    CHECK_EQ(written.out.value(), "a-b");
    CHECK_EQ(co_await output_of("echo $0", ProcessOptions().executable("/bin/bash")),
             "/bin/bash\n");
    std::vector<std::string> none;
    CHECK_THROWS_AS(co_await create_subprocess_exec(std::move(none)), ValueError);
}

// ---- communicate --------------------------------------------------------------------------------

CO_TEST("SEM-PRC-02: communicate feeds the input, ends it, and gives both outputs whole") {
    const auto process = co_await shell("cat; echo problem >&2; exit 7");
    const auto written = co_await process.communicate("some\ntext");
    CHECK_EQ(written.out.value(), "some\ntext");
    CHECK_EQ(written.err.value(), "problem\n");
    CHECK_EQ(process.returncode().value(), 7);
    CHECK(process.stdin_()->is_closing());
    co_await over(process);
}

CO_TEST("SEM-PRC-02: without an input it only ends it; what is no pipe gives nothing") {
    const auto process = co_await create_subprocess_exec("cat", piped());
    const auto written = co_await process.communicate();
    CHECK_EQ(written.out.value(), "");
    CHECK_EQ(written.err.value(), "");
    const auto other = co_await shell("exit 0", ProcessOptions());
    const auto nothing = co_await other.communicate("nobody reads this");
    CHECK(!nothing.out && !nothing.err);
    co_await over(process);
}

CO_TEST("SEM-PRC-03: communicate does not mind that a process has not read all of its input") {
    for (const char* const command : {"true", "head -c 10 >/dev/null", "exec <&-; sleep 0.05"}) {
        const auto process = co_await shell(command);
        const auto written = co_await process.communicate(std::string(1 << 20, 'x'));
        CHECK_EQ(written.out.value(), "");
        CHECK_EQ(process.returncode().value(), 0);
        co_await over(process);
    }
}

CO_TEST("SEM-PRC-03: who writes to a dead process by hand is told") {
    const auto process = co_await create_subprocess_exec("true", ProcessOptions().stdin_(PIPE));
    process.stdin_()->write(std::string(1 << 20, 'x'));
    const auto drained = co_await outcome(process.stdin_()->drain());
    CHECK(is_exception<ConnectionError>(drained.exception()));
    CHECK_EQ(co_await process.wait(), 0);
    const auto closed = co_await outcome(process.stdin_()->wait_closed());
    CHECK(closed.has_value() || is_exception<BrokenPipeError>(closed.exception()));
    co_await over(process);
}

CO_TEST("SEM-PRC-17: ten that communicate at once each get their own output") {
    const auto echo = [](int number) -> Coro<std::string> {
        const auto process = co_await create_subprocess_exec("cat", piped());
        auto written = co_await process.communicate(std::to_string(number));
        co_return std::move(*written.out);
    };
    std::vector<Coro<std::string>> all;
    for (int i = 0; i < 10; ++i) all.push_back(echo(i));
    const auto outputs = co_await gather(std::move(all));
    for (std::size_t i = 0; i < 10; ++i) CHECK_EQ(outputs[i], std::to_string(i));
}

CO_TEST("FLT-PROC-07: megabytes in both directions at once, and nobody waits for the other") {
    const std::size_t size = testing::full() ? 100'000'000 : 10'000'000;
    std::string input;
    while (input.size() < size) input += std::to_string(input.size()) + '\n';
    const auto process = co_await shell("tee /dev/stderr");
    const auto written = co_await process.communicate(input);
    CHECK(written.out.value() == input);
    CHECK(written.err.value() == input);
    CHECK_EQ(process.returncode().value(), 0);
    co_await over(process);
}

CO_TEST("FLT-PROC-07: a process that is killed while it communicates is no dead end") {
    const auto process = co_await create_subprocess_exec("cat", piped());
    const auto communicating = create_task(process.communicate(std::string(1 << 20, 'x')));
    co_await turns_go_by(5);
    process.kill();
    const auto written = co_await communicating;
    CHECK_EQ(written.out->find_first_not_of('x'), std::string::npos);
    CHECK_EQ(process.returncode().value(), -SIGKILL);
    co_await over(process);
}

CO_TEST("a communicate that is cancelled leaves what was written to be read") {
    const auto process = co_await shell("echo first; read line; echo $line");
    const auto communicating = create_task(process.communicate(std::nullopt));
    while (process.stdout_()->buffered().empty()) co_await yield_now();
    communicating.cancel();
    CHECK_THROWS_AS(co_await communicating, CancelledError);
    const auto written = co_await process.communicate();
    CHECK_EQ(written.out.value(), "first\n\n");
    co_await over(process);
}

// ---- wait ---------------------------------------------------------------------------------------

CO_TEST("SEM-PRC-04: all who wait get the same code, also those who come later") {
    const auto process = co_await create_subprocess_exec("sleep", "1000");
    const auto waits = [](Process of) -> Coro<int> { co_return co_await of.wait(); };
    const auto first = create_task(waits(process));
    const auto second = create_task(waits(process));
    co_await turns_go_by(3);
    process.send_signal(SIGUSR1);
    CHECK_EQ(co_await first, -SIGUSR1);
    CHECK_EQ(co_await second, -SIGUSR1);
    CHECK_EQ(co_await process.wait(), -SIGUSR1);
    CHECK_EQ(process.returncode().value(), -SIGUSR1);
}

CO_TEST("SEM-PRC-05: a wait that is cancelled disturbs neither the process nor other waits") {
    const auto process = co_await create_subprocess_exec("cat", ProcessOptions().stdin_(PIPE));
    const auto waits = [](Process of) -> Coro<int> { co_return co_await of.wait(); };
    const auto cancelled = create_task(waits(process));
    const auto other = create_task(waits(process));
    co_await turns_go_by(2);
    cancelled.cancel();
    CHECK_THROWS_AS(co_await cancelled, CancelledError);
    CHECK(!process.returncode());
    process.stdin_()->close();
    CHECK_EQ(co_await other, 0);
    co_await over(process);
}

CO_TEST(
    "SEM-PRC-08 SEM-NXT-04: wait() ends with the process, although a grandchild has its pipes") {
    const auto process = co_await shell("sleep 1000 & echo $!; wait");
    const auto grandchild = std::stoi(co_await process.stdout_()->readline());
    process.kill();
    CHECK_EQ(co_await process.wait(), -SIGKILL);
    CHECK(process.transport().get_protocol() != nullptr); // the pipes are open
    CHECK(!process.stdout_()->at_eof());
    ::kill(grandchild, SIGKILL);
    CHECK_EQ(co_await process.stdout_()->read(), "");
    co_await over(process);
}

CO_TEST("SEM-PRC-09: output beyond twice the limit pauses the pipe, and outlives the process") {
    const auto process = co_await shell("printf %01000d 7", piped().limit(100));
    CHECK_EQ(co_await process.wait(), 0);
    while (process.stdout_()->buffered().empty()) co_await yield_now();
    CHECK(!process.transport().get_pipe_transport(1)->is_reading());
    const std::string text = co_await process.stdout_()->read();
    CHECK_EQ(text.size(), 1000U);
    CHECK_EQ(text.back(), '7');
    co_await over(process);
    CHECK_THROWS_AS(co_await shell("true", piped().limit(0)), ValueError);
}

// ---- signals ------------------------------------------------------------------------------------

CO_TEST("SEM-PRC-06: kill, terminate and send_signal reach it; after its end they are an error") {
    const auto killed = co_await create_subprocess_exec("sleep", "1000");
    killed.kill();
    CHECK_EQ(co_await killed.wait(), -SIGKILL);
    const auto terminated = co_await create_subprocess_exec("sleep", "1000");
    terminated.terminate();
    CHECK_EQ(co_await terminated.wait(), -SIGTERM);
    const auto told = co_await shell("trap 'echo told; exit 5' HUP; echo ready; read line");
    co_await told.stdout_()->readline();
    CHECK_THROWS_AS(told.send_signal(12345), OSError);
    told.send_signal(SIGHUP);
    CHECK_EQ(co_await told.stdout_()->readline(), "told\n");
    CHECK_EQ(co_await told.wait(), 5);
    CHECK_THROWS_AS(told.send_signal(SIGHUP), ProcessLookupError);
    CHECK_THROWS_AS(told.terminate(), ProcessLookupError);
    CHECK_THROWS_AS(told.kill(), ProcessLookupError);
    co_await over(told);
}

CO_TEST("SEM-PRC-07: a signal that meets the end never changes the code") {
    for (int i = 0; i < 50; ++i) {
        const auto process = co_await shell("read line", ProcessOptions().stdin_(PIPE));
        process.stdin_()->write("\n"); // it ends, and no turn of the loop goes by
        if (i % 2 == 0) support::wait_for_zombie(process.pid());
        process.send_signal(SIGTERM);
        const int code = co_await process.wait();
        CHECK(code == 0 || (i % 2 != 0 && code == -SIGTERM));
    }
}

CO_TEST("FLT-PROC-07: who ignores SIGTERM is killed, and being stopped is not the end") {
    const auto process = co_await shell("trap '' TERM; echo ready; while :; do sleep 1000; done",
                                        piped().start_new_session(true));
    co_await process.stdout_()->readline();
    process.terminate();
    process.send_signal(SIGSTOP);
    support::wait_for_stop(process.pid());
    co_await turns_go_by(5);
    CHECK(!process.returncode());
    process.send_signal(SIGCONT);
    co_await turns_go_by(5);
    CHECK(!process.returncode());
    ::kill(-process.pid(), SIGKILL); // with what it has started
    CHECK_EQ(co_await process.wait(), -SIGKILL);
    co_await over(process);
}

// ---- streams ------------------------------------------------------------------------------------

CO_TEST("SEM-PRC-10: the error output can go where the output goes, or nowhere") {
    CHECK_EQ(co_await output_of("echo a; echo b >&2", ProcessOptions().stderr_(STDOUT)), "a\nb\n");
    CHECK_EQ(co_await output_of("echo a; echo b >&2", ProcessOptions().stderr_(DEVNULL)), "a\n");
    CHECK_EQ(co_await output_of("cat; echo end", ProcessOptions().stdin_(DEVNULL)), "end\n");
    const auto silent = co_await shell("echo a", ProcessOptions().stdout_(DEVNULL));
    CHECK(!silent.stdout_());
    CHECK_EQ(co_await silent.wait(), 0);
    CHECK_THROWS_MSG(co_await shell("true", ProcessOptions().stdout_(STDOUT)), ValueError,
                     "STDOUT can only be used for stderr");
    CHECK_THROWS_AS(co_await shell("true", ProcessOptions().stdin_(-77)), ValueError);
}

CO_TEST("SEM-PRC-10: folder and environment pass through, and descriptors of ours") {
    auto variables = subprocess::environment();
    CHECK_EQ(variables.at("PATH"), std::string(::getenv("PATH")));
    variables["GREETING"] = "hello";
    auto options = ProcessOptions().cwd("/usr").env(variables);
    CHECK_EQ(co_await output_of("pwd; echo $GREETING", options), "/usr\nhello\n");
    auto ends = os::make_pipe();
    Descriptor& out = ends.second;
    const auto process = co_await shell("echo x", ProcessOptions().stdout_(out.get()));
    CHECK_EQ(co_await process.wait(), 0);
    std::vector<int> passed{out.get()};
    const std::string command = "echo y >&" + std::to_string(out.get());
    auto passing = ProcessOptions().pass_fds(std::move(passed)).executable("/bin/bash");
    CHECK_EQ(co_await output_of(command, std::move(passing)), "");
    out.reset();
    std::array<char, 10> text{};
    CHECK_EQ(::read(ends.first.get(), text.data(), text.size()), ssize_t{4});
    CHECK_EQ(std::string(text.data()), "x\ny\n");
}

CO_TEST("pipesize says how much a pipe holds") {
    const auto process =
        co_await create_subprocess_exec("sleep", "1000", piped().pipesize(1 << 18));
    const int pipe = process.stdin_()->get_extra_info(extra::pipe).value();
    CHECK_EQ(::fcntl(pipe, F_GETPIPE_SZ), 1 << 18);
    process.kill();
    co_await over(process);
}

CO_TEST("SEM-PRC-16: an input ends although other processes were started meanwhile") {
    const auto first = co_await create_subprocess_exec("cat", piped());
    const auto second = co_await create_subprocess_exec("cat", piped());
    CHECK_EQ((co_await first.communicate("first")).out.value(), "first");
    CHECK(!second.returncode());
    CHECK_EQ((co_await second.communicate("second")).out.value(), "second");
    co_await over(first);
    co_await over(second);
}

CO_TEST("SEM-PRC-20: an output that is closed early is a broken pipe there, and no other's end") {
    const auto process = co_await shell("trap '' PIPE; while echo x; do :; done 2>/dev/null;"
                                        "echo broken >&2; read line; echo $line >&2");
    process.transport().get_pipe_transport(1)->close();
    CHECK_EQ(co_await process.stderr_()->readline(), "broken\n");
    process.stdin_()->write("still here\n");
    CHECK_EQ(co_await process.stderr_()->readline(), "still here\n");
    CHECK_EQ(co_await process.wait(), 0);
    co_await over(process);
}

// ---- starting -----------------------------------------------------------------------------------

CO_TEST("SEM-PRC-12 FLT-PROC-01: what cannot be started is named, and leaves nothing behind") {
    const std::size_t descriptors = os::open_descriptors_count();
    CHECK_THROWS_MSG(co_await create_subprocess_exec("no-such-program", "-x", piped()),
                     FileNotFoundError, "'no-such-program'");
    CHECK_THROWS_MSG(co_await create_subprocess_exec("/etc/passwd", piped()), PermissionError,
                     "/etc/passwd");
    CHECK_THROWS_MSG(co_await create_subprocess_exec("true", piped().cwd("/nowhere")),
                     FileNotFoundError, "'/nowhere'");
    CHECK_EQ(os::open_descriptors_count(), descriptors);
    CHECK(!has_children());
    const auto process = co_await shell("no-such-program", piped()); // the shell itself is there
    CHECK_EQ((co_await process.communicate()).out.value(), "");
    CHECK_EQ(process.returncode().value(), 127);
    co_await over(process);
}

CO_TEST("FLT-PROC-02: words go to a program as they are; the shell has a name of its own") {
    const auto process = co_await create_subprocess_exec("printf", "%s|", "; touch x", "$(x)", "-n",
                                                         "a\nb", ProcessOptions().stdout_(PIPE));
    CHECK_EQ((co_await process.communicate()).out.value(), "; touch x|$(x)|-n|a\nb|");
    CHECK_EQ(co_await output_of("printf %s $(echo shell); exit"), "shell");
    CHECK_THROWS_MSG(co_await create_subprocess_exec("true", std::string("a\0b", 3)), ValueError,
                     "embedded null byte");
}

CO_TEST("SEM-PRC-13: a start that is cancelled kills the process, and closes the pipes") {
    const std::size_t descriptors = os::open_descriptors_count();
    const auto starting = create_task(create_subprocess_exec("sleep", "1000", piped()));
    co_await yield_now();
    CHECK(has_children());
    starting.cancel();
    CHECK_THROWS_AS(co_await starting, CancelledError);
    CHECK(!has_children()); // it was waited for
    co_await turns_go_by(3);
    CHECK_EQ(os::open_descriptors_count(), descriptors);
}

// ---- the loop -----------------------------------------------------------------------------------

CO_TEST("FLT-PROC-04: a process whose handle is dropped runs on, and is reaped") {
    const std::size_t descriptors = os::open_descriptors_count();
    co_await create_subprocess_exec("true", piped());
    while (has_children() || os::open_descriptors_count() != descriptors) co_await yield_now();
}

TEST("FLT-PROC-04: a loop that closes kills its processes, reaps them, and closes their pipes") {
    const std::size_t descriptors = os::open_descriptors_count();
    std::optional<Process> left;
    run([](std::optional<Process>* kept) -> Coro<> {
        co_await create_subprocess_exec("sleep", "1000", piped());
        const auto other = co_await create_subprocess_exec("sleep", "1000", piped());
        other.stdin_()->write(std::string(1 << 20, 'x')); // unsent
        *kept = other;
        static_cast<void>(create_task([](Process of) -> Coro<> { co_await of.wait(); }(other)));
        co_await yield_now();
    }(&left));
    CHECK(!has_children());
    CHECK_EQ(os::open_descriptors_count(), descriptors);
    CHECK_EQ(left->returncode().value(), -SIGKILL);
    CHECK_THROWS_AS(left->kill(), ProcessLookupError);
    CHECK(left->stdin_()->is_closing());
}

TEST("SEM-PRC-18: loops on any thread have children, without threads or a handler of SIGCHLD") {
    const auto before = ::signal(SIGCHLD, SIG_DFL);
    std::thread([] {
        run([]() -> Coro<> {
            const auto process = co_await shell("exit 9");
            CHECK_EQ(co_await process.wait(), 9);
        }());
    }).join();
    CHECK(::signal(SIGCHLD, before) == SIG_DFL);
}

TEST("FLT-PROC-06: a thousand children of two loops in two threads, each with its own code") {
    const auto many = [](int offset) -> Coro<> {
        for (int i = 0; i < 500; ++i) {
            const int code = (i + offset) % 200;
            const auto process = co_await shell("exit " + std::to_string(code), ProcessOptions());
            CHECK_EQ(co_await process.wait(), code);
        }
    };
    std::thread other([&] { run(many(100)); });
    run(many(0));
    other.join();
    CHECK(!has_children());
}

CO_TEST("FLT-PROC-06: a hundred children at once") {
    const auto one = [](int number) -> Coro<int> {
        const auto process = co_await shell("read line; exit $line", ProcessOptions().stdin_(PIPE));
        co_await process.communicate(std::to_string(number) + "\n");
        co_return co_await process.wait();
    };
    std::vector<Coro<int>> all;
    for (int i = 0; i < 100; ++i) all.push_back(one(i));
    const auto codes = co_await gather(std::move(all));
    for (std::size_t i = 0; i < codes.size(); ++i) CHECK_EQ(codes[i], static_cast<int>(i));
}

CO_TEST("SEM-PRC-19 FLT-PROC-05: a status that somebody else has taken is 255, and a warning") {
    const auto process = co_await shell("read line; exit 3", ProcessOptions().stdin_(PIPE));
    process.stdin_()->write("\n");
    CHECK_EQ(::waitpid(process.pid(), nullptr, 0), process.pid());
    CHECK_EQ(co_await process.wait(), 255);
    const auto logs = testing::take_logs();
    CHECK_EQ(logs.size(), 1U);
    CHECK_EQ(logs.at(0).text, "child process pid " + std::to_string(process.pid()) +
                                  " exit status already read: will report returncode 255");
    co_await over(process);
}

TEST("SEM-FRK-01: a forked child has a loop and processes of its own, and leaves its parent's "
     "alone") {
    run([]() -> Coro<> {
        const auto process = co_await create_subprocess_exec("cat", piped());
        const auto end = support::in_child([] {
            run([]() -> Coro<> { CHECK_EQ(co_await output_of("echo forked"), "forked\n"); }());
        });
        CHECK(end.exited(0));
        CHECK_EQ((co_await process.communicate("here")).out.value(), "here");
    }());
}
