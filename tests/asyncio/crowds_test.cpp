// SPDX-License-Identifier: MIT
// Thousands of connections between two processes: all are answered, and nothing grows.
//
// With ASYNCIO_TEST_FULL=1: 10,000 idle ones beside 100 busy ones, and 100,000 connects and closes.
// It prints its figures: build/release/tests/test_asyncio --filter FLT-NET-11
#include "asyncio/gather.h"
#include "asyncio/runners.h"
#include "asyncio/streams.h"
#include "asyncio/testing/testing.h"
#include "os/descriptor.h"
#include "support/child_process.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <tuple>
#include <unistd.h>
#include <vector>

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

struct Crowd { // how many there are
    int idle = testing::full() ? 10'000 : 1'000;
    int busy = testing::full() ? 100 : 20;
    int rounds = testing::full() ? 100 : 10; // questions of each busy one
    int phases = 5; // of connects and closes
    int connects = testing::full() ? 20'000 : 100; // a phase
    int at_once = 20;
};

/// As many descriptors as this process may have, while it lives.
class AllDescriptors {
public:
    AllDescriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit all{before_.rlim_max, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &all) == 0);
    }
    AllDescriptors(const AllDescriptors&) = delete;
    AllDescriptors& operator=(const AllDescriptors&) = delete;
    ~AllDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

/// What a process has in use.
struct InUse {
    static InUse now() {
        InUse used;
        used.descriptors = static_cast<long>(os::open_descriptors_count());
        for ([[maybe_unused]] const auto& thread :
             std::filesystem::directory_iterator("/proc/self/task")) {
            ++used.threads;
        }
        std::ifstream statm("/proc/self/statm");
        long pages = 0;
        statm >> pages >> used.bytes;
        used.bytes *= ::sysconf(_SC_PAGESIZE);
        return used;
    }
    std::string text() const {
        return std::to_string(descriptors) + " " + std::to_string(threads) + " " +
               std::to_string(bytes) + "\n";
    }
    static InUse of(const std::string& text) {
        InUse used;
        std::istringstream(text) >> used.descriptors >> used.threads >> used.bytes;
        return used;
    }
    long descriptors = 0;
    long threads = 0;
    long bytes = 0; // resident
};

// ---- the server's process -----------------------------------------------------------------------

/// Sends every line back; is asked for what it has in use, and told to end.
Coro<> answer(StreamReader reader, StreamWriter writer, Event* ended) {
    // LIFETIME: serve() ends when all its handlers have.
    while (const auto line = co_await reader.next_line()) {
        writer.write(*line == "in use?\n" ? InUse::now().text() : *line);
        if (*line == "end\n") ended->set();
    }
}

Coro<> serve(int port_pipe) {
    Event ended;
    auto handler = [&ended](StreamReader reader, StreamWriter writer) {
        return answer(std::move(reader), std::move(writer), &ended);
    };
    const Server server =
        co_await start_server(handler, "127.0.0.1", 0, ServerOptions().backlog(4096));
    const std::uint16_t port = server.sockets()[0].getsockname().port();
    REQUIRE(::write(port_pipe, &port, sizeof port) == sizeof port);
    co_await ended.wait();
    co_await server.shutdown(10s);
}

/// A server in a child process.
class ServerProcess {
public:
    ServerProcess() {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        const os::Descriptor in(ends[0]);
        os::Descriptor out(ends[1]);
        std::fflush(nullptr);
        child_ = ::fork();
        if (child_ == 0) serve_in_child(out.get());
        out.reset(); // or nobody would say that the child has died
        REQUIRE(::read(in.get(), &port, sizeof port) == sizeof port);
    }
    support::ChildEnd wait() const { return support::wait_for_child(child_); }

    std::uint16_t port = 0;

private:
    [[noreturn]] static void serve_in_child(int port_pipe) {
        ::alarm(280); // if its clients are gone
        int status = 0;
        try {
            const AllDescriptors all;
            run(serve(port_pipe));
        } catch (...) {
            status = 1;
        }
        ::_exit(status);
    }
    pid_t child_ = -1;
};

// ---- its clients --------------------------------------------------------------------------------

/// From one of 200 addresses, so that the ports do not run out.
Coro<Stream> connect_from(int number, std::uint16_t port) {
    std::string from = "127.0.1." + std::to_string(1 + number % 200);
    auto options = ConnectOptions().local_addr(std::move(from), 0);
    return open_connection("127.0.0.1", port, std::move(options));
}

Coro<std::string> ask(const Stream& stream, std::string question) {
    // LIFETIME: the caller awaits this.
    stream.writer.write(question);
    co_return co_await stream.reader.readline();
}

Coro<> close(Stream stream) {
    stream.writer.close();
    co_await stream.writer.wait_closed();
}

/// What the server has in use when it has seen that all connections but so many are closed.
Coro<InUse> when_settled(const Stream& control, long descriptors) {
    // LIFETIME: the caller awaits this.
    InUse used = InUse::of(co_await ask(control, "in use?\n"));
    for (int i = 0; i < 10'000 && used.descriptors != descriptors; ++i) {
        used = InUse::of(co_await ask(control, "in use?\n"));
    }
    CHECK_EQ(used.descriptors, descriptors);
    co_return used;
}

using Nanoseconds = std::vector<std::int64_t>;

/// Asks again and again, and notes how long each answer took.
Coro<> be_busy(int number, std::uint16_t port, int rounds, Nanoseconds* took) {
    // LIFETIME: p99_of_busy() awaits this.
    const Stream stream = co_await connect_from(number, port);
    for (int i = 0; i < rounds; ++i) {
        const std::string tag = std::to_string(number) + "/" + std::to_string(i) + "\n";
        const auto began = std::chrono::steady_clock::now();
        const std::string got = co_await ask(stream, tag);
        took->push_back((std::chrono::steady_clock::now() - began).count());
        CHECK_EQ(got, tag);
    }
    co_await close(stream);
}

Coro<std::int64_t> p99_of_busy(Crowd crowd, std::uint16_t port) {
    Nanoseconds took;
    std::vector<Coro<>> all;
    for (int i = 0; i < crowd.busy; ++i) all.push_back(be_busy(i, port, crowd.rounds, &took));
    co_await gather(std::move(all));
    std::sort(took.begin(), took.end());
    co_return took.at(took.size() * 99 / 100);
}

/// The better of three: other processes disturb it, too.
Coro<std::int64_t> best_p99_of_busy(Crowd crowd, std::uint16_t port) {
    std::int64_t best = co_await p99_of_busy(crowd, port);
    for (int i = 0; i < 2; ++i) best = std::min(best, co_await p99_of_busy(crowd, port));
    co_return best;
}

Coro<std::vector<Stream>> connect_idle(int count, std::uint16_t port) {
    std::vector<Stream> idle;
    for (int i = 0; i < count; ++i) idle.push_back(co_await connect_from(i, port));
    co_return idle;
}

Coro<> idle_and_busy(Crowd crowd, std::uint16_t port) {
    const Stream control = co_await open_connection("127.0.0.1", port);
    const long alone = InUse::of(co_await ask(control, "in use?\n")).descriptors;
    const std::int64_t unloaded = co_await best_p99_of_busy(crowd, port);
    const InUse before = co_await when_settled(control, alone);
    std::vector<Stream> idle = co_await connect_idle(crowd.idle, port);
    // All are accepted when the last one is answered.
    CHECK_EQ(co_await ask(idle.back(), "here\n"), "here\n");
    const InUse with = co_await when_settled(control, alone + crowd.idle);
    CHECK_EQ(with.threads, before.threads);
    const std::int64_t loaded = co_await best_p99_of_busy(crowd, port);
    for (const Stream& stream : idle) CHECK_EQ(co_await ask(stream, "late\n"), "late\n");
    std::printf(
        "%d idle, %d busy: p99 %.0f us, without the idle ones %.0f us; %ld B a connection\n",
        crowd.idle, crowd.busy, static_cast<double>(loaded) / 1e3,
        static_cast<double>(unloaded) / 1e3, (with.bytes - before.bytes) / crowd.idle);
    if (testing::full()) CHECK(loaded <= 2 * unloaded);
    for (Stream& stream : idle) co_await close(std::move(stream));
    co_await close(control);
}

Coro<> connect_and_close(int first, int count, std::uint16_t port) {
    for (int i = 0; i < count; ++i) {
        const Stream stream = co_await connect_from(first + i, port);
        CHECK_EQ(co_await ask(stream, "short\n"), "short\n");
        co_await close(stream);
    }
}

Coro<> connect_and_close_all(Crowd crowd, std::uint16_t port) {
    std::vector<Coro<>> all;
    const int each = crowd.connects / crowd.at_once;
    for (int i = 0; i < crowd.at_once; ++i) all.push_back(connect_and_close(i * 10, each, port));
    co_await gather(std::move(all));
}

/// What both processes have in use grows by nothing after the first phase, which warms up.
Coro<> churn(Crowd crowd, std::uint16_t port) {
    const Stream control = co_await open_connection("127.0.0.1", port);
    const long alone = InUse::of(co_await ask(control, "in use?\n")).descriptors;
    co_await connect_and_close_all(crowd, port);
    const InUse server = co_await when_settled(control, alone);
    const InUse client = InUse::now();
    for (int i = 1; i < crowd.phases; ++i) co_await connect_and_close_all(crowd, port);
    const InUse server_after = co_await when_settled(control, alone);
    const InUse client_after = InUse::now();
    const int count = crowd.connects * (crowd.phases - 1);
    for (const auto& [name, then, now] :
         {std::tuple("server", server, server_after), std::tuple("client", client, client_after)}) {
        CHECK_EQ(now.descriptors, then.descriptors);
        CHECK_EQ(now.threads, then.threads);
        const double slope = static_cast<double>(now.bytes - then.bytes) / count;
        std::printf("%d connects and closes, %s: descriptors %+ld, threads %+ld, %+.2f B each\n",
                    count, name, now.descriptors - then.descriptors, now.threads - then.threads,
                    slope);
        if (testing::full()) CHECK(slope < 16);
    }
    co_await close(control);
}

Coro<> end_server(std::uint16_t port) {
    const Stream control = co_await open_connection("127.0.0.1", port);
    CHECK_EQ(co_await ask(control, "end\n"), "end\n");
    co_await close(control);
}

Coro<> visit(Coro<> (*what)(Crowd, std::uint16_t), std::uint16_t port) {
    co_await what(Crowd(), port);
    co_await end_server(port);
}

void with_server_process(Coro<> (*what)(Crowd, std::uint16_t)) {
    const AllDescriptors all;
    const ServerProcess server;
    testing::CaseLoop of_case(testing::CaseClock::real_time);
    of_case.run(visit(what, server.port));
    of_case.check_idle();
    of_case.close();
    CHECK(server.wait().exited(0));
}

} // namespace

TEST("FLT-NET-11: a thousand idle connections and twenty busy ones: all are answered") {
    with_server_process(idle_and_busy);
}

TEST("FLT-NET-11: connects and closes leave no descriptor, thread or memory behind") {
    with_server_process(churn);
}
